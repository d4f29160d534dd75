"""What holds for every test: no network beyond this machine, nothing of the user's own configuration, and no blocking
call on an event loop.

The guard of network and configuration is an audit hook, so it also sees C code and other threads. Subprocesses are
outside its reach; the environment variables below keep the libraries in them offline, and their settings elsewhere.
"""

import atexit
import gc
import inspect
import ipaddress
import os
import shutil
import signal
import sys
import tempfile
from collections.abc import Callable, Generator
from pathlib import Path
from types import FrameType

import pytest
from blockbuster import BlockBuster
from platformdirs import user_config_path

# Two threads on a busy machine are many times slower than one; subprocesses inherit it.
os.environ.setdefault("OMP_NUM_THREADS", "1")
os.environ["HF_HUB_OFFLINE"] = "1"
os.environ["TRANSFORMERS_OFFLINE"] = "1"
os.environ["LANGSMITH_TRACING"] = "false"
# Tests that need a home of their own set another one; all others, and session fixtures, share this.
os.environ["INTERLEAVETHINKER_HOME"] = tempfile.mkdtemp(prefix="interleavethinker-tests-")
atexit.register(shutil.rmtree, os.environ["INTERLEAVETHINKER_HOME"], ignore_errors=True)
USERS_CONFIGURATION = str(user_config_path("interleavethinker")) + os.sep


class SocketBlockedError(RuntimeError):
    """A test tried to reach another machine."""


class ConfigurationBlockedError(RuntimeError):
    """A test tried to read or write the configuration of the person who runs it."""


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
    elif event == "open" and isinstance(arguments[0], str) and arguments[0].startswith(USERS_CONFIGURATION):
        raise ConfigurationBlockedError(f"tests may not use the user's own configuration; opened {arguments[0]}")
    else:
        return
    if not _is_loopback(host):
        raise SocketBlockedError(f"tests may only reach this machine; {event} was called for {host!r}")


sys.addaudithook(_guard)

# Collecting imports every library. Their objects stay: later collections of garbage need not visit these millions.
gc.disable()


def pytest_collection_finish() -> None:
    gc.freeze()
    gc.enable()


SERVED = tuple(str(Path(__file__).parents[1] / package) + os.sep for package in ("graph", "servers", "tools"))
"""The packages whose coroutines share an event loop with others."""
_SUSPENDS = inspect.CO_COROUTINE | inspect.CO_ASYNC_GENERATOR


def _serves(frame: FrameType | None) -> bool:
    """Returns whether the innermost coroutine is one of those packages: a test's, or a program's, may read a file."""
    while frame is not None and not frame.f_code.co_flags & _SUSPENDS:
        frame = frame.f_back
    return frame is not None and frame.f_code.co_filename.startswith(SERVED)


def _is_coverages(lock: object) -> bool:
    """Whether this is the lock that coverage's tracers of several threads share.

    They take it inside any line of the code that they trace, and it is busy now and then. To call that blocking would
    end whatever coroutine is running, at a place where it cannot fail by itself.
    """
    # Some environments have no coverage, and in the others it measures only where it is asked to.
    coverage = sys.modules.get("coverage")
    measuring = None if coverage is None else coverage.Coverage.current()
    collector = getattr(measuring, "_collector", None)
    return lock is not None and lock is getattr(collector, "data_lock", None)


def _or_elsewhere(allowed: Callable[..., bool]) -> Callable[..., bool]:
    def may_block(*args: object, **kwargs: object) -> bool:
        if allowed(*args, **kwargs) or not _serves(sys._getframe(1)):
            return True
        return bool(args) and _is_coverages(args[0])

    return may_block


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


@pytest.fixture
def hang_up_ends_programs() -> Generator[None]:
    """Undoes, for a test of SIGHUP, what `nohup` passes on to every program: the signal is ignored."""
    before = signal.signal(signal.SIGHUP, signal.SIG_DFL)
    yield
    signal.signal(signal.SIGHUP, before)
