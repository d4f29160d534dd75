"""Tools of other people that a chat model may call: LangChain tools of this process.

See `tools.mcp.tool_server` for those of an MCP server. A tool may do anything, so only tools that a profile's author
named are ever offered.
"""

import json
from collections.abc import Mapping, Sequence
from typing import Any, Protocol

from langchain_core.tools import BaseTool
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
        return text_of_value(await self._tools[name].ainvoke(dict(arguments)))


def text_of_value(value: object) -> str:
    """Returns a tool's result as text: as it is, or as JSON."""
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False, default=str)
