"""The planner's evaluation with plans that are known: the teacher's, and ones with a single fault."""

from collections.abc import Sequence
from typing import Any

import pytest
from langchain_core.language_models.fake_chat_models import FakeListChatModel

from interleavethinker.evaluation.micro.plan_checks import agree, broken_rule, carry_out
from interleavethinker.evaluation.micro.planner import (
    PlannerCase,
    ask_model,
    ask_planner,
    planner_report,
    sample_requests,
)
from interleavethinker.microworld.agents.scripted_planner import ScriptedPlanner
from interleavethinker.microworld.agents.teachers import ReferencePlanner, plan_of
from interleavethinker.microworld.requests.families import FAMILIES, sample_scenario
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


def known(cases: Sequence[PlannerCase]) -> list[str]:
    return [ask_planner(ReferencePlanner(plan_of(case.drawn.scenario)), case) for case in cases]


def asked(family: str, cases: Sequence[PlannerCase]) -> PlannerCase:
    return next(case for case in cases if case.drawn.family == family)


def test_a_planner_that_knows_scores_one_on_everything(cases: Sequence[PlannerCase]) -> None:
    report: Any = planner_report(cases, known(cases))
    assert report["valid"] == 1
    for split in ("unseen_combinations", "unseen_templates"):
        assert report["carried_out"][split] == report["end_reached"][split] == 1
        assert report["carried_out"][f"{split}_n"] == 14
        assert report["carried_out"][f"{split}_low"] < 1 == report["carried_out"][f"{split}_high"]
    assert set(report["families"]) == set(FAMILIES)
    assert report["broken_rules"] == {}


def test_a_planner_that_refuses_or_rambles_has_no_valid_plan(cases: Sequence[PlannerCase]) -> None:
    report: Any = planner_report(cases, ["I would rather not."] * len(cases))
    assert report["valid"] == report["carried_out"]["unseen_templates"] == 0
    assert report["broken_rules"] == {"form": len(cases)}


def test_the_scripted_planner_can_be_measured_too(cases: Sequence[PlannerCase], store: ImageStore) -> None:
    planner = ScriptedPlanner(store)
    report: Any = planner_report(cases, [ask_planner(planner, case) for case in cases])
    assert 0 < report["valid"] < 1


def test_form_is_strict_where_serving_would_repair(cases: Sequence[PlannerCase]) -> None:
    case = asked("manipulation", cases)
    good = write_plan(plan_of(case.drawn.scenario), case.first)
    assert broken_rule(good, case.drawn.scenario) is None
    for spoiled in (good.replace("<answer>", "<answer>```json"), good.removesuffix("</answer>"), f"Sure! {good}"):
        assert broken_rule(spoiled, case.drawn.scenario) == "form"


def test_steps_are_numbered_on_from_the_pictures_that_are_given(cases: Sequence[PlannerCase]) -> None:
    case = asked("continuation", cases)
    plan = plan_of(case.drawn.scenario)
    assert case.first > 1
    assert broken_rule(write_plan(plan, case.first), case.drawn.scenario) is None
    assert broken_rule(write_plan(plan, 1), case.drawn.scenario) == "numbers"


def test_words_where_pictures_are_wanted_and_pictures_where_words_are_are_invalid(
    cases: Sequence[PlannerCase],
) -> None:
    question, story = asked("questions", cases), asked("narrative", cases)
    drawn, said = plan_of(story.drawn.scenario), plan_of(question.drawn.scenario)
    assert broken_rule(write_plan(drawn, question.first), question.drawn.scenario) == "task"
    assert broken_rule(write_plan(said, story.first), story.drawn.scenario) == "task"
    assert not carry_out(said, story.drawn.scenario, 0).carried_out


def test_a_named_number_of_steps_binds() -> None:
    guides = [sample_scenario(1, index, "train") for index in range(1, 99, len(FAMILIES))]
    guide = next(one.scenario for one in guides if "steps" in str(one.scenario.parts[0]) and one.template in {1, 3})
    plan = plan_of(guide)
    assert broken_rule(write_plan(plan), guide) is None
    assert broken_rule(write_plan(Plan(steps=plan.steps[:1], reasoning="short")), guide) == "count"
    prefixed = plan.steps[0].model_copy(update={"prompt": f"Step 1: {plan.steps[0].prompt}"})
    assert broken_rule(write_plan(Plan(steps=(prefixed, *plan.steps[1:]), reasoning="x")), guide) == "prefix"


def test_another_order_may_reach_the_end_but_not_step_by_step() -> None:
    stories = [sample_scenario(2, index, "train").scenario for index in range(0, 210, len(FAMILIES))]
    for story in stories:
        plan = plan_of(story)
        turned = Plan(steps=(plan.steps[0], *reversed(plan.steps[1:])))
        outcome = carry_out(turned, story, 0)
        if len(plan.steps) > 2 and outcome.end_reached:
            assert not outcome.carried_out
            break
    else:
        pytest.fail("no story whose changes can be exchanged")


def test_a_wrong_colour_is_not_carried_out(cases: Sequence[PlannerCase]) -> None:
    case = asked("knowledge", cases)
    plan = plan_of(case.drawn.scenario)
    wrong = plan.steps[0].model_copy(update={"prompt": "a red house in the middle, at night"})
    outcome = carry_out(Plan(steps=(wrong, *plan.steps[1:])), case.drawn.scenario, 0)
    assert not outcome.carried_out


def test_answers_in_words_agree_if_they_say_the_same() -> None:
    meant = "A big red ball on the left and a small blue cat on the right, at night."
    assert not agree("A small azure kitten on the right and a large crimson sphere on the left.", meant)
    assert agree("At night, a small azure kitten on the right and a large crimson sphere on the left.", meant)
    assert not agree("A big red ball on the right and a small blue cat on the left, at night.", meant)
    assert agree("There are three things.", "There are 3 things.")


def test_a_question_is_answered_by_the_right_words_alone(cases: Sequence[PlannerCase]) -> None:
    question: Scenario = asked("questions", cases).drawn.scenario
    answer = question.steps[0].auxiliary_text or ""
    assert carry_out(Plan(steps=(Step(auxiliary_text=answer.upper()),)), question, 0).carried_out
    assert not carry_out(Plan(steps=(Step(auxiliary_text="It is a zebra."),)), question, 0).carried_out
    assert not carry_out(Plan(steps=(Step(instruction="Say.", auxiliary_text=answer),)), question, 0).carried_out


def test_a_chat_models_first_answer_counts(cases: Sequence[PlannerCase], store: ImageStore) -> None:
    told: list[int] = []
    texts = known(cases)
    model = FakeListChatModel(responses=["nonsense", *texts[1:]])
    answers = ask_model(model, store, cases, progress=told.append)
    report: Any = planner_report(cases, answers)
    assert report["broken_rules"] == {"form": 1}
    assert told == [len(cases)]
