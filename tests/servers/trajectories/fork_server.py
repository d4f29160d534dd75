"""Starts the harness's programs by forking a process that has imported them: milliseconds instead of seconds.

Roles: `client` (the random player), `server` (the trajectory server's command line) and `images` (an image server that
logs its work). One process of each role at a time; this process is their parent, so that an id it kills is never
another program's. It has no threads and no event loop. Unix only.

Usage: python -m tests.servers.trajectories.fork_server SOCKET
"""

import asyncio
import contextlib
import gc
import json
import os
import select
import signal
import socket
import sys
import threading
import traceback
from collections.abc import AsyncIterator, Callable, Sequence
from pathlib import Path

from ..images import counting_server
from . import random_client

__all__ = ["SHIM", "ForkServer", "fork_server"]

SHIM = (sys.executable, "-I", "-S", str(Path(__file__).with_name("fork_shim.py")))
"""The start of a command line that stands for a program; socket, role and arguments follow."""


class ForkServer:
    """The harness's end.

    Args:
        address: The socket.
    """

    def __init__(self, address: Path) -> None:
        self.address = address

    def command(self, role: str, *arguments: object) -> tuple[str, ...]:
        """Returns a command line that starts a process of a role."""
        return (*SHIM, str(self.address), role, *map(str, arguments))

    async def start(self, role: str, *arguments: object) -> asyncio.subprocess.Process:
        """Starts a process whose streams nobody reads; returns its stand-in, which ends with it."""
        return await asyncio.create_subprocess_exec(
            *self.command(role, *arguments), stdin=asyncio.subprocess.DEVNULL, stdout=asyncio.subprocess.DEVNULL
        )

    async def kill(self, role: str) -> bool:
        """Kills the newest process of a role with SIGKILL; returns whether there was one."""
        return bool(await self._ask({"kill": role}))

    async def alive(self) -> list[str]:
        """Returns the roles that have a running process."""
        return [str(role) for role in await self._ask({"alive": True})]

    async def quiet(self) -> None:
        """Returns once no process is left: a server ends by itself when its client has gone."""
        async with asyncio.timeout(60):
            while await self.alive():  # noqa: ASYNC110 - another process knows
                await asyncio.sleep(0.02)

    async def _ask(self, message: dict[str, object]) -> list[object]:
        reader, writer = await asyncio.open_unix_connection(self.address)
        try:
            writer.write(json.dumps(message).encode() + b"\n")
            answer: list[object] = json.loads(await reader.readline())
            return answer
        finally:
            writer.close()
            await writer.wait_closed()


@contextlib.asynccontextmanager
async def fork_server(folder: Path) -> AsyncIterator[ForkServer]:
    """Runs a fork server until the context is left; whatever it has forked ends with it."""
    address = folder / "fork"
    # By its path, since pools of workers keep the current folder out of the import path of all later processes.
    environment = os.environ | {"PYTHONPATH": str(Path(__file__).parents[3])}
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", __name__, str(address), env=environment, stdout=asyncio.subprocess.PIPE
    )
    try:
        assert process.stdout is not None
        async with asyncio.timeout(120):
            assert await process.stdout.readline(), "the fork server did not start"
        yield ForkServer(address)
    finally:
        with contextlib.suppress(ProcessLookupError):
            process.send_signal(signal.SIGTERM)
        await process.wait()


class _Parent:
    """Forks and kills on request, one connection at a time."""

    def __init__(self, address: str) -> None:
        self._children: dict[int, str] = {}
        self._listener = socket.socket(socket.AF_UNIX)
        self._listener.bind(address)
        self._listener.listen(16)

    def serve(self) -> None:
        while True:
            ready, _, _ = select.select([self._listener], [], [], 0.1)
            self._reap()
            if not ready:
                continue
            connection, _ = self._listener.accept()
            line, descriptors, _, _ = socket.recv_fds(connection, 65536, 3)
            message = json.loads(line)
            if "fork" in message:
                self._fork(connection, message["fork"], message["arguments"], descriptors)
            else:
                self._reap()
                answer = self._kill(message["kill"]) if "kill" in message else sorted(set(self._children.values()))
                connection.sendall(json.dumps(answer).encode() + b"\n")
            connection.close()
            for number in descriptors:
                os.close(number)

    def close(self) -> None:
        self._reap()
        for child in self._children:
            os.kill(child, signal.SIGKILL)

    def _fork(self, connection: socket.socket, role: str, arguments: Sequence[str], descriptors: Sequence[int]) -> None:
        assert threading.active_count() == 1, "a process with threads must not be forked"
        child = os.fork()
        if child:
            self._children[child] = role
            return
        code = 1
        try:
            signal.signal(signal.SIGTERM, signal.SIG_DFL)
            self._listener.close()
            for number, descriptor in enumerate(descriptors):
                os.dup2(descriptor, number)
                os.close(descriptor)
            connection.set_inheritable(False)  # Open until this process ends: the stand-in waits for that.
            _ROLES[role](arguments)
            code = 0
        except SystemExit as end:
            code = end.code if isinstance(end.code, int) else 1
        except BaseException:  # noqa: BLE001 - the fork must not return into the parent's loop
            traceback.print_exc()
        finally:
            os._exit(code)

    def _kill(self, role: str) -> list[int]:
        victims = [child for child, its_role in self._children.items() if its_role == role]
        for child in victims[-1:]:
            os.kill(child, signal.SIGKILL)
        return victims[-1:]

    def _reap(self) -> None:
        for child in list(self._children):
            with contextlib.suppress(ChildProcessError):
                if os.waitpid(child, os.WNOHANG)[0] == 0:
                    continue
            del self._children[child]


def _serve_images(arguments: Sequence[str]) -> None:
    counting_server.main(arguments, names=True)


def _serve_trajectories(arguments: Sequence[str]) -> None:
    from interleavethinker.cli import main as command_line

    sys.argv = ["interleavethinker", "trajectory-server", *arguments]
    command_line()


_ROLES: dict[str, Callable[[Sequence[str]], None]] = {
    "client": random_client.main,
    "server": _serve_trajectories,
    "images": _serve_images,
}


def _import_everything() -> None:
    """Imports what the roles need, so that no fork spends its life on that."""
    import interleavethinker.cli.trajectory_server
    import interleavethinker.graph.profiles.opening
    import interleavethinker.microworld.agents.scripted_planner
    import interleavethinker.servers.images.server
    import interleavethinker.servers.studio.page_files
    import interleavethinker.servers.trajectories.main
    import interleavethinker.servers.trajectories.server
    import interleavethinker.tools.mcp.generator
    import interleavethinker.tools.testing.agents  # noqa: F401


def main() -> None:
    """Serves until SIGTERM."""
    _import_everything()
    parent = _Parent(sys.argv[1])
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
    gc.freeze()
    print("ready", flush=True)  # noqa: T201 - read by the harness
    try:
        parent.serve()
    finally:
        parent.close()


if __name__ == "__main__":
    main()
