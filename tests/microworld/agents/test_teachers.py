"""The teachers: their verdicts, their texts, and how they treat a step that starts from a faulty image."""

from collections import Counter
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from interleavethinker.microworld.agents.rewriting import STRATEGIES, chosen_strategy, rewrite_prompt
from interleavethinker.microworld.agents.teachers import ReferencePlanner, TeacherCritic, label_attempt, plan_of
from interleavethinker.microworld.language.templates import Edit
from interleavethinker.microworld.requests.families import sample_scenario
from interleavethinker.microworld.scenes.scene import Scene, SceneObject, render, to_image
from interleavethinker.microworld.scoring.scorer import is_success
from interleavethinker.microworld.scoring.targets import StepTarget, score_step
from interleavethinker.tools.errors import InputError
from interleavethinker.tools.images.png import encode_png
from interleavethinker.tools.images.store import ImageStore
from interleavethinker.tools.protocols import PlanContext
from interleavethinker.tools.request_parsing import as_request
from interleavethinker.tools.types import Attempt, CriticInput, Plan, Step

BALL, TREE = SceneObject("ball", "red", "big"), SceneObject("tree", "green", "small")
BEFORE = Scene("night").put(3, BALL).put(5, TREE)
RECOLOUR = Edit("recolour", cell=3, new=SceneObject("ball", "blue", "big"))
TARGET = StepTarget(RECOLOUR.apply(BEFORE), BEFORE, RECOLOUR)


def image_of(scene: Scene) -> Image.Image:
    return to_image(render(scene))


def test_a_success_repeats_the_prompt_and_a_failure_says_what_is_wrong() -> None:
    good = label_attempt(image_of(TARGET.after), image_of(BEFORE), TARGET, "make it azure", 0)
    assert (good.verdict.success, good.verdict.refined_prompt, good.strategy) == (True, "make it azure", None)
    bad = label_attempt(image_of(BEFORE), image_of(BEFORE), TARGET, "make it azure", 0, "plain")
    assert (bad.verdict.success, bad.verdict.refined_prompt) == (False, "make the red ball blue")
    assert bad.verdict.reasoning == (
        "before big red ball on the left, small green tree on the right, night; "
        "big red ball on the left wants big blue ball, is big yes red no ball yes; "
        "night background stays, is night yes; "
        "small green tree on the right stays, is small yes green yes tree yes; clean yes; try plain"
    )


def test_the_reasoning_names_objects_that_are_missing_new_or_only_look_different() -> None:
    after, other = TARGET.after, replace(TREE, variant=1 - TREE.variant)
    reasoning = [
        label_attempt(image_of(shown), image_of(BEFORE), TARGET, "x", 0).verdict.reasoning
        for shown in (after.put(5, None), after.put(8, BALL), after.put(5, other))
    ]
    assert "small green tree on the right stays, is nothing no" in reasoning[0]
    assert "nothing in the bottom right stays, is big red ball no" in reasoning[1]
    assert "small green tree on the right stays, is another small green tree no" in reasoning[2]


def test_the_checklist_has_what_had_to_change_and_what_was_lost() -> None:
    def listed(shown: Scene) -> list[tuple[str | None, str, bool | None]]:
        verdict = label_attempt(image_of(shown), image_of(BEFORE), TARGET, "x", 0).verdict
        assert verdict.success == all(one.met for one in verdict.checklist)
        return [(one.kind, one.text, one.met) for one in verdict.checklist]

    assert listed(TARGET.after) == [("object", "big blue ball on the left", True)]
    assert listed(BEFORE.put(5, None)) == [
        ("object", "big blue ball on the left", False),
        ("kept", "small green tree on the right", False),
    ]
    assert ("kept", "nothing in the bottom right", False) in listed(TARGET.after.put(8, BALL))


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
    label = label_attempt(image_of(BEFORE), image_of(BEFORE), TARGET, "x", 0, strategy)
    assert label.verdict.refined_prompt == words


def test_strategies_are_sampled_reproducibly_and_all_occur() -> None:
    wrong = image_of(BEFORE)
    labels = [label_attempt(wrong, wrong, TARGET, f"words {index}", 0) for index in range(40)]
    assert {label.strategy for label in labels} == set(STRATEGIES)
    assert [label_attempt(wrong, wrong, TARGET, f"words {index}", 0) for index in range(4)] == labels[:4]


def test_a_step_is_not_blamed_for_faults_of_earlier_steps() -> None:
    really = BEFORE.put(5, None).put(0, TREE)
    done = RECOLOUR.apply(really)
    assert is_success(score_step(image_of(done), image_of(really), TARGET))
    assert not is_success(score_step(image_of(TARGET.after), image_of(really), TARGET)), "the tree must stay"


def test_texts_refer_to_the_planned_scene_if_the_object_to_change_is_missing() -> None:
    lost = image_of(BEFORE.put(3, None))
    assert label_attempt(lost, lost, TARGET, "x", 0, "plain").verdict.refined_prompt == "make the red ball blue"


def test_every_strategy_writes_a_prompt_for_every_kind_of_step() -> None:
    wrong = score_step(image_of(Scene("snow")), image_of(BEFORE), TARGET).faults
    rng = np.random.default_rng(0)
    for index in range(70):
        for step in sample_scenario(3, index, "train").scenario.steps:
            if step.target is not None:
                for strategy in STRATEGIES:
                    assert rewrite_prompt(strategy, step.target, step.target.before, wrong, rng)


async def test_teachers_implement_the_planner_and_critic_protocols(tmp_path: Path) -> None:
    store = ImageStore(tmp_path)
    source, good = store.put(encode_png(image_of(BEFORE))), store.put(encode_png(image_of(TARGET.after)))
    critic = TeacherCritic(store, {"make it azure": TARGET}, seed=0)
    cases = [
        CriticInput(source=source, image=image, original_prompt="make it azure", prompt="p") for image in (source, good)
    ]
    assert [verdict.success for verdict in await critic.judge(cases)] == [False, True]
    plan = plan_of(sample_scenario(1, 0, "train").scenario)
    planner, request = ReferencePlanner(plan), as_request("anything")
    assert await planner.plan(request, PlanContext()) == plan
    done = (Attempt(plan_version=1, step=0, iteration=0, prompt="p", seed=0, source=None, image=good),)
    assert (await planner.plan(request, PlanContext(plan, done, finished=1))).steps == plan.steps[1:]


async def test_a_replan_after_a_text_only_step_repeats_no_finished_step() -> None:
    plan = Plan(
        steps=(Step(auxiliary_text="First, some words."), Step(prompt="a red ball"), Step(prompt="make it blue"))
    )
    done = (Attempt(plan_version=1, step=1, iteration=0, prompt="a red ball", seed=0, source=None, image="0" * 64),)
    context = PlanContext(plan, done, failed_steps=(2,), finished=2)
    assert (await ReferencePlanner(plan).plan(as_request("anything"), context)).steps == plan.steps[2:]


def test_a_teacher_with_a_style_prefers_one_rewording_in_half_of_its_answers() -> None:
    rng = np.random.default_rng(0)
    chosen = Counter(chosen_strategy("position", rng) for _ in range(4000))
    assert set(chosen) == set(STRATEGIES)
    assert chosen["position"] / 4000 == pytest.approx(0.5, abs=0.03)
    assert all(chosen[other] / 4000 == pytest.approx(0.1, abs=0.02) for other in STRATEGIES if other != "position")
    without, as_before = np.random.default_rng(1), np.random.default_rng(1)
    drawn = [chosen_strategy("", without) for _ in range(50)]
    assert drawn == [STRATEGIES[int(as_before.integers(len(STRATEGIES)))] for _ in range(50)], "released data stay"
    with pytest.raises(InputError, match="Unknown style 'loud'; choose one of plain"):
        chosen_strategy("loud", rng)
