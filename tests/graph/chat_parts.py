"""Graphs as chat clients use them, with scripted components, and a person's answers to their questions."""

from typing import Any

from langgraph.checkpoint.memory import InMemorySaver
from langgraph.types import Command

from interleavethinker.graph import Components, make_graph, serializer
from interleavethinker.graph.build import build_graph
from interleavethinker.tools.images.store import ImageStore
from interleavethinker.tools.testing.agents import FixedPlanner, RuleCritic, plan_of
from interleavethinker.tools.testing.generator import MemoryGenerator
from interleavethinker.tools.types import Request

__all__ = ["THREAD", "components", "decide", "embedded", "graph_of", "requests_of"]

THREAD: Any = {"configurable": {"thread_id": "1"}}


def components(store: ImageStore, *plans: Any, **others: Any) -> Components:
    planner = FixedPlanner(*(plans or (plan_of("a", "b"),)))
    critic = others.pop("critic", RuleCritic())
    return Components(planner, critic, MemoryGenerator(store), store=store, **others)


def graph_of(parts: Components) -> Any:
    async def find(_: Any) -> Components:
        return parts

    return build_graph(find, InMemorySaver(serde=serializer()))


def embedded(parts: Components) -> Any:
    return make_graph(components=parts)


def requests_of(parts: Components) -> list[Request]:
    planner = parts.planner
    assert isinstance(planner, FixedPlanner)
    return [request for request, _ in planner.calls]


def decide(kind: str, **fields: Any) -> Command[Any]:
    return Command(resume={"decisions": [{"type": kind, **fields}]})
