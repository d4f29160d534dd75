"""Facts first: a chat model calls a tool before it plans, and the document names the source."""

import asyncio
import tempfile
from pathlib import Path

from langchain.chat_models import init_chat_model
from langchain_core.tools import tool

import interleavethinker as it
from interleavethinker.tools.chat.agents import ChatPlanner
from interleavethinker.tools.chat.researcher import ChatResearcher
from interleavethinker.tools.chat.toolbox import LangChainTools
from interleavethinker.tools.testing.agents import RuleCritic
from interleavethinker.tools.testing.generator import MemoryGenerator


@tool
def find_bird(name: str) -> str:
    """Says how a bird behaves."""
    return f"The {name} sleeps on one leg. Source: https://example.org/birds"


async def main() -> None:
    """Answers one request; images come from a fake generator here."""
    model = init_chat_model("openai:gpt-5-mini")
    with tempfile.TemporaryDirectory() as folder:
        store = it.ImageStore(Path(folder) / "images")
        components = it.Components(
            planner=ChatPlanner(model, store),
            critic=RuleCritic(),
            generator=MemoryGenerator(store),
            researcher=ChatResearcher(model, store, [LangChainTools([find_bird])], max_calls=2),
        )
        async with it.Workspace.open(folder, components) as workspace:
            done = await workspace.run(await workspace.create("How does a heron sleep?"))
        print(done.lookups[0].result)
        print(done.document.sources)


if __name__ == "__main__":
    asyncio.run(main())
