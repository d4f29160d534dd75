"""The graph embedded in other programs: its diagram, as a node, as a tool, and from any event loop."""

import asyncio
import inspect
import json
import subprocess
import sys
from collections.abc import Iterator
from importlib import import_module
from pathlib import Path
from typing import Any, TypedDict

import pytest
from langchain.agents import create_agent
from langchain_core.language_models import BaseChatModel
from langchain_core.messages import AIMessage, BaseMessage, HumanMessage, ToolMessage
from langchain_core.outputs import ChatGeneration, ChatResult
from langchain_core.runnables import RunnableConfig
from langchain_core.tools import tool
from langgraph.checkpoint.memory import InMemorySaver
from langgraph.checkpoint.serde.jsonplus import JsonPlusSerializer
from langgraph.checkpoint.sqlite import SqliteSaver
from langgraph.graph import END, START, StateGraph
from langgraph.types import Command

from interleavethinker.graph import Components, Document, Limits, make_graph, serializer
from interleavethinker.graph.build import TrajectoryGraph, build_graph, served_graph
from interleavethinker.graph.generative_ui import COMPONENT
from interleavethinker.graph.state import STORED_TYPES
from interleavethinker.tools.images.store import ImageStore
from interleavethinker.tools.testing.agents import FixedPlanner, RuleCritic, accept_only, plan_of
from interleavethinker.tools.testing.generator import MemoryGenerator

ROOT = Path(__file__).resolve().parents[2]
PROFILE = """
description = "No models."
planner = { object = "interleavethinker.microworld.agents.scripted_planner:ScriptedPlanner" }
critic = { object = "interleavethinker.tools.testing.agents:accepting_critic" }
generator = { model = "cells" }
"""


@pytest.fixture
def profile(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    monkeypatch.setenv("INTERLEAVETHINKER_HOME", str(tmp_path / "home"))
    monkeypatch.setenv("INTERLEAVETHINKER_IMAGE_STORE", str(tmp_path / "server"))
    path = tmp_path / "cells.toml"
    path.write_text(PROFILE)
    return str(path)


@pytest.fixture
def components(tmp_path: Path) -> Components:
    generator = MemoryGenerator(ImageStore(tmp_path / "images"))
    return Components(FixedPlanner(plan_of("a", "b", "c")), RuleCritic(), generator)


def test_the_diagram_in_the_documentation_is_the_graphs_own() -> None:
    diagram = make_graph().get_graph().draw_mermaid()
    snapshot = Path(__file__).with_name("graph.mmd")
    assert diagram == snapshot.read_text(encoding="utf-8"), "if the change is intended, update graph.mmd and the docs"
    pages = [ROOT / "README.md", *sorted((ROOT / "docs").rglob("*.md"))]
    assert any(diagram in page.read_text(encoding="utf-8") for page in pages), "no page shows the current diagram"


def test_make_graph_loads_no_model_library_and_starts_no_process() -> None:
    code = (
        "import sys, subprocess; subprocess.Popen.__init__ = None\n"
        "from interleavethinker.graph import make_graph; make_graph(); make_graph('klein')\n"
        "print(*sys.modules)"
    )
    loaded = subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True).stdout.split()
    assert not {"torch", "transformers", "diffusers", "mcp"} & set(loaded)


def test_shared_components_serve_invoke_ainvoke_and_a_running_loop(profile: str) -> None:
    graph = make_graph(profile)
    given: Any = {"request": "a big red ball on the left, at night", "seed": 1}
    blocking = graph.invoke(given)
    awaited = asyncio.run(graph.ainvoke(given))

    async def as_in_a_notebook() -> tuple[Any, Any]:
        return graph.invoke(given), await graph.ainvoke(given)

    inside, again = asyncio.run(as_in_a_notebook())
    documents = [answer["document"] for answer in (blocking, awaited, inside, again)]
    assert all(document == documents[0] for document in documents)
    assert documents[0].complete
    assert len(documents[0].images) == 1


class HostState(TypedDict, total=False):
    topic: str
    request: str
    document: Document
    pages: int


def host(node: Any, saver: Any = None) -> Any:
    def prepare(state: HostState) -> HostState:
        return {"request": f"a story about {state['topic']}"}

    def publish(state: HostState) -> HostState:
        return {"pages": len(state["document"].images)}

    graph = StateGraph(HostState)
    graph.add_node("prepare", prepare)
    graph.add_node("illustrate", node)
    graph.add_node("publish", publish)
    graph.add_edge(START, "prepare")
    graph.add_edge("prepare", "illustrate")
    graph.add_edge("illustrate", "publish")
    graph.add_edge("publish", END)
    return graph.compile(checkpointer=saver)


def graph_with(components: Components) -> Any:
    async def find(_: Any) -> Components:
        return components

    return build_graph(find)


def savers(tmp_path: Path) -> Iterator[Any]:
    yield None
    yield InMemorySaver(serde=serializer())
    yield InMemorySaver(serde=JsonPlusSerializer(allowed_msgpack_modules=None))
    with SqliteSaver.from_conn_string(str(tmp_path / "host.sqlite")) as saver:
        yield saver


@pytest.mark.parametrize("which", range(4), ids=["none", "strict, ours", "strict, the host's", "sqlite, lax"])
def test_the_graph_works_as_a_node_of_another_graph_with_or_without_its_checkpointer(
    components: Components, tmp_path: Path, which: int
) -> None:
    for number, saver in enumerate(savers(tmp_path)):
        if number == which:
            config: RunnableConfig = {"configurable": {"thread_id": "1"}}
            assert host(graph_with(components), saver).invoke({"topic": "cats"}, config)["pages"] == 3


def test_a_small_recursion_limit_of_the_host_gives_a_partial_document_with_a_note(components: Components) -> None:
    answer = graph_with(components).invoke({"request": "x"}, {"recursion_limit": 10})
    assert answer["stop_reason"] == "host_limit"
    assert 0 < len(answer["document"].images) < 3
    assert "recursion_limit" in answer["document"].notes[0]


class ToolUser(BaseChatModel):
    """Calls the tool once, then repeats the tool's answer."""

    @property
    def _llm_type(self) -> str:
        return "tool-user"

    def bind_tools(self, tools: Any, **_: Any) -> Any:  # noqa: ARG002
        return self

    def _generate(self, messages: list[BaseMessage], *_: Any, **__: Any) -> ChatResult:
        if isinstance(messages[-1], ToolMessage):
            message = AIMessage(content=messages[-1].text)
        else:
            call = {"name": "illustrate", "args": {"request": messages[-1].text}, "id": "1", "type": "tool_call"}
            message = AIMessage(content="", tool_calls=[call])
        return ChatResult(generations=[ChatGeneration(message=message)])


def test_the_graph_works_as_a_tool_of_a_langchain_agent_despite_its_recursion_limit_of_25(
    components: Components,
) -> None:
    components = Components(FixedPlanner(plan_of(*["a"] * 12)), RuleCritic(accept_only("a!")), components.generator)
    graph = graph_with(components)

    @tool
    def illustrate(request: str, config: RunnableConfig) -> str:
        """Answer with text and images."""
        answer = graph.invoke({"request": request}, {**config, "recursion_limit": 10_000})
        return f"{answer['stop_reason']}: {len(answer['document'].images)} images"

    agent = create_agent(ToolUser(), [illustrate])
    answer = agent.invoke({"messages": [HumanMessage("a story")]})
    assert answer["messages"][-1].text == "complete: 12 images"


def test_the_configuration_with_the_storyboard_is_the_other_one_with_the_component(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    plain, shown = (
        json.loads((ROOT / name).read_text(encoding="utf-8")) for name in ("langgraph.json", "langgraph.ui.json")
    )
    component = ROOT / shown.pop("ui")["trajectory"]
    environment: dict[str, str] = shown.pop("env")
    assert shown == plain
    assert f"export default {{ {COMPONENT}: " in component.read_text(encoding="utf-8")
    pushed: list[bool] = []

    def noted(*names: str, storyboard: bool, **options: Any) -> TrajectoryGraph:
        pushed.append(storyboard)
        return make_graph(*names, storyboard=storyboard, **options)

    for set_by_server in (False, True):
        with monkeypatch.context() as patched:
            for name, value in environment.items() if set_by_server else ():
                patched.setenv(name, value)
            patched.setattr("interleavethinker.graph.build.make_graph", noted)
            served_graph()
    assert pushed == [False, True]


def test_langgraph_json_names_a_factory_for_a_graph_without_a_checkpointer() -> None:
    settings = json.loads((ROOT / "langgraph.json").read_text(encoding="utf-8"))
    module, _, name = settings["graphs"]["trajectory"]["path"].partition(":")
    factory = getattr(import_module(module), name)
    kinds = [one.annotation for one in inspect.signature(factory).parameters.values()]
    assert kinds == ["ServerRuntime[Any] | None"], "the server would pass its own configuration to any other parameter"
    graph = factory()
    assert graph.checkpointer is None
    allowed = {tuple(name) for name in settings["checkpointer"]["serde"]["allowed_msgpack_modules"]}
    assert allowed == {(kind.__module__, kind.__name__) for kind in STORED_TYPES}
    assert {"plan", "approve", "generate", "critic", "refine"} <= set(graph.nodes)


def test_invoking_a_finished_thread_again_starts_a_new_answer(components: Components) -> None:
    planner = FixedPlanner(plan_of("a", "b"), plan_of("z"))
    generator = components.generator

    async def find(_: Any) -> Components:
        return Components(planner, RuleCritic(), generator)

    graph = build_graph(find, InMemorySaver(serde=serializer()))
    config: RunnableConfig = {"configurable": {"thread_id": "1"}}
    assert len(graph.invoke({"request": "first"}, config)["document"].images) == 2
    assert len(graph.invoke({"request": "second"}, config)["document"].images) == 1
    assert [request.text for request, _ in planner.calls] == ["first", "second"]
    assert all(context.previous is None for _, context in planner.calls)
    assert len(graph.get_state(config).values["attempts"]) == 1


def test_an_approval_is_an_ordinary_interrupt_and_an_invalid_answer_is_asked_for_again(components: Components) -> None:
    async def find(_: Any) -> Components:
        return components

    graph = build_graph(find, InMemorySaver(serde=serializer()))
    config: RunnableConfig = {"configurable": {"thread_id": "1"}}
    asked = graph.invoke({"request": "x", "approve_plan": True, "limits": Limits(max_calls=9)}, config)
    assert asked["__interrupt__"][0].value["kind"] == "approve_plan"
    again = graph.invoke(Command(resume="why not"), config)
    assert "approved" in again["__interrupt__"][0].value["problem"]
    answer = graph.invoke(Command(resume={"approved": True, "steps": [{"prompt": "mine"}]}), config)
    assert [block.text for block in answer["document"].blocks] == ["mine"]
