"""The graph as chat clients and LangGraph's server use it: context, messages in and out, JSON forms, questions."""

import base64
import json
from pathlib import Path
from typing import Any

import pytest
from langchain_core.messages import AIMessage, HumanMessage
from langgraph.checkpoint.memory import InMemorySaver
from pydantic import ValidationError

from interleavethinker.graph import Limits, Workspace, make_graph, serializer
from interleavethinker.graph.context import GraphContext
from interleavethinker.graph.conversation import continued
from interleavethinker.graph.document import Block, Document
from interleavethinker.graph.state import Override
from interleavethinker.tools.errors import InputError
from interleavethinker.tools.images.store import ImageStore
from interleavethinker.tools.testing.agents import RuleCritic, accept_only, plan_of
from interleavethinker.tools.testing.generator import MemoryGenerator, fake_image
from interleavethinker.tools.types import GenerationRequest, ImagePart, Request, TextPart

from .chat_parts import THREAD, components, decide, embedded, graph_of, requests_of

PNG = fake_image(GenerationRequest(prompt="theirs", seed=0))


@pytest.fixture
def store(tmp_path: Path) -> ImageStore:
    return ImageStore(tmp_path / "images")


@pytest.mark.parametrize("context", [None, {}, {"limits": {"max_calls": 1}}, GraphContext(limits=Limits(max_calls=1))])
async def test_a_context_is_plain_json_and_may_be_missing_or_empty(store: ImageStore, context: Any) -> None:
    answer = await embedded(components(store)).ainvoke({"request": "x"}, context=context)
    assert len(answer["document"].images) == (1 if context else 2)


async def test_components_are_bound_to_the_graph_or_passed_for_one_run(store: ImageStore) -> None:
    graph = embedded(components(store, plan_of("bound")))
    texts = [
        (await graph.ainvoke({"request": "x"}, context=context))["document"].blocks[1].text
        for context in (None, components(store, plan_of("passed")))
    ]
    assert texts == ["bound", "passed"]


@pytest.mark.parametrize("address", ["javascript:alert(1)", "ftp://a.example", "https://a.example/) ![x](y", ""])
def test_links_to_images_are_web_addresses(store: ImageStore, address: str) -> None:
    with pytest.raises(ValidationError, match="image_url"):
        embedded(components(store)).invoke({"request": "x"}, context={"image_url": address})


def test_each_trajectory_of_a_thread_has_the_options_of_its_own_context(store: ImageStore) -> None:
    graph = graph_of(components(store))
    message = {"messages": [{"role": "user", "content": "a story"}]}
    few = {"limits": {"max_calls": 1}, "image_size": "64x64", "approve_plan": True, "review_images": True}
    asked = graph.invoke(message, THREAD, context=few)["__interrupt__"][0].value
    asked = graph.invoke(decide("reject", message="shorter"), THREAD)["__interrupt__"][0].value
    assert asked["kind"] == "approve_plan", "planning again keeps the options, whatever the answer's context is"
    graph.invoke(decide("approve"), THREAD)
    assert len(graph.invoke(decide("approve"), THREAD)["document"].images) == 1
    other = graph.invoke(message, THREAD, context={})
    assert "__interrupt__" not in other
    assert len(other["document"].images) == 2
    assert graph.get_state(THREAD).values["image_size"] is None
    given = graph.invoke({**message, "limits": {"max_calls": 1}}, THREAD, context={})
    assert len(given["document"].images) == 1
    again = graph.invoke(message, THREAD, context={"limits": {"max_calls": 9}})
    assert len(again["document"].images) == 1, "what the input gave holds for the thread"


def test_an_unknown_option_in_a_context_is_refused(store: ImageStore) -> None:
    with pytest.raises(ValidationError, match="colour"):
        embedded(components(store)).invoke({"request": "x"}, context={"colour": "red"})


async def test_a_context_cannot_choose_a_profile_file_that_the_operator_did_not_name(tmp_path: Path) -> None:
    mine = tmp_path / "mine.toml"
    mine.write_text('description = "x"\n')
    with pytest.raises(Exception, match=r"not allowed here.*micro"):
        await make_graph().ainvoke({"request": "x"}, context=GraphContext(profile=str(mine)))
    with pytest.raises(Exception, match="invalid: planner"):  # allowed, and read
        await make_graph(profiles=[str(mine)]).ainvoke({"request": "x"}, context=GraphContext(profile="mine"))


def test_input_output_and_context_have_json_schemas_and_the_graph_becomes_a_tool(store: ImageStore) -> None:
    graph: Any = embedded(components(store))
    assert {"request", "messages", "seed", "limits", "approve_plan"} <= set(graph.get_input_jsonschema()["properties"])
    assert {"document", "messages", "plans"} <= set(graph.get_output_jsonschema()["properties"])
    options = graph.get_context_jsonschema()["properties"]
    assert {option["x_oap_ui_config"]["type"] for option in options.values()} == {"text", "json", "switch"}
    with pytest.warns(match="beta"):
        tool = graph.as_tool(arg_types={"request": str}, name="illustrate", description="Illustrates.")
    assert tool.invoke({"request": "x"})["document"].complete


def test_the_input_and_update_state_take_json(store: ImageStore) -> None:
    parts = components(store, critic=RuleCritic(accept_only("mine")))
    graph = graph_of(parts)
    request = {"parts": [{"kind": "text", "text": "x"}]}
    answer = graph.invoke({"request": request, "limits": {"max_attempts": 2}, "seed": 3}, THREAD)
    assert answer["document"].notes == ("2 steps show a best effort: no attempt was accepted.",)
    before = [s for s in graph.get_state_history(THREAD) if s.next == ("generate",)][-1]
    fork = graph.update_state(before.config, {"override": {"step": 0, "iteration": 0, "prompt": "mine"}})
    assert graph.get_state(fork).values["override"] == Override(step=0, iteration=0, prompt="mine")
    assert graph.invoke(None, fork)["document"].blocks[1].text == "mine"
    plans = {"1": {"steps": [{"prompt": "theirs"}]}}
    fork = graph.update_state(before.config, {"plans": plans, "attempts": {}, "limits": {"max_attempts": 1}})
    assert graph.invoke(None, fork)["document"].blocks[0].text == "theirs"


def test_json_that_does_not_fit_the_state_is_refused_with_its_place(store: ImageStore) -> None:
    with pytest.raises(InputError, match=r"'limits'.*max_calls: Input should be greater than or equal to 1"):
        embedded(components(store)).invoke({"request": "x", "limits": {"max_calls": 0}})


def test_the_request_check_holds_for_an_embedded_graph(store: ImageStore) -> None:
    def check(request: Request) -> None:
        raise InputError(f"No astronauts: {request.text}")

    with pytest.raises(InputError, match="No astronauts: on the moon"):
        embedded(components(store, request_check=check)).invoke({"request": "on the moon"})


def test_a_message_with_text_and_images_is_the_request_and_is_answered_in_markdown(store: ImageStore) -> None:
    parts = components(store, critic=RuleCritic(accept_only("a")), limits=Limits(max_attempts=1))
    data = base64.b64encode(PNG).decode()
    blocks: list[Any] = [
        {"type": "text", "text": "make"},
        {"type": "image", "base64": data, "mime_type": "image/png"},
        {"type": "image_url", "image_url": {"url": f"data:image/png;base64,{data}"}},
        {"type": "text", "text": "blue"},
    ]
    answer = embedded(parts).invoke(
        {"messages": [HumanMessage("old"), AIMessage("older answer"), HumanMessage(blocks)]},
        context=GraphContext(image_url="https://pictures.example/"),
    )
    (request,) = requests_of(parts)
    assert [part.kind for part in request.parts] == ["text", "image", "image", "text"]
    assert store.get(request.images[0]) == PNG
    asked, told = answer["messages"][-2:]
    assert "base64" not in str(asked.content), "a checkpoint must not hold the bytes"
    shown = answer["document"].images
    assert all(f"](https://pictures.example/images/{sha256}.png)" in told.content for sha256 in shown)
    assert "Step about b (best effort)" in told.content
    assert "1 step shows a best effort" in told.content


@pytest.mark.parametrize(
    ("block", "problem"),
    [
        ({"type": "image", "url": "https://elsewhere.example/a.png"}, "other addresses are not fetched"),
        ({"type": "image", "base64": "!", "mime_type": "image/png"}, "not valid base64"),
        ({"type": "image", "url": "image://" + "0" * 64}, "not in the store"),
        ({"type": "image", "file_id": "file-1"}, "other addresses are not fetched"),
        ({"type": "file", "base64": "AA==", "mime_type": "text/plain"}, "found a block of the type 'file'"),
        ({"type": "file", "data": "AA==", "mimeType": "application/pdf"}, "'file' with application/pdf"),
        ({"type": "text"}, "needs a `text`"),
        ({"type": "text", "text": None}, "needs a `text`"),
        ({}, "found a block of the type 'nothing'"),
    ],
)
def test_a_message_block_that_cannot_be_used_is_refused(store: ImageStore, block: Any, problem: str) -> None:
    with pytest.raises(InputError, match=problem):
        embedded(components(store)).invoke({"messages": [HumanMessage([block])]})


DATA = base64.b64encode(PNG).decode()


@pytest.mark.parametrize(
    "block",
    [
        {"type": "image", "base64": DATA, "mime_type": "image/png"},
        {"type": "image", "source_type": "base64", "data": DATA, "mime_type": "image/png"},
        {"type": "image", "mimeType": "image/png", "data": DATA, "metadata": {"name": "a.png"}},
        {"type": "image_url", "image_url": {"url": f"data:image/png;base64,{DATA}"}},
        {"type": "image_url", "image_url": f"data:image/png;base64,{DATA}"},
        {"type": "input_image", "image_url": f"data:image/png;base64,{DATA}"},
        {"type": "image", "source": {"type": "base64", "media_type": "image/png", "data": DATA}},
        {"type": "media", "mime_type": "image/png", "data": DATA},
        {"inline_data": {"mime_type": "image/png", "data": DATA}},
        {"type": "file", "mediaType": "image/png", "url": f"data:image/png;base64,{DATA}"},
        {"type": "non_standard", "value": {"type": "input_image", "image_url": f"data:image/png;base64,{DATA}"}},
    ],
    ids=[
        "LangChain",
        "LangChain 0",
        "agent-chat-ui",
        "OpenAI chat",
        "OpenAI chat, text",
        "OpenAI responses",
        "Anthropic",
        "langchain-google",
        "Google",
        "AI SDK",
        "unknown to LangChain",
    ],
)
def test_an_image_is_read_in_the_forms_of_chat_clients(store: ImageStore, block: Any) -> None:
    parts = components(store)
    embedded(parts).invoke({"messages": [{"role": "user", "content": [block]}]})
    (request,) = requests_of(parts)
    assert [part.kind for part in request.parts] == ["image"]
    assert store.get(request.images[0]) == PNG


def test_a_further_message_continues_with_the_images_so_far(store: ImageStore) -> None:
    parts = components(store, plan_of("a", "b"), plan_of("c"))
    graph = graph_of(parts)
    first = graph.invoke({"messages": [{"role": "user", "content": "a story"}]}, THREAD)
    second = graph.invoke({"messages": [{"role": "user", "content": "make it bigger in step 1"}]}, THREAD)
    assert [message.type for message in second["messages"]] == ["human", "ai", "human", "ai"]
    continuation = requests_of(parts)[1]
    assert continuation == Request(
        parts=(ImagePart(sha256=first["document"].images[0]), TextPart(text="make it bigger"))
    )
    generator = parts.generator
    assert isinstance(generator, MemoryGenerator)
    assert generator.calls[-1].source == first["document"].images[0], "the edit starts from the image of step 1"
    graph.invoke({"request": "another"}, THREAD)
    assert requests_of(parts)[-1].text == "another"


def test_a_request_of_a_surrounding_graph_takes_precedence_over_its_messages(store: ImageStore) -> None:
    parts = components(store)
    answer = embedded(parts).invoke({"request": "prepared", "messages": [HumanMessage("hello")]})
    assert requests_of(parts)[0].text == "prepared"
    assert [message.type for message in answer["messages"]] == ["human"]


def document(*shas: str) -> Document:
    blocks = [Block(kind="image", step=i, status="accepted", sha256=sha * 64) for i, sha in enumerate(shas)]
    return Document(blocks=tuple(blocks))


@pytest.mark.parametrize(
    ("text", "images", "rest"),
    [
        ("add a moon", "abc", "add a moon"),
        ("Make the cat bigger in step 2", "ab", "Make the cat bigger"),
        ("In the second picture, make it night", "ab", "make it night"),
        ("step 1: a hat", "a", "a hat"),
        ("IN STEP TWO, a hat", "ab", "a hat"),
        ("in step zero, a hat", "abc", "in step zero, a hat"),
        ("make step 0 darker", "abc", "make step 0 darker"),
        ("like step 7", "abc", "like step 7"),
        ("add one more step", "abc", "add one more step"),
    ],
)
def test_a_step_that_a_message_names_is_the_last_image_of_its_request(text: str, images: str, rest: str) -> None:
    request, shown = continued(document("a", "b", "c"), [TextPart(text=text)])
    assert shown == request.images
    assert [sha256[0] for sha256 in request.images] == list(images)
    assert request.text == rest


@pytest.mark.parametrize(
    ("text", "images", "rest"),
    [
        ("add a moon", "abcd", "add a moon"),
        ("make it night in step 1", "abcd", "make it night"),
        ("make it night in step 2", "ab", "make it night"),
        ("make it night in step 4", "abcd", "make it night in step 4"),
    ],
)
def test_a_third_message_still_has_the_images_of_the_first_answer(text: str, images: str, rest: str) -> None:
    request, _ = continued(document("d"), [TextPart(text=text)], [sha * 64 for sha in "abc"])
    assert [sha256[0] for sha256 in request.images] == list(images)
    assert request.text == rest


def test_a_long_thread_keeps_the_newest_images(store: ImageStore) -> None:
    parts = components(store, *(plan_of(f"a{n}", f"b{n}", f"c{n}") for n in range(4)))
    graph = graph_of(parts)
    answers = [graph.invoke({"messages": [{"role": "user", "content": "and then?"}]}, THREAD) for _ in range(4)]
    every = [sha256 for answer in answers[:3] for sha256 in answer["document"].images]
    assert list(requests_of(parts)[2].images) == every[:6]
    assert list(requests_of(parts)[3].images) == every[-8:]
    graph.invoke({"request": "something else"}, THREAD)
    graph.invoke({"messages": [{"role": "user", "content": "and then?"}]}, THREAD)
    assert len(requests_of(parts)[-1].images) == 3, "a request of its own begins a new story"


def test_a_storyboard_component_shows_every_attempt_beside_the_answer(store: ImageStore) -> None:
    parts = components(store, critic=RuleCritic(accept_only("a", "b!")), limits=Limits(max_attempts=2))
    graph: Any = make_graph(components=parts, checkpointer=InMemorySaver(serde=serializer()), storyboard=True)
    message = {"messages": [{"role": "user", "content": "a story"}]}
    context = GraphContext(image_url="https://pictures.example")
    shown = [
        item
        for item in graph.stream(message, THREAD, context=context, stream_mode="custom")
        if isinstance(item, dict) and item.get("type") == "ui"
    ]
    values = graph.get_state(THREAD).values
    assert [item["id"] for item in shown] == [item["id"] for item in values["ui"]]
    (component,) = values["ui"]
    assert component["name"] == "storyboard"
    assert component["metadata"]["message_id"] == values["messages"][-1].id, "clients show it beside this message"
    assert json.loads(json.dumps(component["props"])) == component["props"]
    second = component["props"]["steps"][1]
    assert [(each["prompt"], each["accepted"], each["selected"]) for each in second["attempts"]] == [
        ("b", False, False),
        ("b!", True, True),
    ]
    assert second["attempts"][1]["image"] in values["messages"][-1].content
    graph.invoke({"request": "no message"}, THREAD)
    assert len(graph.get_state(THREAD).values["ui"]) == 1


def test_without_the_component_no_storyboard_is_pushed(store: ImageStore) -> None:
    graph = graph_of(components(store))
    graph.invoke({"messages": [{"role": "user", "content": "a story"}]}, THREAD)
    assert graph.get_state(THREAD).values["ui"] == []


def test_without_a_request_or_a_persons_message_the_error_says_what_to_give(store: ImageStore) -> None:
    with pytest.raises(InputError, match="Give `request`, or `messages`"):
        embedded(components(store)).invoke({})


def test_updates_show_plan_attempts_and_verdicts(store: ImageStore) -> None:
    graph = graph_of(components(store))
    updates = list(graph.stream({"request": "x"}, THREAD, stream_mode="updates", output_keys=graph.output_channels))
    nodes = {name: update for item in updates for name, update in item.items()}
    assert [step.prompt for step in nodes["plan"]["plans"][1].steps] == ["a", "b"]
    assert [attempt.image for attempt in nodes["generate"]["attempts"].values()]
    assert all(attempt.verdict.success for attempt in nodes["critic"]["attempts"].values())


async def test_a_request_that_no_model_reads_is_refused_at_every_door(store: ImageStore, tmp_path: Path) -> None:
    endless = "a red ball and " * 20_000
    graph = graph_of(components(store))
    for given in ({"request": endless}, {"messages": [HumanMessage(endless)]}):
        with pytest.raises(InputError, match="300,000 characters; at most 200,000"):
            await graph.ainvoke(given, THREAD)
    async with Workspace.open(tmp_path / "workspace", components(store)) as workspace:
        with pytest.raises(InputError, match="300,000 characters; at most 200,000"):
            await workspace.create(endless)
        assert await workspace.list() == []
