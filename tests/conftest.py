"""What holds for every test: no network beyond this machine, and no blocking call on an event loop.

The network's guard is an audit hook, so it also sees connections made from C code and other threads. Subprocesses are
outside its reach; the environment variables below keep the libraries in them offline.
"""

import inspect
import ipaddress
import os
import sys
from collections.abc import Callable, Generator
from pathlib import Path
from types import FrameType

import pytest
from blockbuster import BlockBuster

# Two threads on a busy machine are many times slower than one; subprocesses inherit it.
os.environ.setdefault("OMP_NUM_THREADS", "1")
os.environ["HF_HUB_OFFLINE"] = "1"
os.environ["TRANSFORMERS_OFFLINE"] = "1"
os.environ["LANGSMITH_TRACING"] = "false"


class SocketBlockedError(RuntimeError):
    """A test tried to reach another machine."""


def _is_loopback(host: object) -> bool:
    if isinstance(host, bytes | bytearray):
        host = host.decode()
    if host in (None, "", "localhost"):
        return True
    try:
        return ipaddress.ip_address(str(host).partition("%")[0]).is_loopback
    except ValueError:  # A host name: looking it up would ask a name server.
        return False


def _guard(event: str, arguments: tuple[object, ...]) -> None:
    if event in ("socket.connect", "socket.sendto", "socket.sendmsg"):
        address = arguments[1]
        # Only internet addresses are tuples with a host; a Unix socket's is a path, a netlink's two numbers.
        if not isinstance(address, tuple) or not address or not isinstance(address[0], str):
            return
        host: object = address[0]
    elif event in ("socket.getaddrinfo", "socket.gethostbyname"):
        host = arguments[0]
    else:
        return
    if not _is_loopback(host):
        raise SocketBlockedError(f"tests may only reach this machine; {event} was called for {host!r}")


sys.addaudithook(_guard)


SERVED = tuple(str(Path(__file__).parents[1] / package) + os.sep for package in ("graph", "servers", "tools"))
"""The packages whose coroutines share an event loop with others."""
_SUSPENDS = inspect.CO_COROUTINE | inspect.CO_ASYNC_GENERATOR


def _serves(frame: FrameType | None) -> bool:
    """Returns whether the innermost coroutine is one of those packages: a test's, or a program's, may read a file."""
    while frame is not None and not frame.f_code.co_flags & _SUSPENDS:
        frame = frame.f_back
    return frame is not None and frame.f_code.co_filename.startswith(SERVED)


def _or_elsewhere(allowed: Callable[..., bool]) -> Callable[..., bool]:
    return lambda *args, **kwargs: allowed(*args, **kwargs) or not _serves(sys._getframe(1))


@pytest.hookimpl(wrapper=True)
def pytest_runtest_call() -> Generator[None, object, object]:
    """A coroutine that blocks its event loop fails its test, as it would fail under LangGraph's server."""
    guard = BlockBuster()
    for function in guard.functions.values():
        function.can_block_predicate = _or_elsewhere(function.can_block_predicate)
    guard.activate()
    try:
        return (yield)
    finally:
        guard.deactivate()
