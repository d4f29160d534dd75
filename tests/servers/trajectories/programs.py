"""Real trajectory servers for tests: a profile without models, an image server that logs its work, and clients."""

import asyncio
import contextlib
import os
import re
import shlex
import signal
import sys
from collections.abc import AsyncIterator, Sequence
from pathlib import Path
from typing import Any
from unittest import mock

from mcp import Client, StdioServerParameters
from mcp.client.stdio import _terminate_process_tree, stdio_client

PROGRAM = (sys.executable, "-m", "interleavethinker.cli")
COUNTING_SERVER = Path(__file__).parents[1] / "images" / "counting_server.py"
PROFILE = """
description = "Scripted, for tests."
planner = {{ object = "interleavethinker.microworld.agents.scripted_planner:ScriptedPlanner" }}
critic = {{ object = "interleavethinker.tools.testing.agents:accepting_critic" }}
generator = {{ command = [{command}] }}
"""
STORY = "Draw a big red ball on the left. Then make it blue. Then make it green. Then make it yellow."
STEPS = 4


def write_profile(folder: Path, command: Sequence[str] = ()) -> Path:
    """Writes a profile whose image server, started by a command, logs to `log` in the same folder."""
    words = command or (sys.executable, str(COUNTING_SERVER), str(folder / "generated"), str(folder / "log"))
    path = folder / "scripted.toml"
    path.write_text(PROFILE.format(command=", ".join(f"'{word}'" for word in words)))
    return path


def repeated_calls(folder: Path) -> list[str]:
    """Returns the seeds or images that were generated again although the image had been finished."""
    finished: set[str] = set()
    repeated = []
    log = folder / "log"
    for line in log.read_text().splitlines() if log.exists() else ():
        event, seed = line.split()
        if event == "finished":
            finished.add(seed)
        elif seed in finished:
            repeated.append(seed)
    return repeated


def server_words(folder: Path, *options: str) -> tuple[str, ...]:
    return (*PROGRAM, "trajectory-server", "--workspace", str(folder / "w"), "--profile",
            str(folder / "scripted.toml"), *options)  # fmt: skip


class Program:
    """A stdio server with its client; `kill` ends it as a crash does."""

    def __init__(self, client: Client, pid: Path) -> None:
        self.client = client
        self._pid = pid

    def kill(self) -> None:
        os.kill(int(self._pid.read_text()), signal.SIGKILL)

    async def call(self, tool: str, **arguments: Any) -> dict[str, Any]:
        result = await self.client.call_tool(tool, arguments)
        assert not result.is_error, result.content
        return result.structured_content or {}


@contextlib.asynccontextmanager
async def stdio_program(folder: Path, *words: str, **options: Any) -> AsyncIterator[Program]:
    """Starts a server and connects to it; errors of a killed server are those of its caller.

    The server must end by itself once its client has left. The client waits for that as long as it takes; the SDK's own
    two seconds are short on a busy machine.
    """
    pid = folder / f"pid-{os.urandom(4).hex()}"
    line = f"echo $$ > {shlex.quote(str(pid))}; exec {shlex.join(words or server_words(folder))}"
    with (folder / "stderr").open("a") as errors:
        parameters = StdioServerParameters(command="sh", args=["-c", line], env=dict(os.environ))
        with (
            mock.patch("mcp.client.stdio.PROCESS_TERMINATION_TIMEOUT", 120.0),
            mock.patch("mcp.client.stdio._terminate_process_tree", wraps=_terminate_process_tree) as forced,
        ):
            async with Client(stdio_client(parameters, errlog=errors), **options) as client:
                yield Program(client, pid)
            assert not forced.called, "the server outlived its client"


@contextlib.asynccontextmanager
async def http_program(
    folder: Path, port: int = 0, **variables: str
) -> AsyncIterator[tuple[str, asyncio.subprocess.Process]]:
    """Starts a server over HTTP; yields its URL and process."""
    process = await asyncio.create_subprocess_exec(
        *server_words(folder, "--transport", "http", "--port", str(port)),
        env=os.environ | variables,
        stderr=asyncio.subprocess.PIPE,
        limit=2**20,
    )
    try:
        assert process.stderr is not None
        async with asyncio.timeout(180):
            while True:
                line = (await process.stderr.readline()).decode()
                assert line, "the server ended before it listened"
                found = re.search(r"listening on (http://\S+)", line)
                if found is not None:
                    break
        yield found.group(1), process
    finally:
        if process.returncode is None:
            process.kill()
        await process.wait()
