"""Signals to commands that run trajectories: what is paid for is not thrown away."""

import asyncio
import os
import signal
import sys
import time
from pathlib import Path

import pytest

from interleavethinker.cli.interrupts import pause_on_interrupt
from interleavethinker.tools.errors import InterleaveError, TrajectoryError

pytestmark = [
    pytest.mark.skipif(sys.platform == "win32", reason="signals of POSIX"),
    pytest.mark.usefixtures("hang_up_ends_programs"),
]

ON_A_TERMINAL = """
import asyncio, pathlib
from interleavethinker.cli.interrupts import pause_on_interrupt
from interleavethinker.cli.terminal import console, echo

async def main():
    paused = asyncio.Event()

    async def pause():
        paused.set()
        return True

    terminal = console(stderr=True)
    with pause_on_interrupt(pause, terminal.print, "Pausing."):
        echo("ready", err=True)
        await paused.wait()
        terminal.print("the call in flight has ended")
        echo("the summary")
    pathlib.Path("end").write_text("reached")

asyncio.run(main())
"""


@pytest.mark.parametrize("kind", ["SIGINT", "SIGTERM", "SIGHUP"])
def test_the_first_signal_pauses_and_the_second_stops_at_once(kind: str) -> None:
    said: list[str] = []
    pauses = 0

    async def main() -> None:
        paused = asyncio.Event()

        async def pause() -> bool:
            nonlocal pauses
            pauses += 1
            paused.set()
            return True

        with pause_on_interrupt(pause, said.append, "Pausing."):
            os.kill(os.getpid(), getattr(signal, kind))
            await asyncio.wait_for(paused.wait(), 60)
            os.kill(os.getpid(), signal.SIGTERM)
            await asyncio.sleep(60)

    before = [signal.getsignal(one) for one in (signal.SIGTERM, signal.SIGHUP)]
    with pytest.raises(KeyboardInterrupt):
        asyncio.run(main())
    assert (said, pauses) == (["Pausing."], 1)
    assert [signal.getsignal(one) for one in (signal.SIGTERM, signal.SIGHUP)] == before


def test_a_pause_that_comes_before_the_run_is_requested_until_it_begins() -> None:
    answers: list[bool | InterleaveError] = [False, TrajectoryError("It has failed; there is nothing to pause."), True]

    async def main() -> None:
        paused = asyncio.Event()

        async def pause() -> bool:
            answer = answers.pop(0)
            if isinstance(answer, InterleaveError):
                raise answer
            if answer:
                paused.set()
            return answer

        with pause_on_interrupt(pause, print, ""):
            os.kill(os.getpid(), signal.SIGINT)
            await asyncio.wait_for(paused.wait(), 60)

    asyncio.run(main())
    assert answers == []


def test_a_signal_that_the_process_ignores_stays_ignored() -> None:
    async def main() -> None:
        async def pause() -> bool:
            raise AssertionError

        with pause_on_interrupt(pause, print, ""):
            os.kill(os.getpid(), signal.SIGHUP)
            await asyncio.sleep(0.05)
        assert signal.getsignal(signal.SIGHUP) is signal.SIG_IGN

    before = signal.signal(signal.SIGHUP, signal.SIG_IGN)  # As `nohup` does.
    try:
        asyncio.run(main())
    finally:
        signal.signal(signal.SIGHUP, before)


def test_a_terminal_that_closes_pauses_the_program_which_still_reaches_its_end(tmp_path: Path) -> None:
    import pty

    child, terminal = pty.fork()
    if child == 0:
        os.chdir(tmp_path)
        os.execv(sys.executable, [sys.executable, "-P", "-c", ON_A_TERMINAL])  # noqa: S606 - this test's own program
    seen = b""
    while b"ready" not in seen:
        seen += os.read(terminal, 1000)
    os.close(terminal)
    deadline = time.monotonic() + 60
    while (ended := os.waitpid(child, os.WNOHANG))[0] == 0:
        if time.monotonic() > deadline:
            os.kill(child, signal.SIGKILL)
        time.sleep(0.05)
    assert os.waitstatus_to_exitcode(ended[1]) == 0
    assert (tmp_path / "end").read_text() == "reached"
