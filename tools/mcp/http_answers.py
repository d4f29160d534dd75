"""Answers that HTTP itself gives to an MCP request: refusals by status, and responses that a client must not read.

The MCP library reports both as a lost server, whose calls are then sent again although the server has refused them, or
has finished them. `state_status` puts the status into an answer of the protocol; `watch_refusals` tells the session
which response has ended its connection.
"""

import json
from collections.abc import AsyncIterator, Callable
from contextvars import ContextVar
from typing import TYPE_CHECKING

from interleavethinker.tools.errors import GeneratorError

if TYPE_CHECKING:
    import httpx2
    from mcp import MCPError

__all__ = ["report_of_refusals", "state_status", "status_error", "watch_refusals"]

_STATUS_KEY = "interleavethinker/http_status"
_TOO_MANY_REQUESTS = 429
_OWN_MEANING = {400, 401, 403, 404, 408, 421, 425}
"""4xx that speak of the session, the token or the host, or that may go away with a new connection."""
_INTERNAL_ERROR = -32603
"""As the library says of such an answer."""
_report: ContextVar[Callable[[GeneratorError], None] | None] = ContextVar("report_refused_response", default=None)


def watch_refusals(refused: Callable[[GeneratorError], None] | None) -> None:
    """Sets what is called when the server that this task connects to next sends a response that is refused."""
    _report.set(refused)


def report_of_refusals() -> Callable[[GeneratorError], None] | None:
    """Returns what `watch_refusals` has set in this context; requests are sent in others."""
    return _report.get()


async def state_status(response: "httpx2.Response") -> None:
    """A hook that makes a refusal of a request a JSON-RPC error, which the library gives to the request's caller."""
    import httpx2

    status, refused = response.status_code, response.stream
    if response.request.method != "POST" or not 400 <= status < 500 or status in _OWN_MEANING:
        return
    error = {"code": _INTERNAL_ERROR, "message": f"HTTP {status}", "data": {_STATUS_KEY: status}}
    body = json.dumps({"jsonrpc": "2.0", "id": None, "error": error}).encode()

    class Stated(httpx2.AsyncByteStream):
        async def __aiter__(self) -> AsyncIterator[bytes]:
            yield body

        async def aclose(self) -> None:
            if isinstance(refused, httpx2.AsyncByteStream):
                await refused.aclose()

    response.headers["content-type"] = "application/json"
    response.headers["content-length"] = str(len(body))
    response.headers.pop("content-encoding", None)
    response.stream = Stated()


def status_error(error: "MCPError") -> GeneratorError | None:
    """Returns the error for a status that `state_status` has put into an answer; None for any other answer."""
    data = error.error.data
    if not isinstance(data, dict) or _STATUS_KEY not in data:
        return None
    if data[_STATUS_KEY] == _TOO_MANY_REQUESTS:
        return GeneratorError(
            "The image server takes no more requests for now (HTTP 429).", code="busy", retryable=True
        )
    return GeneratorError(f"The image server refused the request (HTTP {data[_STATUS_KEY]}).", code="contract")
