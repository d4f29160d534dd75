"""The scripted planner and critic, on images rendered from known scenes."""

from pathlib import Path

import pytest

from interleavethinker.microworld.agents.scripted_critic import ScriptedCritic
from interleavethinker.microworld.agents.scripted_planner import ScriptedPlanner, check_request
from interleavethinker.microworld.language.parser import parse
from interleavethinker.microworld.scenes.scene import Scene, SceneObject, render, to_image
from interleavethinker.tools.errors import InputError
from interleavethinker.tools.images.png import encode_png
from interleavethinker.tools.images.store import ImageStore
from interleavethinker.tools.protocols import PlanContext
from interleavethinker.tools.request_parsing import as_request
from interleavethinker.tools.testing.agents import plan_of
from interleavethinker.tools.types import CriticInput, ImagePart, Plan, Request, TextPart

BALL = Scene("night").put(3, SceneObject("ball", "red", "big"))


@pytest.fixture
def store(tmp_path: Path) -> ImageStore:
    return ImageStore(tmp_path)


def put(store: ImageStore, scene: Scene) -> str:
    return store.put(encode_png(to_image(render(scene))))


async def planned(store: ImageStore, request: Request | str) -> Plan:
    return await ScriptedPlanner(store).plan(as_request(request), PlanContext())


async def prompts(store: ImageStore, text: str) -> list[str | None]:
    return [step.prompt for step in (await planned(store, text)).steps]


async def test_a_story_becomes_one_step_per_change_in_the_users_words(store: ImageStore) -> None:
    text = "a big red ball on the left at night, then make it blue. Then add a small green tree on the right"
    assert await prompts(store, text) == [
        "a big red ball on the left at night",
        "make the ball blue",
        "add a small green tree on the right",
    ]


async def test_two_changes_in_one_sentence_become_two_steps(store: ImageStore) -> None:
    text = "a red ball on the left at night. make the ball blue and add a green tree on the right"
    assert await prompts(store, text) == [
        "a red ball on the left at night",
        "make the red ball blue",
        "add a green tree on the right",
    ]


async def test_the_planner_fills_in_what_the_request_leaves_open(store: ImageStore) -> None:
    assert await prompts(store, "a cottage") == ["a big red house in the middle, in a meadow"]


async def test_objects_beyond_the_limit_of_one_prompt_are_added_one_by_one(store: ImageStore) -> None:
    drawn = await prompts(store, "a red ball, a blue car, a white boat and a pink flower, at sunset")
    assert len(drawn) == 2
    assert str(drawn[1]).startswith("add a big ")


async def test_a_question_about_an_image_is_answered_in_words(store: ImageStore) -> None:
    request = Request(parts=(ImagePart(sha256=put(store, BALL)), TextPart(text="What does the picture show?")))
    plan = await planned(store, request)
    assert [(step.prompt, step.auxiliary_text) for step in plan.steps] == [
        (None, "The picture shows a big red ball on the left, at night.")
    ]


async def test_an_edit_starts_from_the_scene_that_the_image_shows(store: ImageStore) -> None:
    request = Request(parts=(ImagePart(sha256=put(store, BALL)), TextPart(text="make the ball green")))
    plan = await planned(store, request)
    assert [step.auxiliary_text for step in plan.steps] == ["A big green ball on the left, at night."]


async def test_objects_trade_places_over_an_empty_cell_so_that_each_remains_itself(store: ImageStore) -> None:
    image = put(store, parse("a small white cat on the left and a big green tree on the right", None).target)
    plan = await planned(store, as_request([TextPart(text="Swap the cat and the tree."), ImagePart(sha256=image)]))
    assert [step.prompt for step in plan.steps] == [
        "move the white cat to the middle",
        "move the green tree to the left",
        "move the white cat to the right",
    ]


async def test_the_number_of_steps_is_not_part_of_any_prompt(store: ImageStore) -> None:
    assert len(await prompts(store, "a red ball on the left at night. then make it blue, in 2 steps")) == 2


@pytest.mark.parametrize("text", ["a dog on the moon", "", "then", "make the ball green. then make the cat red"])
def test_requests_outside_the_micro_world_are_rejected_with_a_hint(text: str) -> None:
    with pytest.raises(InputError, match="klein"):
        check_request(Request(parts=(TextPart(text=text),)))


async def test_a_replan_repeats_the_unfinished_steps(store: ImageStore) -> None:
    context = PlanContext(plan_of("a", "b", "c"), finished=2)
    assert (await ScriptedPlanner(store).plan(as_request("x"), context)).steps == plan_of("a", "b", "c").steps[2:]


async def test_the_critic_accepts_a_correct_image_and_repeats_the_prompt(store: ImageStore) -> None:
    case = CriticInput(
        source=None, image=put(store, BALL), original_prompt="a big crimson sphere on the left at night", prompt="p"
    )
    (verdict,) = await ScriptedCritic(store).judge([case])
    assert (verdict.success, verdict.refined_prompt) == (True, "p")
    assert verdict.confidence is not None
    assert verdict.confidence > 0.8


async def test_the_critic_rejects_a_wrong_edit_and_rewrites_its_prompt_in_canonical_words(store: ImageStore) -> None:
    after = BALL.put(3, SceneObject("ball", "blue", "big"))
    case = CriticInput(
        source=put(store, BALL),
        image=put(store, after),
        original_prompt="turn the sphere emerald",
        prompt="turn the sphere emerald",
    )
    (verdict,) = await ScriptedCritic(store).judge([case])
    assert (verdict.success, verdict.refined_prompt) == (False, "make the red ball green")
    assert "left: is big blue ball, wants big green ball: no" in verdict.reasoning


async def test_the_critic_rejects_an_edit_that_changes_a_bystander(store: ImageStore) -> None:
    before = BALL.put(5, SceneObject("tree", "green", "small"))
    after = before.put(3, SceneObject("ball", "green", "big")).put(5, None)
    case = CriticInput(
        source=put(store, before), image=put(store, after), original_prompt="make the ball green", prompt="p"
    )
    (verdict,) = await ScriptedCritic(store).judge([case])
    assert verdict.success is False


async def test_a_prompt_that_cannot_be_parsed_gets_no_verdict(store: ImageStore) -> None:
    case = CriticInput(source=None, image=put(store, BALL), original_prompt="quack", prompt="quack")
    (verdict,) = await ScriptedCritic(store).judge([case])
    assert verdict.success is None
    assert "quack" in verdict.reasoning


async def test_a_question_about_differences_compares_the_last_two_images(store: ImageStore) -> None:
    cat = BALL.put(8, SceneObject("cat", "white", "small"))
    images = [ImagePart(sha256=put(store, scene)) for scene in (BALL, cat)]
    plan = await planned(store, Request(parts=(*images, TextPart(text="What is different in the second picture?"))))
    assert [step.prompt for step in plan.steps] == [None]
    assert plan.steps[0].auxiliary_text == "In the second picture, a small white cat in the bottom right is new."


async def test_an_image_is_continued_with_the_words_after_continue(store: ImageStore) -> None:
    request = Request(
        parts=(ImagePart(sha256=put(store, BALL)), TextPart(text="Continue the story: the ball rolls to the right"))
    )
    check_request(request)
    assert [step.prompt for step in (await planned(store, request)).steps] == ["the ball rolls to the right"]


def test_unknown_words_beside_an_image_are_rejected_before_anything_is_recorded(store: ImageStore) -> None:
    request = Request(parts=(ImagePart(sha256=put(store, BALL)), TextPart(text="add a dragon on the right")))
    with pytest.raises(InputError, match=r"'dragon'.*klein"):
        check_request(request)


async def test_the_critic_answers_requirement_by_requirement(store: ImageStore) -> None:
    source = put(store, BALL)
    wrong = put(
        store, Scene("night").put(3, SceneObject("ball", "green", "big")).put(8, SceneObject("tree", "red", "big"))
    )
    right = put(store, Scene("night").put(3, SceneObject("ball", "blue", "big")))
    words = "make the ball blue"
    cases = [CriticInput(source=source, image=image, original_prompt=words, prompt=words) for image in (right, wrong)]
    good, bad = await ScriptedCritic(store).judge(cases)
    assert good.success
    assert [(item.kind, item.text, item.met) for item in good.checklist] == [
        ("object", "a ball at the left", True),
        ("attribute", "big blue ball at the left", True),
    ]
    assert not bad.success
    assert [(item.kind, item.met) for item in bad.checklist] == [
        ("object", True),
        ("attribute", False),
        ("kept", False),
    ]
    assert bad.checklist[2].text == "nothing at the bottom right"
