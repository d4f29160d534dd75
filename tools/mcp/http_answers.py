"""Answers that HTTP itself gives to an MCP request: refusals by status, and responses that a client must not read.

The MCP library reports the former without the status and the server's words, and the latter end its connection with
all other calls on it. `state_status` and `own_answer` turn each into a JSON-RPC error of its own call, and
`stated_refusal` reads it again:

    429, 503, 529         not accepted: the call is sent again when the server says so, or after a short pause
    408, 425              not accepted: sent again within the budget for errors that may go away
    400, 404 in a session the session may be lost; whoever called finds out, and sends the call again if it is
    a broken connection   the server may be lost; whoever called finds out, and sends the call again
    other 5xx             unknown whether it ran: sent again within the budget, as after a lost answer
    everything else       refused
"""

import contextlib
import json
import re
import secrets
from collections.abc import AsyncIterator, Callable
from contextvars import ContextVar
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from interleavethinker.tools.errors import GeneratorError, InterleaveError, RefusalError
from interleavethinker.tools.plain_text import quotation
from interleavethinker.tools.refusals import is_refusal
from interleavethinker.tools.retry_after import retry_after_seconds
from interleavethinker.tools.secrets import redact

if TYPE_CHECKING:
    import httpx2

__all__ = [
    "Refusal",
    "own_answer",
    "report_of_refusals",
    "state_status",
    "stated_refusal",
    "watch_refusals",
]

_KEY = f"interleavethinker/refusal/{secrets.token_hex(8)}"
"""In the data of an error; no server can guess it."""
_BUSY = {429, 503, 529}
_EARLY = {408, 425}
_NEVER_SUPPORTED = {501, 505}
_NO_SESSION = {400, 404}
_NEGOTIATION = {"initialize", "server/discover"}
_INTERNAL_ERROR = -32603
"""As the library says of such an answer."""
_MOST_WORDS = 64 * 1024
"""Bytes of a refusal that are read."""
_WORDS_SECONDS = 5.0
_LONGEST_QUOTE = 300
"""Characters of a server's words in a message."""
_TAGS = re.compile(r"<(?:style|script)\b[^<]*</(?:style|script)>|<[^<>]*>", re.IGNORECASE)
_report: ContextVar[Callable[[GeneratorError], None] | None] = ContextVar("report_refused_response", default=None)


@dataclass(frozen=True)
class Refusal:
    """A request that was answered by HTTP, not by the protocol; `status` is 0 for a response that was not read."""

    status: int
    message: str
    """The server's words, cleaned and cut; for a response that was not read, what is wrong with it."""
    code: str = "contract"
    in_session: bool = False
    """Whether the request named a session."""
    retry_after: float | None = None
    """Seconds, as the server asks."""

    @property
    def may_be_lost_session(self) -> bool:
        """Whether the server may mean that it does not know the session, for example after a restart."""
        return self.in_session and self.status in _NO_SESSION

    @property
    def is_broken_off(self) -> bool:
        """Whether the connection broke before the answer was there."""
        return self.code == "broken_off"

    @property
    def is_busy(self) -> bool:
        """Whether the server did nothing, and wants the request later."""
        return self.status in _BUSY

    @property
    def server_failed(self) -> bool:
        """Whether nobody knows if the request was carried out."""
        return self.status >= 500 and self.status not in _BUSY | _NEVER_SUPPORTED

    def error(self, server: str = "image server") -> InterleaveError:
        """Returns the exception for the request's caller."""
        if not self.status:
            return GeneratorError(self.message, code=self.code)
        said = f"(HTTP {self.status}): {self.message}" if self.message else f"(HTTP {self.status})."
        if self.is_busy:
            return GeneratorError(
                f"The {server} takes no more requests for now {said}",
                code="busy",
                retryable=True,
                retry_after=self.retry_after,
            )
        if self.server_failed:
            return GeneratorError(
                f"The {server} failed during the request {said}", retryable=True, retry_after=self.retry_after
            )
        if is_refusal("", self.message):
            return RefusalError(f"The {server} refused the content {said}")
        early = self.status in _EARLY
        return GeneratorError(
            f"The {server} refused the request {said}",
            code=GeneratorError.code if early else self.code,
            retryable=early,
            retry_after=self.retry_after if early else None,
        )


def watch_refusals(refused: Callable[[GeneratorError], None] | None) -> None:
    """Sets what is called when the server that this task connects to next sends a response that ends the connecting."""
    _report.set(refused)


def report_of_refusals() -> Callable[[GeneratorError], None] | None:
    """Returns what `watch_refusals` has set in this context; requests are sent in others."""
    return _report.get()


def own_answer(
    refused: Callable[[GeneratorError], None] | None, request: "httpx2.Request", error: GeneratorError
) -> bytes | None:
    """Returns what takes the place of a response that must not be read, so that other calls are not concerned.

    Args:
        refused: Called with the error if there is nothing that could take its place.
        request: What was answered.
        error: Why the response is refused.

    Returns:
        A JSON-RPC error; nothing for a notification; None for an answer to the handshake: the error is raised.
    """
    if request.method != "POST":
        return None
    message = _message_of(request)
    if message is None or message.get("method") in _NEGOTIATION:
        if refused is not None:
            refused(error)
        return None
    return _error_body(message.get("id"), Refusal(0, str(error), code=error.code)) if "id" in message else b""


async def state_status(response: "httpx2.Response") -> None:
    """A hook that makes a refusal by status a JSON-RPC error, which the library gives to the request's caller.

    The error says the status and the server's own words. An error of the protocol in the body stays as it is, unless
    the status asks to wait, or may mean a lost session.
    """
    import httpx2

    status, request = response.status_code, response.request
    if request.method != "POST" or status < 400:
        return
    in_session = "mcp-session-id" in request.headers
    body, whole = await _beginning(response)
    told = _decoded(body) if whole else None
    is_answer = isinstance(told, dict) and isinstance(told.get("error"), dict) and "jsonrpc" in told
    if not is_answer or status in _BUSY or (in_session and status in _NO_SESSION):
        words = quotation(redact(_words(body, told, response.headers.get("content-type", ""))), _LONGEST_QUOTE)
        wait = retry_after_seconds(response.headers.get("retry-after"))
        message = _message_of(request) or {}
        body = _error_body(message.get("id"), Refusal(status, words, "contract", in_session, wait))

    refused = response.stream

    class Stated(httpx2.AsyncByteStream):
        async def __aiter__(self) -> AsyncIterator[bytes]:
            yield body

        async def aclose(self) -> None:
            if isinstance(refused, httpx2.AsyncByteStream):
                await refused.aclose()

    for name in ("content-encoding", "transfer-encoding"):
        response.headers.pop(name, None)
    response.headers["content-type"] = "application/json"
    response.headers["content-length"] = str(len(body))
    response.stream = Stated()


def stated_refusal(error: BaseException) -> Refusal | None:
    """Returns what `state_status` or `own_answer` has put into an answer; None for any other error."""
    data = getattr(getattr(error, "error", None), "data", None)
    return Refusal(**data[_KEY]) if isinstance(data, dict) and _KEY in data else None


def _error_body(number: object, refusal: Refusal) -> bytes:
    said = f": {refusal.message}" if refusal.message else ""
    message = f"HTTP {refusal.status}{said}" if refusal.status else refusal.message
    wait = refusal.retry_after
    fields = vars(refusal) | {
        "retry_after": None if wait is None else min(wait, 1e9)
    }  # At most what a message can show.
    error = {"code": _INTERNAL_ERROR, "message": message, "data": {_KEY: fields}}
    return json.dumps({"jsonrpc": "2.0", "id": number, "error": error}).encode()


def _message_of(request: "httpx2.Request") -> dict[str, Any] | None:
    found = _decoded(request.content)
    return found if isinstance(found, dict) else None


def _decoded(body: bytes) -> object:
    try:
        return json.loads(body)
    except (ValueError, RecursionError):
        return None


async def _beginning(response: "httpx2.Response") -> tuple[bytes, bool]:
    """Returns the first bytes of a response, and whether they are all of it; none of a compressed one."""
    import anyio
    import httpx2

    received, ended = b"", False
    if response.headers.get("content-encoding", "identity").strip().lower() not in {"", "identity"}:
        return received, ended
    if not isinstance(response.stream, httpx2.AsyncByteStream):
        return received, ended
    with anyio.move_on_after(_WORDS_SECONDS), contextlib.suppress(httpx2.TransportError):
        async for chunk in response.stream:
            received += chunk[: _MOST_WORDS + 1 - len(received)]
            if len(received) > _MOST_WORDS:
                break
        else:
            ended = True
    return received, ended


def _words(body: bytes, told: object, kind: str) -> str:
    """Returns what a refusal says to people: the message in its JSON, or its text without tags."""
    found: object = told
    for _ in range(3):
        if isinstance(found, dict):
            keys = ("error", "message", "detail", "error_description", "title", "reason")
            found = next((found[key] for key in keys if isinstance(found.get(key), str | dict)), None)
    if isinstance(found, str):
        return found
    if told is not None:
        return ""
    text = body[: 4 * 1024].decode(errors="replace")
    return _TAGS.sub(" ", text) if "html" in kind or text.lstrip().startswith("<") else text
