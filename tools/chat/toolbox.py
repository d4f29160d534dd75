"""Tools of other people that a chat model may call: LangChain tools of this process.

See `tools.mcp.tool_server` for those of an MCP server. A tool may do anything, so only tools that a profile's author
named are ever offered.
"""

import asyncio
import contextlib
import contextvars
import json
import threading
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Protocol

from langchain_core.tools import BaseTool, StructuredTool, Tool
from langchain_core.utils.function_calling import convert_to_openai_tool

from interleavethinker.tools.errors import ProfileError

__all__ = ["LangChainTools", "Toolbox", "text_of_value"]


class Toolbox(Protocol):
    """Some tools."""

    async def descriptions(self) -> list[dict[str, Any]]:
        """Returns each tool in the form of OpenAI's function calling, which LangChain translates for every provider."""
        ...

    async def call(self, name: str, arguments: Mapping[str, Any]) -> str:
        """Calls a tool and returns its result as text.

        Raises:
            Exception: Whatever the tool raises.
        """
        ...


class LangChainTools:
    """LangChain tools.

    Args:
        tools: The tools.

    Raises:
        ProfileError: Something else is among them.
    """

    def __init__(self, tools: Sequence[object]) -> None:
        self._tools: dict[str, BaseTool] = {}
        for one in tools:
            if not isinstance(one, BaseTool):
                raise ProfileError(
                    f"{one!r} is not a LangChain tool. Name a function with langchain's `@tool`, or a list of them."
                )
            self._tools[one.name] = one

    async def descriptions(self) -> list[dict[str, Any]]:
        """See `Toolbox.descriptions`."""
        return [convert_to_openai_tool(one) for one in self._tools.values()]

    async def call(self, name: str, arguments: Mapping[str, Any]) -> str:
        """See `Toolbox.call`."""
        tool = self._tools[name]
        if _is_async(tool):
            return text_of_value(await tool.ainvoke(dict(arguments)))
        return text_of_value(await _in_thread(lambda: tool.invoke(dict(arguments))))


def _is_async(tool: BaseTool) -> bool:
    """Whether a tool has an implementation for event loops; LangChain calls all others in a thread of the executor."""
    if isinstance(tool, StructuredTool | Tool):
        return tool.coroutine is not None
    return getattr(type(tool), "_arun") is not getattr(BaseTool, "_arun")  # noqa: B009 - LangChain has no public name


async def _in_thread(call: Callable[[], object]) -> object:
    """Calls a function in a daemon thread.

    A tool may take longer than its caller waits, or for ever. The process waits for the threads of asyncio's executor
    before it ends, but not for a daemon thread.
    """
    loop = asyncio.get_running_loop()
    ended: asyncio.Future[object] = loop.create_future()

    def report(tell: Callable[[Any], None], what: object) -> None:
        with contextlib.suppress(RuntimeError):  # Nobody waits any more: the loop is closed.
            loop.call_soon_threadsafe(lambda: None if ended.done() else tell(what))

    def run() -> None:
        try:
            result = call()
        except BaseException as error:  # noqa: BLE001 - tools raise whatever they like
            # In a future, SystemExit would end the event loop, and StopIteration is not allowed.
            usual = isinstance(error, Exception) and not isinstance(error, StopIteration)
            report(ended.set_exception, error if usual else RuntimeError(f"the tool ended with {error!r}"))
        else:
            report(ended.set_result, result)

    threading.Thread(target=contextvars.copy_context().run, args=(run,), name="tool", daemon=True).start()
    return await ended


def text_of_value(value: object) -> str:
    """Returns a tool's result as text: as it is, or as JSON."""
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False, default=str)
