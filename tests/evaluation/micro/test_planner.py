"""The planner's evaluation on known plans: the reference, and plans with a single error."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest
from langchain_core.language_models.fake_chat_models import FakeListChatModel

from interleavethinker.evaluation.micro.plan_checks import broken_rule, execute_plan, same_content
from interleavethinker.evaluation.micro.planner import (
    PlannerCase,
    ask_planner,
    ask_planner_model,
    planner_report,
    sample_requests,
)
from interleavethinker.microworld.agents.scripted_planner import ScriptedPlanner
from interleavethinker.microworld.agents.teachers import ReferencePlanner, plan_of
from interleavethinker.microworld.requests.families import FAMILIES, MAX_STEPS, sample_scenario
from interleavethinker.microworld.requests.scenarios import Scenario
from interleavethinker.tools.chat.answers import write_plan
from interleavethinker.tools.images.store import ImageStore
from interleavethinker.tools.types import Plan, Step


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> ImageStore:
    return ImageStore(tmp_path_factory.mktemp("requests"))


@pytest.fixture(scope="module")
def cases(store: ImageStore) -> Sequence[PlannerCase]:
    return sample_requests(store, 14, 0)


def reference_answers(cases: Sequence[PlannerCase]) -> list[str]:
    return [ask_planner(ReferencePlanner(plan_of(case.sample.scenario)), case) for case in cases]


def case_of(family: str, cases: Sequence[PlannerCase]) -> PlannerCase:
    return next(case for case in cases if case.sample.family == family)


def test_the_reference_plans_score_1_everywhere(cases: Sequence[PlannerCase]) -> None:
    report: Any = planner_report(cases, reference_answers(cases))
    assert report["valid"] == 1
    for split in ("unseen_combinations", "unseen_templates"):
        assert report["fulfilled"][split] == report["final_scene_reached"][split] == 1
        assert report["fulfilled"][f"{split}_n"] == 14
        assert report["fulfilled"][f"{split}_low"] < 1 == report["fulfilled"][f"{split}_high"]
    assert set(report["families"]) == set(FAMILIES)
    assert report["broken_rules"] == {}
    by_length = report["plan_lengths"]
    assert {figures["fulfilled"] for figures in by_length.values()} == {1}
    assert sum(figures["fulfilled_n"] for figures in by_length.values()) == len(cases)


def test_requests_include_plans_of_every_length_up_to_the_maximum(tmp_path: Path) -> None:
    cases = sample_requests(ImageStore(tmp_path), 105, 0)
    report: Any = planner_report(cases, [""] * len(cases))
    assert {str(length) for length in range(MAX_STEPS + 1)} <= set(report["plan_lengths"])


def test_answers_without_a_plan_are_not_valid(cases: Sequence[PlannerCase]) -> None:
    report: Any = planner_report(cases, ["I would rather not."] * len(cases))
    assert report["valid"] == report["fulfilled"]["unseen_templates"] == 0
    assert report["broken_rules"] == {"form": len(cases)}


def test_the_scripted_planner_answers_every_held_out_request_and_nearly_all_as_asked(
    cases: Sequence[PlannerCase], store: ImageStore
) -> None:
    planner = ScriptedPlanner(store)
    report: Any = planner_report(cases, [ask_planner(planner, case) for case in cases])
    assert report["broken_rules"] == {}
    assert report["valid"] == 1
    assert all(report["fulfilled"][split] > 0.9 for split in ("unseen_combinations", "unseen_templates"))


def test_the_answer_format_is_checked_strictly(cases: Sequence[PlannerCase]) -> None:
    case = case_of("manipulation", cases)
    good = write_plan(plan_of(case.sample.scenario), case.first)
    assert broken_rule(good, case.sample.scenario) is None
    for spoiled in (good.replace("<answer>", "<answer>```json"), good.removesuffix("</answer>"), f"Sure! {good}"):
        assert broken_rule(spoiled, case.sample.scenario) == "form"


def test_step_numbers_must_continue_after_the_requests_images(cases: Sequence[PlannerCase]) -> None:
    case = case_of("continuation", cases)
    plan = plan_of(case.sample.scenario)
    assert case.first > 1
    assert broken_rule(write_plan(plan, case.first), case.sample.scenario) is None
    assert broken_rule(write_plan(plan, 1), case.sample.scenario) == "numbers"


def test_text_for_an_image_request_and_images_for_a_text_request_are_invalid(
    cases: Sequence[PlannerCase],
) -> None:
    question, story = case_of("questions", cases), case_of("narrative", cases)
    drawn, said = plan_of(story.sample.scenario), plan_of(question.sample.scenario)
    assert broken_rule(write_plan(drawn, question.first), question.sample.scenario) == "task"
    assert broken_rule(write_plan(said, story.first), story.sample.scenario) == "task"
    assert not execute_plan(said, story.sample.scenario, 0).fulfilled


def test_a_number_of_steps_in_the_request_is_required() -> None:
    guides = [sample_scenario(1, index, "train") for index in range(1, 99, len(FAMILIES))]
    guide = next(one.scenario for one in guides if "steps" in str(one.scenario.parts[0]) and one.template in {1, 3})
    plan = plan_of(guide)
    assert broken_rule(write_plan(plan), guide) is None
    assert broken_rule(write_plan(Plan(steps=plan.steps[:1], reasoning="short")), guide) == "count"
    prefixed = plan.steps[0].model_copy(update={"prompt": f"Step 1: {plan.steps[0].prompt}"})
    assert broken_rule(write_plan(Plan(steps=(prefixed, *plan.steps[1:]), reasoning="x")), guide) == "prefix"


def test_another_order_of_steps_may_reach_the_final_scene_without_fulfilling_the_request() -> None:
    stories = [sample_scenario(2, index, "train").scenario for index in range(0, 210, len(FAMILIES))]
    for story in stories:
        plan = plan_of(story)
        turned = Plan(steps=(plan.steps[0], *reversed(plan.steps[1:])))
        outcome = execute_plan(turned, story, 0)
        if len(plan.steps) > 2 and outcome.final_scene_reached:
            assert not outcome.fulfilled
            break
    else:
        pytest.fail("no story whose steps can be reordered")


def test_a_wrong_color_does_not_fulfil_the_request(cases: Sequence[PlannerCase]) -> None:
    case = case_of("knowledge", cases)
    plan = plan_of(case.sample.scenario)
    wrong = plan.steps[0].model_copy(update={"prompt": "a red house in the middle, at night"})
    outcome = execute_plan(Plan(steps=(wrong, *plan.steps[1:])), case.sample.scenario, 0)
    assert not outcome.fulfilled


def test_text_answers_are_compared_by_content() -> None:
    meant = "A big red ball on the left and a small blue cat on the right, at night."
    assert not same_content("A small azure kitten on the right and a large crimson sphere on the left.", meant)
    assert same_content("At night, a small azure kitten on the right and a large crimson sphere on the left.", meant)
    assert not same_content("A big red ball on the right and a small blue cat on the left, at night.", meant)
    assert same_content("There are three things.", "There are 3 things.")


def test_a_question_is_fulfilled_only_by_the_right_text(cases: Sequence[PlannerCase]) -> None:
    question: Scenario = case_of("questions", cases).sample.scenario
    answer = question.steps[0].auxiliary_text or ""
    assert execute_plan(Plan(steps=(Step(auxiliary_text=answer.upper()),)), question, 0).fulfilled
    assert not execute_plan(Plan(steps=(Step(auxiliary_text="It is a zebra."),)), question, 0).fulfilled
    assert not execute_plan(Plan(steps=(Step(instruction="Say.", auxiliary_text=answer),)), question, 0).fulfilled


def test_only_a_chat_models_first_answer_counts(cases: Sequence[PlannerCase], store: ImageStore) -> None:
    reported: list[int] = []
    texts = reference_answers(cases)
    model = FakeListChatModel(responses=["nonsense", *texts[1:]])
    answers = ask_planner_model(model, store, cases, progress=reported.append)
    report: Any = planner_report(cases, answers)
    assert report["broken_rules"] == {"form": 1}
    assert reported == [len(cases)]
