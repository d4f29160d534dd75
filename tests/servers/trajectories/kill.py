"""Kills trajectory servers and leaves their clients at random moments of random calls, and checks that nothing is lost.

Run by `make robustness`; the tests run a few rounds. Prints figures as JSON; a failure names seed and round.
"""

import argparse
import asyncio
import contextlib
import json
import random
import tempfile
from pathlib import Path

from .programs import STEPS, STORY, Program, repeated_calls, stdio_program, write_profile

__all__ = ["kill_rounds"]


class _Story:
    """What clients were told over all rounds."""

    def __init__(self, chance: random.Random) -> None:
        self.chance = chance
        self.known: list[str] = []
        self.cancelled: set[str] = set()
        self.calls = 0

    async def play(self, program: Program) -> None:
        """Makes random calls until it is interrupted."""
        while True:
            await self._call(program)
            self.calls += 1

    async def _call(self, program: Program) -> None:
        tool = self.chance.choice(
            ["illustrate", "illustrate", "follow", "follow", "pause", "resume", "resume", "branch", "cancel",
             "judge_image", "approve_plan", "get_document", "show_storyboard", "list_trajectories"]
        )  # fmt: skip
        arguments: dict[str, object] = {}
        name = self.chance.choice(self.known) if self.known else None
        if tool == "illustrate":
            approve = self.chance.random() < 0.3
            arguments = {"request": STORY, "seed": self.chance.randrange(1000), "approve_plan": approve}
        elif tool != "list_trajectories":
            if name is None:
                return
            arguments = {"trajectory": name}
            if tool == "branch":
                arguments |= {"step": self.chance.randint(1, STEPS)}
            elif tool == "follow":
                arguments |= {"wait": self.chance.choice([0, 0.2, 1])}
            elif tool == "judge_image":
                arguments |= {"accept": True}
            elif tool == "cancel":
                if self.chance.random() < 0.7:
                    return
                self.cancelled.add(name)  # It may be carried out although its answer is lost.
        result = await program.client.call_tool(tool, arguments)
        if tool in {"illustrate", "branch"} and not result.is_error and result.structured_content:
            self.known.append(str(result.structured_content["trajectory"]))


async def kill_rounds(rounds: int, seed: int) -> dict[str, int]:
    """Plays and kills, then finishes everything with one more server.

    Raises:
        AssertionError: A trajectory is lost or unfinished, or a finished image was generated again.
    """
    chance = random.Random(seed)
    story, kills = _Story(chance), 0
    with tempfile.TemporaryDirectory(prefix="kill-servers-") as name:
        folder = Path(name)
        write_profile(folder)
        for _ in range(rounds):
            # A killed server's client fails in several ways, all of which are expected.
            with contextlib.suppress(Exception):
                async with stdio_program(folder) as program:
                    with contextlib.suppress(TimeoutError):
                        await asyncio.wait_for(story.play(program), 0.3 + chance.expovariate(1))
                    if chance.random() < 0.7:
                        program.kill()
                        kills += 1
        async with stdio_program(folder) as program:
            listed = await program.call("list_trajectories", limit=100)
            names = [each["trajectory"] for each in listed["trajectories"]]
            assert set(story.known) <= set(names) or listed["total"] > 100, f"lost in seed {seed}"
            for each in dict.fromkeys(story.known):
                await _finish(program, each, cancelled=each in story.cancelled)
        repeated = repeated_calls(folder)
    assert not repeated, f"seed {seed}: generated again: {repeated}"
    return {"rounds": rounds, "seed": seed, "kills": kills, "calls": story.calls, "trajectories": len(story.known),
            "repeated_calls": 0, "lost": 0}  # fmt: skip


async def _finish(program: Program, trajectory: str, *, cancelled: bool) -> None:
    view = await program.call("show_storyboard", trajectory=trajectory)
    if cancelled and view["status"] == "cancelled":
        return
    while view["status"] != "done":
        tool = {"waiting": "approve_plan", "running": "follow"}.get(view["status"], "resume")
        view = await program.call(tool, trajectory=trajectory)
    assert view["finished"] == STEPS
    document = await program.client.call_tool("get_document", {"trajectory": trajectory})
    assert sum(block.type == "image" for block in document.content) == STEPS


def main() -> None:
    """Reads the command line and prints the figures."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=20)
    parser.add_argument("--seed", type=int, default=0)
    options = parser.parse_args()
    print(json.dumps(asyncio.run(kill_rounds(options.rounds, options.seed))))  # noqa: T201


if __name__ == "__main__":
    main()
