"""A person's decisions about plans and images, in LangChain's form."""

import json
from io import BytesIO
from pathlib import Path
from typing import Any

import pytest
from langgraph.types import Command
from PIL import Image

from interleavethinker.graph import Limits
from interleavethinker.tools.images.store import ImageStore
from interleavethinker.tools.testing.agents import RuleCritic, accept_only, plan_of

from .chat_parts import THREAD, components, decide, graph_of, requests_of


@pytest.fixture
def store(tmp_path: Path) -> ImageStore:
    return ImageStore(tmp_path / "images")


def test_a_plan_is_approved_edited_or_rejected_in_langchains_form(store: ImageStore) -> None:
    asked_again = []
    for answer in (
        decide("approve"),
        decide("edit", edited_action={"name": "carry_out_plan", "args": {"steps": [{"prompt": "mine"}]}}),
        decide("reject", message="only one picture"),
        decide("reject"),
    ):
        parts = components(store, plan_of("a", "b"), plan_of("c"))
        graph = graph_of(parts)
        (asked,) = graph.invoke({"request": "x"}, THREAD, context={"approve_plan": True})["__interrupt__"]
        (action,) = asked.value["action_requests"]
        assert [step["prompt"] for step in action["args"]["steps"]] == ["a", "b"]
        assert asked.value["review_configs"][0]["action_name"] == action["name"]
        assert "decisions" in str(asked.response_schema)
        ended = graph.invoke(answer, THREAD)
        if "__interrupt__" in ended:
            asked_again.append(requests_of(parts)[-1].text)
            ended = graph.invoke(decide("approve"), THREAD)
        assert [b.text for b in ended["document"].blocks if b.kind == "image"] in (["a", "b"], ["mine"], ["c"], [])
        last = ended
    assert asked_again == ["x\nonly one picture"]
    assert (last["stop_reason"], last["document"].notes) == (
        "rejected",
        ("The plan was rejected; nothing was generated.",),
    )


def test_a_plan_edited_as_text_in_a_form_is_read_as_json(store: ImageStore) -> None:
    graph = graph_of(components(store))
    (asked,) = graph.invoke({"request": "x"}, THREAD, context={"approve_plan": True})["__interrupt__"]
    steps = json.dumps(asked.value["action_requests"][0]["args"]["steps"])
    for text, problem in ((steps[:-1], "not valid JSON"), ('"a"', "should be a valid tuple")):
        edited = {"name": "carry_out_plan", "args": {"steps": text}}
        asked = graph.invoke(decide("edit", edited_action=edited), THREAD)["__interrupt__"][0].value
        assert problem in asked["problem"]
        assert asked["problem"] in asked["action_requests"][0]["description"], "where a person reads it"
    edited = {"name": "carry_out_plan", "args": {"steps": steps.replace('"a"', '"mine"')}}
    ended = graph.invoke(decide("edit", edited_action=edited), THREAD)
    assert [block.text for block in ended["document"].blocks if block.kind == "image"] == ["mine", "b"]


def test_a_new_plan_for_the_rest_cannot_be_edited_to_have_fewer_or_other_finished_steps(store: ImageStore) -> None:
    critic = RuleCritic(accept_only("mine"))
    parts = components(store, plan_of("a", "b", "c"), plan_of("d"), critic=critic, limits=Limits(max_attempts=1))
    graph = graph_of(parts)
    graph.invoke({"request": "x"}, THREAD, context={"approve_plan": True})
    asked = graph.invoke(decide("approve"), THREAD)["__interrupt__"][0].value
    steps = asked["action_requests"][0]["args"]["steps"]
    assert [step["prompt"] for step in steps] == ["a", "b", "d"]
    for edited in (steps[:1], [{"prompt": "x"}, *steps[1:]]):
        action = {"name": "carry_out_plan", "args": {"steps": edited}}
        asked = graph.invoke(decide("edit", edited_action=action), THREAD)["__interrupt__"][0].value
        assert "Steps 1 to 2 are finished" in asked["problem"]
    action = {"name": "carry_out_plan", "args": {"steps": [*steps[:2], {"prompt": "mine"}]}}
    ended = graph.invoke(decide("edit", edited_action=action), THREAD)
    assert [block.text for block in ended["document"].blocks if block.kind == "image"] == ["a", "b", "mine"]


def test_a_person_accepts_or_rejects_each_image_in_langchains_form(store: ImageStore) -> None:
    parts = components(store, plan_of("a", "b"), critic=RuleCritic(accept_only("a")), limits=Limits(look_ahead=2))
    graph = graph_of(parts)
    asked = graph.invoke({"request": "x"}, THREAD, context={"review_images": True})["__interrupt__"][0].value
    assert "The critic accepts it" in asked["action_requests"][0]["description"]
    asked = graph.invoke(decide("reject", message="a dog"), THREAD)["__interrupt__"][0].value
    assert asked["action_requests"][0]["args"]["prompt"] == "a dog!", "the critic's next prompt is proposed"
    edit = {"name": "accept_image", "args": {**asked["action_requests"][0]["args"], "prompt": "a red dog"}}
    again = graph.invoke(decide("edit", edited_action={"name": "accept_image", "args": {"prompt": " "}}), THREAD)
    assert "prompt is empty" in again["__interrupt__"][0].value["problem"]
    asked = graph.invoke(decide("edit", edited_action=edit), THREAD)["__interrupt__"][0].value
    assert asked["attempt"]["prompt"] == "a red dog"
    graph.invoke(decide("approve"), THREAD)
    ended = graph.invoke(decide("approve"), THREAD)
    assert [block.text for block in ended["document"].blocks if block.kind == "image"] == ["a red dog", "b"]
    assert all(attempt.verdict.by_hand for attempt in ended["attempts"].values())


@pytest.mark.parametrize("edited", [False, True])
async def test_a_person_changes_only_a_part_of_an_image_in_langchains_form(store: ImageStore, edited: bool) -> None:
    def rejected(**local: str) -> Command[Any]:
        if edited:
            arguments = {**asked["action_requests"][0]["args"], "prompt": "a hat"} | local
            return decide("edit", edited_action={"name": "accept_image", "args": arguments})
        return decide("reject", message="a hat", **local)

    async def ask(given: Any) -> Any:
        return (await graph.ainvoke(given, THREAD, context={"review_images": True}))["__interrupt__"][0].value

    graph = graph_of(components(store, plan_of("a")))
    asked = await ask({"request": "x"})
    first = asked["attempt"]["image"]
    for wrong, problem in (
        ({"region": "everywhere"}, "region"),
        ({"mask": "0" * 64}, "not in this workspace"),
        ({"mask": first, "region": "0,0,8,8"}, "a region or a mask"),
    ):
        asked = await ask(rejected(**wrong))
        assert problem in asked["problem"]
        assert asked["attempt"]["image"] == first, "the same image is asked about again"
    asked = await ask(rejected(region="50%,0,50%,100%"))
    made = asked["attempt"]
    assert (made["source"], made["prompt"]) == (first, "a hat")
    with Image.open(BytesIO(store.get(made["mask"]))) as mask:
        assert mask.convert("L").getbbox() == (mask.width // 2, 0, *mask.size)
    ended = await graph.ainvoke(decide("approve"), THREAD)
    assert [block.sha256 for block in ended["document"].blocks if block.kind == "image"] == [made["image"]]
