"""A profile whose critic judges the second step once the file `go` exists: a run that waits where a test wants."""

from collections.abc import Sequence
from pathlib import Path

__all__ = ["GATED_PROFILE", "write_gated_profile"]

_AGENTS = """
import asyncio
from pathlib import Path
from interleavethinker.tools.testing.agents import FixedPlanner, RuleCritic, plan_of

def planner(store):
    return FixedPlanner(plan_of(*%r))

class Critic(RuleCritic):
    def __init__(self, store):
        super().__init__()

    async def judge(self, cases):
        while cases[0].prompt == "b" and not Path("go").exists():
            await asyncio.sleep(0.02)
        return await super().judge(cases)
"""
GATED_PROFILE = """
description = "Scripted agents."
example = "x"
planner = { object = "gated_agents:planner" }
critic = { object = "gated_agents:Critic" }
generator = %s
plan_check = "off"
document_check = "off"
"""


def write_gated_profile(folder: Path, generator: str, prompts: Sequence[str]) -> None:
    """Writes `gated.toml` and the module of its agents, whose plan has these prompts, into a folder.

    Args:
        folder: Must be on the import path of whoever uses the profile.
        generator: A TOML table.
        prompts: The second one is "b".
    """
    (folder / "gated_agents.py").write_text(_AGENTS % (tuple(prompts),))
    (folder / "gated.toml").write_text(GATED_PROFILE % generator)
