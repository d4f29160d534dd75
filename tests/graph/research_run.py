"""Answers a request whose planner looks three things up; the process kills itself during one of these calls.

A program: research_run.py FOLDER VICTIM.
"""

import asyncio
import os
import signal
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))

from knowledge_server import Curious  # type: ignore[import-not-found]
from langchain_core.tools import tool

from interleavethinker.graph import Components, Workspace
from interleavethinker.tools.chat.agents import ChatPlanner
from interleavethinker.tools.chat.researcher import ChatResearcher
from interleavethinker.tools.chat.toolbox import LangChainTools
from interleavethinker.tools.images.store import ImageStore
from interleavethinker.tools.testing.agents import RuleCritic
from interleavethinker.tools.testing.generator import MemoryGenerator

folder, victim = Path(sys.argv[1]), sys.argv[2]


@tool
def find_fact(query: str) -> str:
    """Looks up."""
    with (folder / "calls.txt").open("a") as file:
        file.write(query + "\n")
    if query == victim:
        os.kill(os.getpid(), signal.SIGKILL)
    return query + ": one leg"


async def main() -> None:
    """Runs the workspace's trajectory, or a new one."""
    store = ImageStore(folder / "images")
    model = Curious(calls=[("find_fact", {"query": query}) for query in "abc"])
    researcher = ChatResearcher(model, store, [LangChainTools([find_fact])])
    components = Components(
        ChatPlanner(model, store), RuleCritic(), MemoryGenerator(store), store=store, researcher=researcher
    )
    async with Workspace.open(folder, components) as workspace:
        known = await workspace.list()
        done = await workspace.run(known[0].id if known else await workspace.create("x"))
        words = done.plan.steps[0].prompt if done.plan else ""
        sys.stdout.write(f"{done.status} {len(done.lookups)} {words}\n")


asyncio.run(main())
