"""Reading a model's answer: what stops it, and what does not."""

import asyncio
import sys
import threading
from concurrent.futures import ThreadPoolExecutor

import pytest

from interleavethinker.tools.chat.reading import read_aside
from interleavethinker.tools.errors import ModelAnswerError

WAITING_IS_NO_WORK = pytest.mark.skipif(sys.platform != "linux", reason="the system does not tell a thread's time")


async def test_an_answer_that_takes_too_much_work_is_given_up() -> None:
    stop = threading.Event()

    def read(answer: str) -> str:
        while not stop.is_set():
            pass
        return answer

    try:
        with pytest.raises(ModelAnswerError, match="took too long"):
            await read_aside(read, "{", seconds=0.05)
    finally:
        stop.set()


@WAITING_IS_NO_WORK
async def test_an_answer_whose_reading_waits_for_a_processor_is_read() -> None:
    free = threading.Event()

    def read(answer: str) -> str:
        assert free.wait(30)
        return answer.upper()

    reading = asyncio.ensure_future(read_aside(read, "a plan", seconds=0.02))
    await asyncio.sleep(0.2)
    assert not reading.done()
    free.set()
    assert await reading == "A PLAN"


async def test_an_answer_waits_for_a_thread_as_long_as_others_need_theirs() -> None:
    free = threading.Event()
    with ThreadPoolExecutor(1) as pool:
        asyncio.get_running_loop().set_default_executor(pool)
        other = asyncio.ensure_future(asyncio.to_thread(free.wait, 30))
        reading = asyncio.ensure_future(read_aside(str.upper, "a plan", seconds=0.02))
        await asyncio.sleep(0.2)
        assert not reading.done()
        free.set()
        assert (await reading, await other) == ("A PLAN", True)


async def test_an_error_of_the_reader_is_the_callers() -> None:
    def read(answer: str) -> str:
        raise ModelAnswerError(f"There is no plan in {answer!r}.")

    with pytest.raises(ModelAnswerError, match="no plan in 'hello'"):
        await read_aside(read, "hello")
