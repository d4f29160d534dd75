"""The process of LangGraph's own server for the tests: where it runs, when it is ready, and how it ends."""

import asyncio
import os
import shutil
import signal
import socket
import subprocess
import sys
import time
from contextlib import suppress
from pathlib import Path

import httpx

ROOT = Path(__file__).resolve().parents[2]
PROFILE = """
description = "No models."
request_check = "interleavethinker.microworld.agents.scripted_planner:check_request"
planner = { object = "interleavethinker.microworld.agents.scripted_planner:ScriptedPlanner" }
critic = { object = "CRITIC" }
generator = { model = "cells" }
"""
WAITING_CRITIC = """
import asyncio, os
from pathlib import Path
from interleavethinker.tools.types import Verdict
from interleavethinker.tools.testing.agents import RuleCritic

class WaitingCritic(RuleCritic):
    def __init__(self, store):
        super().__init__()

    async def judge(self, cases):
        gate = Path(os.environ["TEST_GATE"])
        while await asyncio.to_thread(gate.exists):
            await asyncio.to_thread((gate.parent / "met").touch)
            await asyncio.sleep(0.02)
        return await super().judge(cases)
"""


class Server:
    """The process, and where it runs."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.log = folder / "server.log"
        self.gate = folder / "gate"
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            self.port = probe.getsockname()[1]
        self.url = f"http://127.0.0.1:{self.port}"
        shutil.copy(ROOT / "langgraph.json", folder)
        (folder / "free.toml").write_text(
            PROFILE.replace("CRITIC", "interleavethinker.tools.testing.agents:accepting_critic")
        )
        (folder / "gated.toml").write_text(PROFILE.replace("CRITIC", "waiting_critic:WaitingCritic"))
        (folder / "waiting_critic.py").write_text(WAITING_CRITIC)
        self.process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        environment = os.environ | {
            "INTERLEAVETHINKER_HOME": str(self.folder / "home"),
            "INTERLEAVETHINKER_IMAGE_STORE": str(self.folder / "generated"),
            "INTERLEAVETHINKER_PROFILE": str(self.folder / "free.toml"),
            "INTERLEAVETHINKER_PROFILES": str(self.folder / "gated.toml"),
            "LANGGRAPH_CLI_NO_ANALYTICS": "1",
            "PYTHONPATH": str(self.folder),
            "TEST_GATE": str(self.gate),
        }
        program = Path(sys.executable).with_name("langgraph")
        with self.log.open("ab") as log:
            self.process = subprocess.Popen(
                [program, "dev", "--no-browser", "--no-reload", "--port", str(self.port)],
                cwd=self.folder,
                env=environment,
                stdout=log,
                stderr=log,
                start_new_session=True,
            )
        until = time.monotonic() + 180
        while time.monotonic() < until:
            assert self.process.poll() is None, self.log.read_text()
            with suppress(httpx.TransportError):
                if httpx.get(f"{self.url}/ok", timeout=30).is_success:
                    return
            time.sleep(0.1)
        raise AssertionError(self.log.read_text())

    def stop(self, how: signal.Signals = signal.SIGTERM) -> None:
        if self.process is not None and self.process.poll() is None:
            os.killpg(self.process.pid, how)
            self.process.wait(60)

    async def met(self) -> None:
        """Returns once a run waits at the gate."""
        async with asyncio.timeout(60):
            while not (self.folder / "met").exists():  # noqa: ASYNC110 - another process makes the file
                await asyncio.sleep(0.02)

    async def saved(self) -> None:
        """Returns once the development server has saved its threads and runs as they are now.

        It writes several files, one after another, every ten seconds. A server that is killed before this one is
        written knows nothing of the run, although others are new. A save that begins within a second does not count.
        """
        path, since = self.folder / ".langgraph_api" / ".langgraph_ops.pckl", time.time() + 1
        async with asyncio.timeout(120):
            while not path.exists() or path.stat().st_mtime < since:  # noqa: ASYNC110 - another process writes it
                await asyncio.sleep(0.2)

    def close_gate(self) -> None:
        (self.folder / "met").unlink(missing_ok=True)
        self.gate.touch()
