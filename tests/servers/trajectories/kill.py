"""Kills clients, trajectory servers and image servers at random moments of random calls; nothing may be lost.

A life: a client connects to a new server and makes random calls of all tools until one of the processes,
or several, get SIGKILL. Lives follow each other on one workspace; after some of them a last server finishes whatever
was begun. Then every trajectory, attempt, verdict, approved plan and uploaded image of which a client was told must be
there, every document must be complete, and no finished generator call may have been repeated. Processes are forked.

Run by `make robustness`; the tests run a short one. Prints figures as JSON; a failure names the seed and the lives.
"""

import argparse
import asyncio
import base64
import hashlib
import json
import random
import shutil
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from .fork_server import ForkServer, fork_server
from .programs import repeated_calls, write_profile
from .random_client import FILE, MODEL_TOOLS, PAGE_TOOLS, Told, connected, what_was_told

__all__ = ["LostError", "compare", "kill_processes"]

_LIVES = 20
"""On one workspace."""
_ANSWERS = 8
"""That a client gets before a kill, on average."""
_EARLY = 0.1
"""Part of the lives that end before the first answer."""
_VICTIMS: Sequence[tuple[str, ...]] = (
    *(("client",), ("client",), ("server",), ("server",), ("server",)),
    *(("images", "client"), ("images", "server"), ("client", "server"), ("server", "images", "client")),
)


class LostError(AssertionError):
    """Something of which a client was told is gone."""


async def kill_processes(kills: int, seed: int, lives: int = _LIVES) -> dict[str, Any]:
    """Plays and kills until so many processes have been killed.

    Args:
        kills: How many.
        seed: Of everything random except the operating system's timing.
        lives: On one workspace.

    Raises:
        LostError: Something is lost or unfinished, or was generated again.
    """
    begun = time.monotonic()
    killed: Counter[str] = Counter()
    calls: Counter[str] = Counter()
    figures: Counter[str] = Counter()
    number = 0
    so_far: dict[str, Any] = {}
    with tempfile.TemporaryDirectory(prefix="kill-servers-") as name:
        async with fork_server(Path(name)) as forks:
            while killed.total() < kills:
                folder = Path(name) / str(number)
                folder.mkdir()
                first = number
                try:
                    while number < first + lives and killed.total() < kills:
                        killed += await _life(forks, folder, random.Random(f"{seed} {number}"))
                        number += 1
                    told = what_was_told(folder)
                    calls += told.calls
                    figures += await _finish(forks, folder, told)
                except Exception as error:
                    raise LostError(f"seed {seed}, lives {first} to {number}: {error}") from error
                shutil.rmtree(folder)
                so_far = _figures(seed, number, killed, calls, figures, time.monotonic() - begun)
                print(json.dumps(so_far), file=sys.stderr, flush=True)  # noqa: T201 - a long run may be stopped
    return so_far


def _figures(
    seed: int, lives: int, killed: Counter[str], calls: Counter[str], found: Counter[str], seconds: float
) -> dict[str, Any]:
    tools = (*MODEL_TOOLS, *PAGE_TOOLS)
    return {
        "seed": seed,
        "kills": killed.total(),
        "killed": dict(sorted(killed.items())),
        "lives": lives,
        "calls": sum(calls[tool] for tool in tools),
        "tools": sum(calls[tool] > 0 for tool in tools),
        **found,
        "repeated_calls": 0,
        "lost": 0,
        "seconds": round(seconds),
    }


async def _life(forks: ForkServer, folder: Path, chance: random.Random) -> Counter[str]:
    """Lets a client play with a server of its own, and kills after some answers and a moment, or at the start."""
    kills: Counter[str] = Counter()
    told = folder / FILE
    before = told.stat().st_size if told.exists() else 0
    client = await forks.start("client", folder, chance.randrange(2**31), *_server(forks, folder))
    answers = 0 if chance.random() < _EARLY else int(1 + chance.expovariate(1 / _ANSWERS))
    async with asyncio.timeout(120):
        while answers and _lines_after(told, before) < answers and client.returncode is None:  # noqa: ASYNC110
            await asyncio.sleep(0.01)
    await asyncio.sleep(chance.expovariate(1 / 0.05))
    victims = chance.choice(_VICTIMS)
    for victim in victims:
        kills[victim] += await forks.kill(victim)
        await asyncio.sleep(chance.expovariate(1 / 0.05))
    async with asyncio.timeout(120):
        while client.returncode is None or await forks.alive():
            if client.returncode is None:  # The victim had not begun yet.
                kills[victims[-1]] += await forks.kill(victims[-1])
            await asyncio.sleep(0.02)
    return kills


def _lines_after(path: Path, start: int) -> int:
    if not path.exists():
        return 0
    with path.open("rb") as file:
        file.seek(start)
        return file.read().count(b"\n")


def _server(forks: ForkServer, folder: Path) -> tuple[str, ...]:
    words = forks.command("images", folder / "generated", folder / "log")
    profile = write_profile(folder, words)
    return forks.command("server", "--workspace", folder / "w", "--profile", profile)


async def _finish(forks: ForkServer, folder: Path, told: Told) -> Counter[str]:
    """Finishes every trajectory with one more server, and compares with what clients were told."""
    async with connected(_server(forks, folder), forms=False) as client:
        last = _Last(client)
        for name, views in told.views.items():
            final = await last.finished(name, may_be_cancelled=name in told.begun)
            for view in views:
                compare(view, final)
        for sha256 in told.images:
            if hashlib.sha256(await last.image(sha256)).hexdigest() != sha256:
                raise LostError(f"The uploaded image {sha256} is damaged.")
        images = last.images
    await forks.quiet()
    if repeated := repeated_calls(folder):
        raise LostError(f"generated again: {repeated}")
    return Counter({"trajectories": len(told.views), "uploads": len(told.images), "images": images})


def compare(told: dict[str, Any], final: dict[str, Any]) -> None:
    """Checks that everything in an earlier view is still there."""
    name = told["trajectory"]
    if told["status"] == "cancelled" and final["status"] != "cancelled":
        raise LostError(f"{name} was cancelled, and is {final['status']}.")
    if told["finished"] > final["finished"] or told["plan_version"] > final["plan_version"]:
        raise LostError(f"{name} had {told['finished']} finished steps, now {final['finished']}.")
    if told["plan_version"] == final["plan_version"] > 0 and told["waiting_for"] is None and final["waiting_for"]:
        raise LostError(f"The plan of {name} was approved, and waits again.")
    kept = {(step["n"], one["plan_version"], one["n"]): one for step in final["steps"] for one in step["attempts"]}
    for step in told["steps"]:
        for one in step["attempts"]:
            after = kept.get((step["n"], one["plan_version"], one["n"]))
            if after is None or (after["seed"], after["image"]) != (one["seed"], one["image"]):
                raise LostError(f"{name}: attempt {one['n']} of step {step['n']} is gone: {one}, now {after}")
            if one["by_person"] and not after["by_person"]:
                raise LostError(f"{name}: the person's verdict on step {step['n']}, attempt {one['n']} is gone.")


class _Last:
    """The client that finishes everything."""

    def __init__(self, client: Any) -> None:
        self._client = client
        self.images = 0
        """In complete documents."""

    async def call(self, tool: str, **arguments: object) -> dict[str, Any]:
        result = await self._client.call_tool(tool, arguments)
        if result.is_error:
            raise LostError(f"{tool} {arguments}: {result.content[0].text}")
        content: dict[str, Any] = result.structured_content or {}
        return content

    async def finished(self, trajectory: str, *, may_be_cancelled: bool) -> dict[str, Any]:
        view = await self.call("storyboard_state", trajectory=trajectory)
        async with asyncio.timeout(120):
            while view["status"] != "done" and not (view["status"] == "cancelled" and may_be_cancelled):
                tool = {"waiting": "approve_plan", "running": "follow"}.get(view["status"], "resume")
                await self.call(tool, trajectory=trajectory)
                view = await self.call("storyboard_state", trajectory=trajectory)
        if view["status"] == "done":
            await self._check_document(view)
        return view

    async def _check_document(self, view: dict[str, Any]) -> None:
        if view["finished"] != view["of"]:
            raise LostError(f"{view['trajectory']} is done after {view['finished']} of {view['of']} steps.")
        for step in view["steps"]:
            if step["image"] is None:
                raise LostError(f"{view['trajectory']} has no image of step {step['n']}.")
            if hashlib.sha256(await self.image(step["image"])).hexdigest() != step["image"]:
                raise LostError(f"The image of step {step['n']} of {view['trajectory']} is damaged.")
            self.images += 1

    async def image(self, sha256: str) -> bytes:
        parts: list[bytes] = []
        start: int | None = 0
        while start is not None:
            part = await self.call("storyboard_image", sha256=sha256, start=start)
            parts.append(base64.b64decode(part["data"]))
            start = part["next"]
        return b"".join(parts)


def main() -> None:
    """Reads the command line and prints the figures."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--kills", type=int, default=20)
    parser.add_argument("--seed", type=int, default=0)
    options = parser.parse_args()
    print(json.dumps(asyncio.run(kill_processes(options.kills, options.seed))))  # noqa: T201


if __name__ == "__main__":
    main()
