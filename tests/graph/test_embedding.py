"""The graph inside a program's own graph: as a node with the parent's checkpointer or none, however it is called."""

import asyncio
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any, TypedDict

import pytest
from langchain_core.messages import HumanMessage
from langgraph.checkpoint.memory import InMemorySaver
from langgraph.graph import END, START, StateGraph
from langgraph.types import Command

from interleavethinker.graph import Components, Document, make_graph, serializer
from interleavethinker.tools.images.store import ImageStore
from interleavethinker.tools.protocols import PlanContext
from interleavethinker.tools.testing.agents import RuleCritic, plan_of
from interleavethinker.tools.testing.generator import MemoryGenerator
from interleavethinker.tools.types import Plan, Request


class State(TypedDict, total=False):
    """A program's state: what it shares with the graph, and something of its own."""

    topic: str
    request: str
    approve_plan: bool
    document: Document
    pages: int


class EchoPlanner:
    """Plans one image of each word."""

    async def plan(self, request: Request, context: PlanContext) -> Plan:  # noqa: ARG002
        await asyncio.sleep(0)
        return plan_of(*request.text.split())


def prepare(state: State) -> State:
    return {"request": f"{state['topic']} twice"}


def publish(state: State) -> State:
    return {"pages": len(state["document"].images)}


def parent(store: ImageStore, checkpointer: Any = None) -> Any:
    components = Components(EchoPlanner(), RuleCritic(), MemoryGenerator(store), store=store)
    builder = StateGraph(State)
    builder.add_node("prepare", prepare)
    builder.add_node("illustrate", make_graph(components=components))
    builder.add_node("publish", publish)
    for start, end in ((START, "prepare"), ("prepare", "illustrate"), ("illustrate", "publish"), ("publish", END)):
        builder.add_edge(start, end)
    return builder.compile(checkpointer=checkpointer)


@pytest.fixture
def store(tmp_path: Path) -> ImageStore:
    return ImageStore(tmp_path / "images")


def thread(name: str) -> Any:
    return {"configurable": {"thread_id": name}}


def prompts(state: dict[str, Any]) -> list[str]:
    return [block.text for block in state["document"].blocks if block.kind == "image"]


def memory() -> InMemorySaver:
    return InMemorySaver(serde=serializer())


@pytest.mark.parametrize("kept", [True, False], ids=["parent's checkpointer", "no checkpointer"])
async def test_a_node_gives_the_same_document_however_its_parent_is_called(store: ImageStore, kept: bool) -> None:
    graph = parent(store, memory() if kept else None)
    invoked = await asyncio.to_thread(graph.invoke, {"topic": "cats"}, thread("1"))
    awaited = await graph.ainvoke({"topic": "cats"}, thread("2"))
    batched = await asyncio.to_thread(graph.batch, [{"topic": "cats"}, {"topic": "dogs"}], [thread("3"), thread("4")])
    seen = [event async for event in graph.astream_events({"topic": "cats"}, thread("5"), version="v2")]
    streamed = seen[-1]["data"]["output"]
    for answer in (invoked, awaited, batched[0], streamed):
        assert (prompts(answer), answer["pages"]) == (["cats", "twice"], 2)
        assert answer["document"].complete
    assert prompts(batched[1]) == ["dogs", "twice"]
    named = [event["name"] for event in seen if event["event"] == "on_chain_start"]
    assert {"illustrate", "plan", "generate", "critic", "refine"} <= set(named), "the inner nodes can be watched"


def test_two_threads_of_one_parent_run_at_once_and_are_kept_apart(store: ImageStore) -> None:
    saver = memory()
    graph = parent(store, saver)
    topics = ["cats", "dogs", "owls", "bats"]
    with ThreadPoolExecutor(2) as pool:
        answers = list(pool.map(lambda topic: graph.invoke({"topic": topic}, thread(topic)), topics))
    assert [prompts(answer)[0] for answer in answers] == topics
    for topic in topics:
        assert prompts(graph.get_state(thread(topic)).values)[0] == topic


def test_the_parents_checkpointer_carries_an_approval_to_a_later_process(store: ImageStore) -> None:
    saver = memory()
    asked = parent(store, saver).invoke({"topic": "cats", "approve_plan": True}, thread("1"))
    (question,) = asked["__interrupt__"]
    (action,) = question.value["action_requests"]
    edited = {"name": action["name"], "args": {"steps": [{"prompt": "one cat"}]}}
    again = parent(store, saver)  # All that a restarted process has is the checkpointer.
    inner = again.get_state(thread("1"), subgraphs=True).tasks[0].state
    assert inner.next == ("approve",)
    decision = {"decisions": [{"type": "edit", "edited_action": edited}]}
    answer = again.invoke(Command(resume=decision), thread("1"))
    assert (prompts(answer), answer["pages"]) == (["one cat"], 1)


@pytest.mark.parametrize(
    ("headers", "address"),
    [
        ({"host": "127.0.0.1:2024"}, "http://127.0.0.1:2024/images/"),
        (
            {"host": "a", "x-forwarded-host": "[::1]:80, b", "x-forwarded-proto": "https, http"},
            "https://[::1]:80/images/",
        ),
        ({"host": "evil)<img src=x onerror=alert(1)>"}, "image://"),
        ({"host": "a", "x-forwarded-host": "evil) [x](javascript:alert(1)"}, "image://"),
        ({"host": "a", "x-forwarded-proto": "javascript"}, "image://"),
    ],
)
def test_links_begin_with_the_address_that_was_called_if_it_is_one(
    headers: dict[str, str], address: str, store: ImageStore
) -> None:
    components = Components(EchoPlanner(), RuleCritic(), MemoryGenerator(store), store=store)
    graph = make_graph(components=components)
    answer = graph.invoke({"messages": [HumanMessage("cats")]}, {"configurable": headers})
    (sha256,) = answer["document"].images
    assert f"({address}{sha256}" in answer["messages"][-1].content
