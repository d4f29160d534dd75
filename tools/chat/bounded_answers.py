"""Bounds on HTTP responses while a chat model is called, whichever provider's client makes the request.

A response has a largest size, and a redirect to another host ends the call: clients would send the request there, and
providers' keys with it where they are not in the header `Authorization`.

LangChain's clients read a response whole, and each makes its HTTP client in its own way. Nearly all use httpx or
httpx2 in the end, so the bound sits in their transports, as tracing tools do it, and holds only inside
`bounded_answers`; other requests of the process are left alone. Clients on aiohttp or urllib3 are not bounded.
"""

import contextlib
import functools
import sys
import threading
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextvars import ContextVar
from types import ModuleType
from typing import Any

from interleavethinker.tools.bounded_http import redirect_elsewhere
from interleavethinker.tools.errors import ModelError

__all__ = ["MAX_ANSWER", "REFUSED_RESPONSES", "bounded_answers"]

REFUSED_RESPONSES = frozenset({"answer_too_large", "redirected"})
"""Codes of the errors that end a call inside `bounded_answers`."""

MAX_ANSWER = 32 * 1024 * 1024
"""Bytes of one response: a hundred times the longest answer with the probabilities of its tokens."""
_INFLATION = 1000
"""A compressed response, which was not asked for, may be shorter than others by this: gzip reaches 1032."""
_bound: ContextVar[int | None] = ContextVar("largest_answer", default=None)
_bounded_modules: set[str] = set()
_lock = threading.Lock()


@contextlib.contextmanager
def bounded_answers(max_bytes: int = MAX_ANSWER) -> Iterator[None]:
    """Bounds every HTTP response that this context receives; a longer one ends with `ModelError` (`answer_too_large`).

    So does a redirect to another scheme, host or port (`redirected`).

    Args:
        max_bytes: Most bytes of one response, streams of events included.
    """
    _bound_transports()
    token = _bound.set(max_bytes)
    try:
        yield
    finally:
        _bound.reset(token)


def _bound_transports() -> None:
    """Wraps the transports of the HTTP libraries that are imported by now, each once."""
    for name in ("httpx", "httpx2"):
        module = sys.modules.get(name)
        if module is not None and name not in _bounded_modules:
            with _lock:
                if name not in _bounded_modules:
                    _wrap(module)
                    _bounded_modules.add(name)


def _wrap(module: ModuleType) -> None:
    asynchronous, synchronous = module.AsyncHTTPTransport, module.HTTPTransport
    asynchronous.handle_async_request = _async_handler(module, asynchronous.handle_async_request)
    synchronous.handle_request = _sync_handler(module, synchronous.handle_request)


def _async_handler(module: ModuleType, handle: Callable[..., Awaitable[Any]]) -> Callable[..., Awaitable[Any]]:
    class Bounded(module.AsyncByteStream):  # type: ignore[misc, name-defined]
        def __init__(self, stream: Any, count: Callable[[bytes], None]) -> None:
            self._stream, self._count = stream, count

        async def __aiter__(self) -> AsyncIterator[bytes]:
            async for chunk in self._stream:
                self._count(chunk)
                yield chunk

        async def aclose(self) -> None:
            await self._stream.aclose()

    @functools.wraps(handle)
    async def handle_async_request(transport: object, request: Any) -> Any:
        most = _bound.get()
        if most is None:
            return await handle(transport, request)
        request.headers["accept-encoding"] = "identity"
        response = await handle(transport, request)
        if (elsewhere := redirect_elsewhere(request.url, response)) is not None:
            await response.aclose()
            raise _redirected(elsewhere)
        response.stream = Bounded(response.stream, _counter(response, most))
        return response

    return handle_async_request


def _sync_handler(module: ModuleType, handle: Callable[..., Any]) -> Callable[..., Any]:
    class Bounded(module.SyncByteStream):  # type: ignore[misc, name-defined]
        def __init__(self, stream: Any, count: Callable[[bytes], None]) -> None:
            self._stream, self._count = stream, count

        def __iter__(self) -> Iterator[bytes]:
            for chunk in self._stream:
                self._count(chunk)
                yield chunk

        def close(self) -> None:
            self._stream.close()

    @functools.wraps(handle)
    def handle_request(transport: object, request: Any) -> Any:
        most = _bound.get()
        if most is None:
            return handle(transport, request)
        request.headers["accept-encoding"] = "identity"
        response = handle(transport, request)
        if (elsewhere := redirect_elsewhere(request.url, response)) is not None:
            response.close()
            raise _redirected(elsewhere)
        response.stream = Bounded(response.stream, _counter(response, most))
        return response

    return handle_request


def _redirected(told: str) -> ModelError:
    return ModelError(f"{told} Check the address of the model.", code="redirected")


def _counter(response: Any, most: int) -> Callable[[bytes], None]:
    """Returns a function that is given each chunk of a response, and raises once they are too many bytes."""
    plain = response.headers.get("content-encoding", "identity").strip().lower() in {"", "identity"}
    bound = most if plain else most // _INFLATION
    received = 0

    def count(chunk: bytes) -> None:
        nonlocal received
        received += len(chunk)
        if received > bound:
            kind = "an answer" if plain else "a compressed answer"
            raise ModelError(
                f"The chat model's server sent {kind} of more than {bound} bytes, the most accepted. Check the address "
                "of the model.",
                code="answer_too_large",
            )

    return count
