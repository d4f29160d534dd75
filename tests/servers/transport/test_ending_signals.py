"""Signals that end a server over HTTP: the program behind it still leaves everything in order."""

import signal
import subprocess
import sys
from pathlib import Path

import pytest

pytestmark = [
    pytest.mark.skipif(sys.platform == "win32", reason="signals of POSIX"),
    pytest.mark.usefixtures("hang_up_ends_programs"),
]

PROGRAM = """
import asyncio, pathlib, signal
from interleavethinker.servers.transport.http import listening_socket, run_app

async def app(scope, receive, send):
    while (await receive())["type"] == "lifespan.startup":
        await send({"type": "lifespan.startup.complete"})
        print("serving", flush=True)
    await send({"type": "lifespan.shutdown.complete"})

async def main():
    with listening_socket("127.0.0.1", 0) as listening:
        await run_app(app, listening)
    pathlib.Path("end").write_text("reached")
    if signal.getsignal(signal.SIGHUP) is signal.SIG_DFL:
        print("waiting", flush=True)
        await asyncio.sleep(600)

asyncio.run(main())
"""


@pytest.mark.parametrize("kind", ["SIGTERM", "SIGHUP"])
def test_a_signal_ends_the_server_and_a_second_one_what_its_program_does_then(tmp_path: Path, kind: str) -> None:
    command = [sys.executable, "-P", "-c", PROGRAM]
    process = subprocess.Popen(command, cwd=tmp_path, stdout=subprocess.PIPE, text=True)
    try:
        assert process.stdout is not None
        assert process.stdout.readline() == "serving\n"
        process.send_signal(getattr(signal, kind))
        assert process.stdout.readline() == "waiting\n"
        assert (tmp_path / "end").read_text() == "reached"
        process.send_signal(signal.SIGTERM)
        assert process.wait(60) == -signal.SIGTERM
    finally:
        process.kill()
        process.communicate()
