"""HTTP clients whose responses are bounded, and which reach this machine without a proxy.

A response's size is counted as it arrives, and compressed responses are refused: a few kilobytes may hold gigabytes.
A redirect to another scheme, host or port is an error, because the request and its key are for the server that was
named. Knows nothing of MCP or of hosted APIs. httpx2 is imported when a client is made; that and reading the
certificates takes file reads, which coroutines leave to a thread with `opened_client`.
"""

import asyncio
import ipaddress
from collections.abc import AsyncIterator, Callable, Mapping
from functools import partial
from typing import TYPE_CHECKING, Any
from urllib.parse import urljoin, urlsplit

from interleavethinker.tools.errors import GeneratorError
from interleavethinker.tools.half_characters import WholeCharacters
from interleavethinker.tools.plain_text import quotation
from interleavethinker.tools.secrets import redact

if TYPE_CHECKING:
    import httpx2

__all__ = [
    "MAX_RESPONSE",
    "bounded_client",
    "is_http_address",
    "is_loopback",
    "opened_client",
    "redirect_elsewhere",
]

_LONGEST_ORIGIN = 200
MAX_RESPONSE = 128 * 1024 * 1024
"""Bytes of one response; in base64 an image of 32 MiB takes 43 MiB."""


def bounded_client(
    url: str,
    *,
    max_bytes: int = MAX_RESPONSE,
    refuse: "Callable[[httpx2.Request, GeneratorError], bytes | None] | None" = None,
    **options: Any,
) -> "httpx2.AsyncClient":
    """Returns a client for one server.

    Args:
        url: The server's address; the proxies of the environment are ignored if it is on this machine.
        max_bytes: Most bytes of one response. A longer one fails with `GeneratorError`; streams of events are bounded
            by their reader instead.
        refuse: Called with the request and the error before an answer is refused by a bound or a hook, or where the
            connection breaks (`broken_off`). Returns the JSON that takes the answer's place, empty for no content, or
            None: the error is raised.
        options: As `httpx2.AsyncClient` takes them.
    """
    import httpx2

    hooks = options.pop("event_hooks", {})

    async def bound(response: httpx2.Response) -> None:
        try:
            for hook in hooks.get("response", []):
                await hook(response)
            check(response)
        except GeneratorError as error:
            instead = None if refuse is None else refuse(response.request, error)
            if instead is None:
                raise
            _replace(response, instead)

    def check(response: httpx2.Response) -> None:
        if (elsewhere := redirect_elsewhere(response.request.url, response)) is not None:
            raise GeneratorError(f"{elsewhere} Check the server's address.", code="redirected")
        _check_headers(response.headers, max_bytes)
        kind = response.headers.get("content-type", "")
        if not kind.startswith("text/event-stream"):
            told = None if refuse is None else partial(refuse, response.request)
            response.stream = _bounded_stream(response.stream, max_bytes, told)
        if kind.startswith(("text/event-stream", "application/json")):
            response.stream = _whole_stream(response.stream)

    class Client(httpx2.AsyncClient):
        async def send(self, request: httpx2.Request, **how: Any) -> httpx2.Response:
            try:
                return await super().send(request, **how)
            except httpx2.TransportError as error:
                instead = None if refuse is None else refuse(request, _broken_off(error))
                if instead is None:
                    raise
            status, headers = _instead(instead)
            return httpx2.Response(status, headers=headers, request=request, content=instead)

    headers = {"accept-encoding": "identity"} | dict(options.pop("headers", {}))
    return Client(
        headers=headers,
        trust_env=not is_loopback(url),
        event_hooks=hooks | {"response": [bound]},
        **options,
    )


async def opened_client(url: str, **options: Any) -> "httpx2.AsyncClient":
    """Returns `bounded_client` without blocking the event loop."""
    return await asyncio.to_thread(bounded_client, url, **options)


def is_http_address(text: str) -> bool:
    """Whether a text is the address of an HTTP server.

    Examples:
        >>> [is_http_address(text) for text in ("http://[::1]:8765/mcp", "http://[", "javascript:alert(1)", "http://")]
        [True, False, False, False]
    """
    try:
        parts = urlsplit(text)
        return parts.scheme in {"http", "https"} and bool(parts.hostname) and parts.port != 0 and text.isprintable()
    except ValueError:
        return False


def is_loopback(url: str) -> bool:
    """Whether a URL's host is this machine.

    Examples:
        >>> [is_loopback(url) for url in ("http://127.0.0.1:8765/mcp", "http://[::1]/", "https://example.org")]
        [True, True, False]
    """
    try:
        host = urlsplit(url).hostname or ""
    except ValueError:
        return False
    if host == "localhost" or host.endswith(".localhost"):
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def redirect_elsewhere(asked: object, response: Any) -> str | None:
    """Returns a sentence about a redirect that leaves the origin of the request, or None for any other response.

    Where it leads is said without query, fragment and password.

    Args:
        asked: Address of the request; anything whose text is a URL.
        response: Of httpx or httpx2.
    """
    location = response.headers.get("location")
    if not 300 <= response.status_code < 400 or location is None:
        return None
    try:
        origin, target = _origin(str(asked)), _origin(urljoin(str(asked), location))
    except ValueError:
        origin, target = _origin(str(asked)), "an address that cannot be read"
    if origin == target:
        return None
    return (
        f"The server {origin} redirects the request to {quotation(target, _LONGEST_ORIGIN)} (HTTP "
        f"{response.status_code}). The redirect was refused: requests and keys are for the server that was named."
    )


def _origin(url: str) -> str:
    """Returns scheme, host and port, without names and passwords; what has no host is named by its path."""
    parts = urlsplit(url)
    if parts.scheme not in {"http", "https"} or not parts.hostname:
        at = f"//{parts.netloc.rpartition('@')[2]}" if parts.netloc or parts.scheme == "file" else ""
        return redact(f"{parts.scheme}:{at}{parts.path}")
    port = parts.port or {"http": 80, "https": 443}.get(parts.scheme)
    host = (parts.hostname or "").lower()
    return f"{parts.scheme}://{f'[{host}]' if ':' in host else host}:{port}"


def _check_headers(headers: Mapping[str, str], max_bytes: int) -> None:
    encoding = headers.get("content-encoding", "identity").strip().lower()
    if encoding not in {"", "identity"}:
        raise GeneratorError(
            f"The server sent a compressed answer ({encoding}) although plain ones were requested.", code="contract"
        )
    length = headers.get("content-length", "0")
    if length.isdecimal() and int(length[:20]) > max_bytes:
        raise _too_long(max_bytes)


def _replace(response: "httpx2.Response", body: bytes) -> None:
    """Puts a refusal of the client's own into the place of a response, which is closed unread."""
    import httpx2

    stream = response.stream

    class Replaced(httpx2.AsyncByteStream):
        async def __aiter__(self) -> AsyncIterator[bytes]:
            yield body

        async def aclose(self) -> None:
            if isinstance(stream, httpx2.AsyncByteStream):
                await stream.aclose()

    for name in ("content-encoding", "transfer-encoding", "location"):
        response.headers.pop(name, None)
    response.status_code, headers = _instead(body)
    response.headers.update(headers)
    response.stream = Replaced()


def _instead(body: bytes) -> tuple[int, dict[str, str]]:
    """Returns the status and headers of what takes an answer's place."""
    return 400 if body else 202, {"content-type": "application/json", "content-length": str(len(body))}


def _broken_off(error: Exception) -> GeneratorError:
    return GeneratorError(f"The connection broke ({type(error).__name__}).", code="broken_off", retryable=True)


async def _counted(stream: Any, max_bytes: int) -> AsyncIterator[bytes]:
    received = 0
    async for chunk in stream:
        received += len(chunk)
        if received > max_bytes:
            raise _too_long(max_bytes)
        yield chunk


def _bounded_stream(
    stream: Any, max_bytes: int, refuse: Callable[[GeneratorError], bytes | None] | None
) -> "httpx2.AsyncByteStream":
    import httpx2

    class Bounded(httpx2.AsyncByteStream):
        async def __aiter__(self) -> AsyncIterator[bytes]:
            if refuse is None:
                async for chunk in _counted(stream, max_bytes):
                    yield chunk
                return
            try:  # Only a whole answer can be replaced; its reader waits for the whole anyway.
                held = [chunk async for chunk in _counted(stream, max_bytes)]
            except (GeneratorError, httpx2.TransportError) as error:
                instead = refuse(error if isinstance(error, GeneratorError) else _broken_off(error))
                if instead is None:
                    raise
                held = [instead]
            for chunk in held:
                yield chunk

        async def aclose(self) -> None:
            await stream.aclose()

    return Bounded()


def _whole_stream(stream: Any) -> "httpx2.AsyncByteStream":
    """Returns a stream of JSON without halves of characters, which strict parsers refuse."""
    import httpx2

    class Whole(httpx2.AsyncByteStream):
        async def __aiter__(self) -> AsyncIterator[bytes]:
            characters = WholeCharacters()
            async for piece in stream:
                yield characters.feed(piece)
            yield characters.end()

        async def aclose(self) -> None:
            await stream.aclose()

    return Whole()


def _too_long(max_bytes: int) -> GeneratorError:
    return GeneratorError(f"The server's answer is longer than {max_bytes} bytes, the most accepted.", code="contract")
