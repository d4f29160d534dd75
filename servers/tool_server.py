"""`ToolServer`: an MCP server whose answers all clients understand, those that validate and those that quote.

An error is a result with `is_error`: its text is `code: message`, and its `_meta` has code, message and whether to
retry. It has no structured content, because clients check that against the tool's output schema, errors included.
Arguments that a tool does not have are refused, never ignored. Knows nothing of any particular tool.
"""

import difflib
import inspect
import json
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from mcp.server.mcpserver import Context, MCPServer
from mcp.server.mcpserver.exceptions import ToolError
from mcp_types import CallToolResult, InputRequiredResult, TextContent
from mcp_types import Tool as ListedTool
from pydantic import BaseModel, JsonValue, ValidationError

from interleavethinker.tools.errors import InputError, InterleaveError
from interleavethinker.tools.mcp.results import ERROR_KEY
from interleavethinker.tools.tracing.spans import note_error

__all__ = ["ToolServer", "error_result", "structured_result", "unusable_answer"]

_DESCRIPTION_PLACE = 3
"""How many positional arguments of `add_tool` after the function reach its description."""
_LONGEST_QUOTE = 60
_LONGEST_PAUSE = 1e9
"""Seconds; servers may ask for a pause of ages."""
_MOST_PROBLEMS = 5
_TYPES = {
    "array": "a list",
    "boolean": "true or false",
    "integer": "a whole number",
    "number": "a number",
    "object": "an object",
    "string": "text",
}


class ToolServer(MCPServer):
    """An MCP server without prompts that returns this project's errors and rejected arguments as results.

    A tool raises `InterleaveError` for whatever the caller should read; any other exception is a defect, of which only
    the log gets details.
    """

    def __init__(self, name: str, **options: Any) -> None:
        super().__init__(name, log_level="WARNING", **options)
        self.calls = 0
        """Calls of tools in progress, over all connections."""
        # A client would otherwise offer an empty menu of prompts.
        for method in ("prompts/list", "prompts/get"):
            self._lowlevel_server._request_handlers.pop(method, None)  # noqa: SLF001 - there is no public way

    def add_tool(self, fn: Callable[..., Any], *args: Any, **options: Any) -> None:
        """See `MCPServer.add_tool`. A docstring loses its indentation, which a chat model would have to read."""
        if not options.get("description") and len(args) < _DESCRIPTION_PLACE:
            options["description"] = inspect.cleandoc(fn.__doc__ or "")
        super().add_tool(fn, *args, **options)

    async def list_tools(self) -> list[ListedTool]:
        """Returns the tools; their schemas say that there are no further arguments."""
        tools = await super().list_tools()
        return [
            tool.model_copy(update={"input_schema": tool.input_schema | {"additionalProperties": False}})
            for tool in tools
        ]

    async def call_tool(
        self, name: str, arguments: dict[str, Any], context: Context[Any, Any] | None = None
    ) -> CallToolResult | InputRequiredResult:
        """See `MCPServer.call_tool`. Rejected arguments and errors of this project become results."""
        tool = self._tool_manager.get_tool(name)
        self.calls += 1
        try:
            if tool is not None:
                _check_names(name, arguments, tool.parameters)
                _check_numbers(name, arguments, tool.parameters)
            return await super().call_tool(name, arguments, context)
        except InterleaveError as error:
            note_error(error)
            return error_result(error, self.worded(error))
        except ToolError as error:
            cause = error.__cause__
            if isinstance(cause, InterleaveError):
                note_error(cause)
                return error_result(cause, self.worded(cause))
            if isinstance(cause, ValidationError) and tool is not None:
                return error_result(_rejected(name, cause, tool.parameters))
            if isinstance(cause, ToolError):  # The library's own, about an answer to a form.
                return error_result(unusable_answer("the fields that it asks for"))
            raise
        finally:
            self.calls -= 1

    def worded(self, error: InterleaveError) -> str:
        """Returns an error's message; a server overrides this if its tools have other names than the commands."""
        return str(error)


def error_result(error: InterleaveError, message: str | None = None) -> CallToolResult:
    """Returns the result that reports an error to any client; `message` replaces the error's own."""
    text = str(error) if message is None else message
    details: dict[str, JsonValue] = {
        "code": error.code,
        "message": text,
        "retryable": bool(getattr(error, "retryable", False)),
    }
    if getattr(error, "exhausted", False):
        details["exhausted"] = True
    if (pause := getattr(error, "retry_after", None)) is not None:
        details["retry_after"] = min(pause, _LONGEST_PAUSE)
    return CallToolResult(
        is_error=True,
        content=[TextContent(type="text", text=f"{error.code}: {text}")],
        _meta={ERROR_KEY: details},
    )


def unusable_answer(expected: str) -> InputError:
    """Returns the error of a form that was accepted without what it asks for."""
    return InputError(
        f"The client accepted the form, but its answer cannot be used: it must have {expected}. Nothing was done; call "
        "the tool again to ask once more.",
        code="unusable_answer",
    )


def structured_result(model: BaseModel, text: str) -> CallToolResult:
    """Returns a result with a model as structured content, and a text that says the same to people and chat models."""
    return CallToolResult(
        content=[TextContent(type="text", text=text)], structured_content=model.model_dump(mode="json")
    )


def _check_names(tool: str, arguments: Mapping[str, Any], schema: Mapping[str, Any]) -> None:
    known = list(schema.get("properties", {}))
    for name in arguments:
        if name not in known:
            close = difflib.get_close_matches(name, known, 1)
            hint = f" Did you mean {close[0]!r}?" if close else ""
            takes = ", ".join(known) if known else "no arguments"
            raise InputError(f"{tool} has no argument {_quoted(name)}.{hint} It takes {takes}.")


def _check_numbers(tool: str, arguments: Mapping[str, Any], schema: Mapping[str, Any]) -> None:
    """Refuses booleans as numbers, as which pydantic would read them."""
    for name, value in arguments.items():
        described: Mapping[str, Any] = schema.get("properties", {}).get(name, {})
        types = {each.get("type") for each in described.get("anyOf", [described])}
        if isinstance(value, bool) and types & {"integer", "number"} and "boolean" not in types:
            raise InputError(f"{tool} was not called: {name!r} must be {_expected(described)}; found {_quoted(value)}.")


def _rejected(tool: str, error: ValidationError, schema: Mapping[str, Any]) -> InputError:
    """Returns the error for arguments of a wrong type, in terms of the tool's own schema."""
    properties: Mapping[str, Mapping[str, Any]] = schema.get("properties", {})
    problems: dict[str, str] = {}
    for each in error.errors(include_url=False, include_context=False):
        path = ".".join(str(part) for part in each["loc"][:1])
        if each["type"] == "missing" and len(each["loc"]) == 1:
            problems.setdefault(path, f"{path!r} is missing; it must be {_expected(properties.get(path, {}))}")
        elif len(each["loc"]) > 1 and not _is_choice(properties.get(path, {})):
            inner = ".".join(str(part) for part in each["loc"])
            problems.setdefault(path, f"{inner!r}: {each['msg']}; found {_quoted(each['input'])}")
        else:
            expected = _expected(properties.get(path, {}))
            problems.setdefault(path, f"{path!r} must be {expected}; found {_quoted(each['input'])}")
    return InputError(f"{tool} was not called: {'; '.join(list(problems.values())[:_MOST_PROBLEMS])}.")


def _is_choice(schema: Mapping[str, Any]) -> bool:
    """Whether an argument may have one of several types, all of them simple; pydantic reports an error for each."""
    return all(each.get("type") not in {"array", "object"} and "$ref" not in each for each in schema.get("anyOf", ()))


def _expected(schema: Mapping[str, Any]) -> str:
    """Describes the values that a property's schema accepts.

    Examples:
        >>> _expected({"anyOf": [{"type": "integer", "minimum": 1, "maximum": 200}, {"type": "null"}]})
        'a whole number from 1 to 200, or left out'
    """
    choices: Sequence[Mapping[str, Any]] = schema.get("anyOf", [schema])
    words = []
    for choice in choices:
        if choice.get("type") == "null":
            continue
        if "enum" in choice:
            words.append("one of " + ", ".join(map(str, choice["enum"])))
            continue
        word = _TYPES.get(str(choice.get("type")), "a value of another type")
        if "minimum" in choice and "maximum" in choice:
            word += f" from {choice['minimum']} to {choice['maximum']}"
        words.append(word)
    optional = any(choice.get("type") == "null" for choice in choices)
    return " or ".join(words) + (", or left out" if optional else "")


def _quoted(value: object) -> str:
    text = json.dumps(value, ensure_ascii=False, default=str)
    return text if len(text) <= _LONGEST_QUOTE else text[: _LONGEST_QUOTE - 1] + "…"
