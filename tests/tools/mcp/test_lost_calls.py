"""Servers that live and do not answer: the caller learns it in bounded time, and a lost call is sent again."""

import asyncio
import contextlib
import gc
import sys
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any, NoReturn, cast

import pytest
from mcp import Client

from interleavethinker.tools.errors import GeneratorError
from interleavethinker.tools.images.store import ImageStore
from interleavethinker.tools.mcp import watched_calls
from interleavethinker.tools.mcp.config import GeneratorConfig
from interleavethinker.tools.mcp.generator import McpImageGenerator
from interleavethinker.tools.mcp.session import McpSession
from interleavethinker.tools.mcp.watched_calls import watched_call
from interleavethinker.tools.types import GenerationRequest

RAW = str(Path(__file__).parent / "raw_server.py")
LOSING = """
import asyncio
from pathlib import Path

from interleavethinker.servers.images.backends.fake import FakeBackend
from interleavethinker.servers.images.main import serve_images
from interleavethinker.servers.transport import stdio

def loses(word, line):
    if word is None or word not in line or (Path({folder!r}) / "lost").exists():
        return False
    {remember}
    return True

read, write = stdio.LineReader.__anext__, stdio.TextWriter.write

async def next_line(self):
    line = await read(self)
    return await read(self) if loses({read!r}, line) else line

async def send(self, text):
    if not loses({written!r}, text):
        await write(self, text)

stdio.LineReader.__anext__, stdio.TextWriter.write = next_line, send
asyncio.run(serve_images(FakeBackend(), Path({folder!r}) / "server"))
"""
CALL, ANSWER, STATUS = {"read": '"generate_image"'}, {"written": '"image://'}, {"read": '"server_status"'}


def losing(word: dict[str, str], folder: Path, *, always: bool = False) -> GeneratorConfig:
    """A server that loses the first line with a word, or all of them; its client has far more patience than needed."""
    remember = "pass" if always else f'(Path({str(folder)!r}) / "lost").touch()'
    code = LOSING.format(**{"read": None, "written": None} | word, folder=str(folder), remember=remember)
    return GeneratorConfig(command=(sys.executable, "-c", code), probe_interval=0.3, call_timeout=200.0, max_resends=1)


@pytest.mark.parametrize(("lost", "cached"), [(CALL, False), (ANSWER, True)])
async def test_a_call_that_the_server_has_lost_is_sent_again(
    lost: dict[str, str], cached: bool, tmp_path: Path
) -> None:
    async with McpImageGenerator(losing(lost, tmp_path), ImageStore(tmp_path / "workspace")) as generator:
        image = await generator.generate(GenerationRequest(prompt="a ball", seed=1))
    assert (tmp_path / "lost").exists()
    assert image.cached is cached


async def test_a_server_that_loses_every_call_is_an_error_that_says_so(tmp_path: Path) -> None:
    config = losing(CALL, tmp_path, always=True)
    async with McpImageGenerator(config, ImageStore(tmp_path / "workspace")) as generator:
        with pytest.raises(GeneratorError, match="The image server lost this call 2 times") as caught:
            await generator.generate(GenerationRequest(prompt="a ball", seed=1))
    assert (caught.value.code, caught.value.retryable) == ("server_died", True)


async def test_a_call_that_takes_long_is_not_lost(tmp_path: Path) -> None:
    code = (
        "import asyncio; from pathlib import Path;"
        "from interleavethinker.servers.images.backends.fake import FakeBackend;"
        "from interleavethinker.servers.images.main import serve_images;"
        f"asyncio.run(serve_images(FakeBackend(step_seconds=0.5), Path({str(tmp_path / 'server')!r})))"
    )
    config = GeneratorConfig(command=(sys.executable, "-c", code), probe_interval=0.2, max_resends=0)
    async with McpImageGenerator(config, ImageStore(tmp_path / "workspace")) as generator:
        image = await generator.generate(GenerationRequest(prompt="a ball", seed=1))
        assert image.seconds > 1.0
        assert generator._session.connections == 1


async def test_a_server_that_starts_and_never_answers_is_an_error(tmp_path: Path) -> None:
    config = GeneratorConfig(command=(sys.executable, "-S", RAW, "silent"), connect_timeout=0.5)
    async with McpImageGenerator(config, ImageStore(tmp_path / "workspace")) as generator:
        with pytest.raises(GeneratorError, match=r"no answer within 0\.5 s") as caught:
            await generator.generate(GenerationRequest(prompt="a ball", seed=1))
        assert (caught.value.code, caught.value.retryable) == ("unreachable", True)


async def test_only_two_attempts_to_connect_wait_in_vain() -> None:
    attempts: list[str] = []

    async def connect(_: contextlib.AsyncExitStack) -> Client:
        attempts.append("late" if len(attempts) != 1 else "refused")
        if attempts[-1] == "refused":
            raise ConnectionRefusedError
        await asyncio.Event().wait()
        raise AssertionError

    session = McpSession(connect, connect_timeout=0.01, max_attempts=9)
    await session.open()
    with pytest.raises(GeneratorError, match="no answer within"):
        await session.client()
    await session.close()
    assert attempts == ["late", "refused", "late", "late"], "in a row"


async def test_a_status_that_never_comes_is_an_error_after_the_calls_timeout(tmp_path: Path) -> None:
    config = losing(STATUS, tmp_path, always=True).model_copy(update={"call_timeout": 1.0})
    async with McpImageGenerator(config, ImageStore(tmp_path / "workspace")) as generator:
        with pytest.raises(GeneratorError, match="timed out after 1 s") as caught:
            await generator.status()
        assert caught.value.code == "deadline"


@pytest.mark.parametrize("attempts", [1, 4])
async def test_a_session_that_is_closed_while_its_connecting_times_out_ends_its_task(attempts: int) -> None:
    cleaning, go_on = asyncio.Event(), asyncio.Event()

    async def connect(_: contextlib.AsyncExitStack) -> Client:
        try:
            await asyncio.Event().wait()
        finally:
            cleaning.set()
            await go_on.wait()
        raise AssertionError

    session = McpSession(connect, connect_timeout=0.01, max_attempts=attempts)
    await session.open()
    await cleaning.wait()
    closing = asyncio.create_task(session.close())
    await asyncio.sleep(0)
    go_on.set()
    await closing
    assert not [task for task in asyncio.all_tasks() if task.get_name() == "mcp-session"]


async def test_a_session_that_is_closed_at_the_moment_it_connects_ends_its_task() -> None:
    connecting, answer = asyncio.Event(), asyncio.Event()

    @contextlib.asynccontextmanager
    async def handshake() -> AsyncIterator[None]:
        connecting.set()
        await answer.wait()
        yield

    async def connect(_: contextlib.AsyncExitStack) -> Client:
        return cast("Client", handshake())

    session = McpSession(connect)
    await session.open()
    await connecting.wait()
    answer.set()
    await session.close()
    assert not [task for task in asyncio.all_tasks() if task.get_name() == "mcp-session"]


async def test_a_server_that_never_answers_the_handshake_cannot_keep_its_client_from_closing(tmp_path: Path) -> None:
    silent = (sys.executable, "-c", "import sys; sys.stdin.read()")
    config = GeneratorConfig(command=silent, connect_timeout=0.3, call_timeout=0.6)
    async with McpImageGenerator(config, ImageStore(tmp_path)) as generator:
        with pytest.raises(GeneratorError):
            await generator.generate(GenerationRequest(prompt="a ball", seed=1))


class DefectError(BaseException):
    """Nothing that a session expects."""


@pytest.mark.parametrize(("error", "reason"), [(asyncio.CancelledError(), "cancelled"), (DefectError("odd"), "odd")])
async def test_whoever_waits_for_a_session_learns_that_its_task_has_ended(error: BaseException, reason: str) -> None:
    go_on = asyncio.Event()

    async def connect(_: contextlib.AsyncExitStack) -> Client:
        await go_on.wait()
        raise error

    session = McpSession(connect)
    await session.open()
    waiting = asyncio.create_task(session.client())
    await asyncio.sleep(0)
    go_on.set()
    for client in (waiting, session.client()):
        with pytest.raises(GeneratorError, match=f"has ended .*{reason}.* Open the generator again"):
            await client
    await session.close()
    with pytest.raises(GeneratorError, match="is not open"):
        await session.client()


async def test_of_a_call_and_a_probe_that_end_with_their_server_no_error_is_left_for_asyncio_to_print(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    unread: list[dict[str, Any]] = []
    asyncio.get_running_loop().set_exception_handler(lambda _, context: unread.append(context))
    closed = asyncio.Event()

    async def call(_: object) -> NoReturn:
        await closed.wait()
        raise ConnectionError("the call's")

    async def probe(*_: object) -> NoReturn:
        closed.set()
        await asyncio.sleep(0.01)
        raise ConnectionError("the probe's")

    monkeypatch.setattr(watched_calls, "probe", probe)
    with pytest.raises(ConnectionError, match="the probe's"):
        await watched_call(cast("Client", None), call, None, 0.01, counts_calls=False)
    gc.collect()
    assert unread == []
