"""The guards of all tests: they stay on this machine, and a package's coroutine must not block its event loop."""

import asyncio
import socket
import threading
import time
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import coverage
import pytest
from blockbuster import BlockingError
from platformdirs import user_config_path

import interleavethinker.graph
from interleavethinker.tools.prices import prices_path


@pytest.mark.parametrize("host", ["192.0.2.1", "2001:db8::1"])
def test_connecting_to_another_machine_raises(host: str) -> None:
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    with (
        socket.socket(family, socket.SOCK_STREAM) as client,
        pytest.raises(RuntimeError, match="only reach this machine"),
    ):
        client.connect((host, 9))


def test_looking_up_a_name_raises() -> None:
    with pytest.raises(RuntimeError, match="only reach this machine"):
        socket.getaddrinfo("images.example", 443)


def test_this_machine_can_be_reached() -> None:
    with socket.create_server(("127.0.0.1", 0)) as server, socket.create_connection(server.getsockname()):
        connection, _ = server.accept()
        connection.close()


@pytest.mark.parametrize("mode", ["r", "w"])
def test_the_configuration_of_the_person_who_runs_the_tests_cannot_be_opened(mode: str) -> None:
    with pytest.raises(RuntimeError, match="user's own configuration"):
        (user_config_path("interleavethinker") / "prices.toml").open(mode)
    assert not prices_path().is_relative_to(user_config_path("interleavethinker"))


def coroutine_of(path: Path, line: str = "time.sleep(0)") -> Any:
    """Returns a function as if it stood in a module at that path."""
    names: dict[str, Any] = {}
    code = "import asyncio, time\nasync def nap(lock=None, *, thread=False):\n    "
    code += f"await asyncio.to_thread(time.sleep, 0) if thread else {line}\n"
    exec(compile(code, str(path), "exec"), names)  # noqa: S102
    return names["nap"]


async def test_a_packages_coroutine_that_blocks_its_event_loop_fails() -> None:
    package = Path(interleavethinker.graph.__path__[0])
    with pytest.raises(BlockingError, match=r"time\.sleep"):
        await coroutine_of(package / "nap.py")(thread=False)
    await coroutine_of(package / "nap.py")(thread=True)


async def test_a_tests_own_coroutine_and_other_libraries_may_block(tmp_path: Path) -> None:
    time.sleep(0)  # noqa: ASYNC251
    await asyncio.sleep(0)
    await coroutine_of(tmp_path / "library.py")(thread=False)


async def test_the_lock_of_coverage_may_be_busy_in_any_line(monkeypatch: pytest.MonkeyPatch) -> None:
    measuring = coverage.Coverage.current()
    assert measuring is None or measuring._collector is None or measuring._collector.data_lock is not None
    acquire = coroutine_of(Path(interleavethinker.graph.__path__[0]) / "nap.py", "lock.acquire()")
    lock, other = threading.Lock(), threading.Lock()
    collector = SimpleNamespace(data_lock=lock)
    monkeypatch.setattr(coverage.Coverage, "current", lambda: SimpleNamespace(_collector=collector))
    for one in (lock, other):
        assert one.acquire(blocking=False)
    threading.Timer(0.1, lock.release).start()
    await acquire(lock)
    with pytest.raises(BlockingError, match=r"lock\.acquire"):
        await acquire(other)
