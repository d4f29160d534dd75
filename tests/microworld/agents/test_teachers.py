"""The teachers: their judgement, their words, and what becomes of a step that starts from a faulty picture."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from interleavethinker.microworld.agents.rewriting import STRATEGIES, rewrite_prompt
from interleavethinker.microworld.agents.teachers import ReferencePlanner, TeacherCritic, label_attempt, plan_of
from interleavethinker.microworld.language.templates import Edit
from interleavethinker.microworld.requests.families import sample_scenario
from interleavethinker.microworld.scenes.scene import Scene, SceneObject, render, to_image
from interleavethinker.microworld.scoring.scorer import is_success
from interleavethinker.microworld.scoring.targets import StepTarget, score_step
from interleavethinker.tools.images.png import encode_png
from interleavethinker.tools.images.store import ImageStore
from interleavethinker.tools.protocols import PlanContext
from interleavethinker.tools.request_parsing import as_request
from interleavethinker.tools.types import Attempt, CriticInput

BALL, TREE = SceneObject("ball", "red", "big"), SceneObject("tree", "green", "small")
BEFORE = Scene("night").put(3, BALL).put(5, TREE)
RECOLOUR = Edit("recolour", cell=3, new=SceneObject("ball", "blue", "big"))
TARGET = StepTarget(RECOLOUR.apply(BEFORE), BEFORE, RECOLOUR)


def picture(scene: Scene) -> Image.Image:
    return to_image(render(scene))


def test_a_success_repeats_the_prompt_and_a_failure_says_what_is_wrong() -> None:
    good = label_attempt(picture(TARGET.after), picture(BEFORE), TARGET, "make it azure", 0)
    assert (good.verdict.success, good.verdict.refined_prompt, good.strategy) == (True, "make it azure", None)
    bad = label_attempt(picture(BEFORE), picture(BEFORE), TARGET, "make it azure", 0, "plain")
    assert (bad.verdict.success, bad.verdict.refined_prompt) == (False, "make the red ball blue")
    assert bad.verdict.reasoning == (
        "before big red ball on the left, small green tree on the right, night; "
        "big red ball on the left wants big blue ball, is big yes red no ball yes; "
        "night background stays, is night yes; "
        "small green tree on the right stays, is small yes green yes tree yes; clean yes; try plain"
    )


def test_a_thing_that_is_gone_or_new_or_only_looks_otherwise_is_said_to_be_so() -> None:
    after, other = TARGET.after, replace(TREE, variant=1 - TREE.variant)
    said = [
        label_attempt(picture(shown), picture(BEFORE), TARGET, "x", 0).verdict.reasoning
        for shown in (after.put(5, None), after.put(8, BALL), after.put(5, other))
    ]
    assert "small green tree on the right stays, is nothing no" in said[0]
    assert "nothing in the bottom right stays, is big red ball no" in said[1]
    assert "small green tree on the right stays, is another small green tree no" in said[2]


@pytest.mark.parametrize(
    ("strategy", "words"),
    [
        ("plain", "make the red ball blue"),
        ("mistake", "add a big blue ball on the left"),
        ("position", "make the red ball on the left side blue"),
        ("keep", "make the red ball blue, keep the green tree"),
    ],
)
def test_each_strategy_writes_its_own_prompt(strategy: str, words: str) -> None:
    lesson = label_attempt(picture(BEFORE), picture(BEFORE), TARGET, "x", 0, strategy)
    assert lesson.verdict.refined_prompt == words


def test_strategies_are_drawn_blindly_and_reproducibly() -> None:
    wrong = picture(BEFORE)
    lessons = [label_attempt(wrong, wrong, TARGET, f"words {index}", 0) for index in range(40)]
    assert {lesson.strategy for lesson in lessons} == set(STRATEGIES)
    assert [label_attempt(wrong, wrong, TARGET, f"words {index}", 0) for index in range(4)] == lessons[:4]


def test_a_step_is_not_blamed_for_what_was_wrong_before_it() -> None:
    really = BEFORE.put(5, None).put(0, TREE)
    done = RECOLOUR.apply(really)
    assert is_success(score_step(picture(done), picture(really), TARGET))
    assert not is_success(score_step(picture(TARGET.after), picture(really), TARGET)), "the tree must stay where it is"


def test_words_fall_back_to_the_plan_where_the_thing_to_change_is_missing() -> None:
    lost = picture(BEFORE.put(3, None))
    assert label_attempt(lost, lost, TARGET, "x", 0, "plain").verdict.refined_prompt == "make the red ball blue"


def test_every_strategy_has_words_for_every_kind_of_step() -> None:
    wrong = score_step(picture(Scene("snow")), picture(BEFORE), TARGET).faults
    rng = np.random.default_rng(0)
    for index in range(70):
        for step in sample_scenario(3, index, "train").scenario.steps:
            if step.target is not None:
                for strategy in STRATEGIES:
                    assert rewrite_prompt(strategy, step.target, step.target.before, wrong, rng)


async def test_teachers_stand_behind_the_ports(tmp_path: Path) -> None:
    store = ImageStore(tmp_path)
    source, good = store.put(encode_png(picture(BEFORE))), store.put(encode_png(picture(TARGET.after)))
    critic = TeacherCritic(store, {"make it azure": TARGET}, seed=0)
    cases = [
        CriticInput(source=source, image=image, original_prompt="make it azure", prompt="p") for image in (source, good)
    ]
    assert [verdict.success for verdict in await critic.judge(cases)] == [False, True]
    plan = plan_of(sample_scenario(1, 0, "train").scenario)
    planner, request = ReferencePlanner(plan), as_request("anything")
    assert await planner.plan(request, PlanContext()) == plan
    done = (Attempt(plan_version=1, step=0, iteration=0, prompt="p", seed=0, source=None, image=good),)
    assert (await planner.plan(request, PlanContext(plan, done))).steps == plan.steps[1:]
