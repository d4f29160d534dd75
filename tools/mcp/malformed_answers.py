"""Answers that break JSON-RPC, such as a `result` that is null: the call fails at once and says what is wrong.

So do answers that are nested too deeply, or that end in the middle. The MCP library drops such a message of a stdio
server, whose caller then waits for its whole time limit. Over HTTP the call fails, with the names of the library's own
types and a traceback in the log.
"""

import contextlib
import json
import logging
import re
from collections.abc import AsyncIterator
from contextlib import AbstractAsyncContextManager
from types import TracebackType
from typing import TYPE_CHECKING, Any, Self

from pydantic import ValidationError

if TYPE_CHECKING:
    from mcp import MCPError
    from mcp.client._transport import ReadStream, TransportStreams, WriteStream
    from mcp.shared.message import SessionMessage
    from mcp_types import JSONRPCError, JSONRPCMessage

__all__ = ["answers_checked", "broken_answer", "is_answer_of_server", "is_malformed_answer"]

_MARK = "interleavethinker/malformed_answer"
_OF_SERVER = "interleavethinker/answer_of_server"
_STREAM_ENDED = "SSE stream "
"""With which the library reports that it gets no answer; servers may use the same code for errors of their own."""
_LIBRARY_WORDS = re.compile(r"Failed to parse (?:JSON response|SSE message): ")
_JSON_FAULTS = (
    ("recursion limit", "its values are nested too deeply"),
    ("number out of range", "a number in it is too long"),
    ("EOF while", "it ends in the middle"),
)
"""Words of the JSON parser, and ours."""
_TOKEN = re.compile(r'"(?:[^"\\]|\\.)*+"?|[{}\[\]]')
"""Strings, whole or without an end, and brackets."""
_MOST_TOKENS = 10_000
"""Tokens of a message that cannot be parsed among which its ID is looked for; then at its end."""
_END = 500
"""Characters."""
_ID = r'\s*:\s*(-?\d{1,18}|"[^"\\]{1,200}")'
_ID_VALUE = re.compile(_ID)
_ID_AT_END = re.compile(rf'"id"{_ID}\s*(?:,\s*"jsonrpc"\s*:\s*"[^"]*"\s*)?}}\s*$')
_TYPES = {"NoneType": "null", "str": "a string", "list": "a list", "bool": "a boolean", "int": "a number"}


@contextlib.asynccontextmanager
async def answers_checked(
    transport: "AbstractAsyncContextManager[TransportStreams]",
) -> "AsyncIterator[TransportStreams]":
    """Wraps a transport for `mcp.Client`, so that a malformed answer is its call's error (`is_malformed_answer`)."""
    logging.getLogger("mcp.client.streamable_http").addFilter(_filter)  # Adding it again does nothing.
    logging.getLogger("client").addFilter(_notifications)  # The library's name for it.
    async with transport as (read, write):
        pending: set[str | int] = set()
        yield _Reader(read, pending), _Writer(write, pending)


def is_malformed_answer(error: "MCPError") -> bool:
    """Whether the answer broke the protocol; otherwise the server itself reports the error."""
    return isinstance(error.error.data, dict) and _MARK in error.error.data


def is_answer_of_server(error: "MCPError") -> bool:
    """Whether the server itself sent an error with the code by which the library reports a lost connection."""
    return isinstance(error.error.data, dict) and _OF_SERVER in error.error.data


def broken_answer(error: ValidationError) -> tuple[object, str] | None:
    """Returns the ID in an answer that breaks the protocol, and what is wrong with it.

    The ID is None if the answer does not say it. Returns None for anything else that a server may have printed.
    """
    if error.error_count() < 2:  # Text that is no JSON; there may be very many such lines.
        (one,) = error.errors(include_url=False)
        line = str(one["input"])
        if one["type"] != "json_invalid" or not _is_answer(line):
            return None
        return _id_in(line), _json_fault(one["msg"])
    for one in error.errors(include_url=False, include_context=False):
        found = one["input"]
        for message in found if isinstance(found, list) else [found]:
            if isinstance(message, dict) and "id" in message and "method" not in message:
                return message["id"], _wrong_with(message)
    return None


class _Reader:
    def __init__(self, read: "ReadStream[SessionMessage | Exception]", pending: set[str | int]) -> None:
        self._read = read
        self._pending = pending

    @property
    def last_context(self) -> Any:
        return getattr(self._read, "last_context", None)

    async def receive(self) -> "SessionMessage | Exception":
        return self._checked(await self._read.receive())

    async def aclose(self) -> None:
        await self._read.aclose()

    def __aiter__(self) -> Self:
        return self

    async def __anext__(self) -> "SessionMessage | Exception":
        return self._checked(await self._read.__anext__())

    async def __aenter__(self) -> Self:
        await self._read.__aenter__()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> bool | None:
        return await self._read.__aexit__(kind, error, trace)

    def _checked(self, item: "SessionMessage | Exception") -> "SessionMessage | Exception":
        from mcp_types import CONNECTION_CLOSED, PARSE_ERROR, JSONRPCError, JSONRPCResponse

        if isinstance(item, ValidationError):
            found, wrong = broken_answer(item) or (None, "")
            number = self._number_of(found) if wrong else None
            if number is None:
                return item
            self._pending.discard(number)
            return _failure(number, wrong)
        message = getattr(item, "message", None)
        if isinstance(message, JSONRPCError):
            number = self._number_of(message.id)
            if number is None:
                return item
            self._pending.discard(number)
            words = _LIBRARY_WORDS.match(message.error.message)
            if message.error.code == PARSE_ERROR and words is not None:
                return _failure(number, _in_own_words(message.error.message[words.end() :]))
            if message.error.code == CONNECTION_CLOSED and not message.error.message.startswith(_STREAM_ENDED):
                own = message.error.model_copy(update={"data": {_OF_SERVER: True}})
                return _session_message(message.model_copy(update={"id": number, "error": own}))
            if message.id is None:
                return _session_message(message.model_copy(update={"id": number}))
        elif isinstance(message, JSONRPCResponse):
            self._pending.discard(self._number_of(message.id) or message.id)
        return item

    def _number_of(self, found: object) -> str | int | None:
        """Returns the call that an answer is for; one that does not say it is for the only call without an answer."""
        if found is None and len(self._pending) == 1:
            return next(iter(self._pending))
        if (isinstance(found, float) and found.is_integer()) or (isinstance(found, str) and found.isdecimal()):
            return int(found)
        return found if isinstance(found, str | int) and not isinstance(found, bool) else None


class _Writer:
    def __init__(self, write: "WriteStream[SessionMessage]", pending: set[str | int]) -> None:
        self._write = write
        self._pending = pending

    async def send(self, item: "SessionMessage", /) -> None:
        from mcp_types import JSONRPCNotification, JSONRPCRequest

        message: JSONRPCMessage = item.message
        if isinstance(message, JSONRPCRequest):
            self._pending.add(message.id)
        elif isinstance(message, JSONRPCNotification) and message.method == "notifications/cancelled":
            self._pending.discard((message.params or {}).get("requestId", ""))
        await self._write.send(item)

    async def aclose(self) -> None:
        await self._write.aclose()

    async def __aenter__(self) -> Self:
        await self._write.__aenter__()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> bool | None:
        return await self._write.__aexit__(kind, error, trace)


def _wrong_with(answer: dict[str, Any]) -> str:
    if answer.get("jsonrpc") != "2.0":
        return '"jsonrpc": "2.0" is missing'
    if "result" in answer and not isinstance(answer["result"], dict):
        kind = type(answer["result"]).__name__
        return f"`result` must be an object, got {_TYPES.get(kind, 'a number')}"
    if "error" in answer:
        return "`error` must be an object with an integer `code` and a text `message`"
    return "it has neither `result` nor `error`" if "result" not in answer else "it is no single JSON-RPC message"


def _is_answer(line: str) -> bool:
    """Returns whether a line that cannot be parsed was meant as an answer: not a log line, and not a notification."""
    start, end = line[:_END], line[-_END:]
    return start.lstrip().startswith("{") and '"jsonrpc"' in start + end and '"method"' not in start + end


def _id_in(line: str) -> object:
    """Returns the ID of a message that cannot be parsed; None if it has none, or has it where nobody looks."""
    depth = 0
    for token, _ in zip(_TOKEN.finditer(line), range(_MOST_TOKENS), strict=False):
        depth += {"{": 1, "[": 1, "}": -1, "]": -1}.get(token[0], 0)
        if depth == 1 and token[0] == '"id"' and (value := _ID_VALUE.match(line, token.end())):
            return json.loads(value[1])
    value = _ID_AT_END.search(line[-_END:])
    return None if value is None else json.loads(value[1])


def _json_fault(parser: str) -> str:
    return next((ours for theirs, ours in _JSON_FAULTS if theirs in parser), "it is no JSON")


def _in_own_words(library: str) -> str:
    """Returns what is wrong according to the library's words, which are those of pydantic."""
    if "Invalid JSON" in library:
        return _json_fault(library)
    if "JSONRPCResponse.result\n  Input should be" in library:
        return "`result` must be an object"
    return "it is no JSON-RPC 2.0 message with a `result` or an `error`"


def _failure(number: str | int, wrong: str) -> "SessionMessage":
    from mcp_types import PARSE_ERROR, ErrorData, JSONRPCError

    error = ErrorData(code=PARSE_ERROR, message=f"malformed answer: {wrong}", data={_MARK: True})
    return _session_message(JSONRPCError(jsonrpc="2.0", id=number, error=error))


def _session_message(message: "JSONRPCError") -> "SessionMessage":
    from mcp.shared.message import SessionMessage

    return SessionMessage(message)


class _Tracebacks(logging.Filter):
    def filter(self, record: logging.LogRecord) -> bool:
        """Leaves out what the caller of the tool learns."""
        return not (record.exc_info and isinstance(record.exc_info[1], ValidationError))


class _Notifications(logging.Filter):
    def filter(self, record: logging.LogRecord) -> bool:
        """Leaves out notifications that say nothing, such as progress of "x"; a program may have a logger `client`."""
        return not str(record.msg).startswith("Failed to validate notification")


_filter = _Tracebacks()
_notifications = _Notifications()
