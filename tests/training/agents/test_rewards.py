"""Rewards by hand-made answers, and regeneration through the generator's and the judge's real ports."""

import asyncio
import json
from collections.abc import Sequence
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from interleavethinker.evaluation.judges.base import JudgedImage, JudgeScores
from interleavethinker.tools.chat.answers import write_verdict
from interleavethinker.tools.errors import GeneratorError
from interleavethinker.tools.images.store import ImageStore
from interleavethinker.tools.testing.generator import MemoryGenerator, paint
from interleavethinker.tools.types import CriticInput, GenerationRequest, Verdict
from interleavethinker.training.agents.regeneration import Regenerator
from interleavethinker.training.agents.rewards import (
    NO_CHANGE,
    RewardWeights,
    accuracy_reward,
    format_reward,
    paper_accuracy_reward,
    read_answer,
    step_reward,
    step_rewards,
    total_reward,
)
from interleavethinker.training.data.schema import CriticRow

GOOD = write_verdict(Verdict(success=True, refined_prompt="a ball", reasoning="it is there"))
BAD = write_verdict(Verdict(success=False, refined_prompt="a red ball", reasoning="not red"))


def answer(content: object, think: str = "because") -> str:
    return f"<think>{think}</think><answer>{json.dumps(content)}</answer>"


@pytest.mark.parametrize(
    "text",
    [
        "",
        "it is fine",
        answer({"previous_step_success": "False", "refine_prompt": "x"}),
        answer({"previous_step_success": 1, "refine_prompt": "x"}),
        answer({"previous_step_success": True, "refine_prompt": None}),
        answer({"previous_step_success": True, "refine_prompt": " "}),
        answer([True, "x"]),
        answer({"previous_step_success": True, "refine_prompt": "x"}, think=" "),
        '<answer>{"previous_step_success": true, "refine_prompt": "x"}</answer><think>why</think>',
        GOOD + " and so on",
        GOOD + GOOD,
        GOOD.replace("</answer>", ""),
    ],
)
def test_an_answer_of_another_form_earns_nothing_for_it(text: str) -> None:
    assert format_reward(text) == 0.0


def test_answers_that_teachers_write_have_the_right_form() -> None:
    assert format_reward(GOOD) == format_reward(BAD) == 1.0


@given(st.text())
def test_no_text_breaks_the_rewards(text: str) -> None:
    assert format_reward(text) in {0.0, 1.0}
    assert accuracy_reward(read_answer(text), True) in {0.0, 1.0}


def test_a_right_judgement_is_worth_one_more_than_a_wrong_one_in_paper_and_release() -> None:
    for reward in (accuracy_reward, paper_accuracy_reward):
        assert reward(read_answer(GOOD), True) - reward(read_answer(GOOD), False) == 1.0
        assert reward(read_answer(BAD), False) - reward(None, False) == 1.0


@given(st.floats(0, 10), st.floats(0, 10))
def test_a_step_reward_is_a_share_that_says_whether_things_got_better(before: float, after: float) -> None:
    reward = step_reward(before, after)
    assert 0 <= reward <= 1
    assert (reward >= NO_CHANGE) == (after >= before) or reward == NO_CHANGE


def test_only_a_failure_that_the_critic_calls_one_is_made_again() -> None:
    before, after = JudgeScores(2, 6), JudgeScores(8, 5)
    good, bad = read_answer(GOOD), read_answer(BAD)
    assert step_rewards(good, True, before, None) == (0.5, 0.5)
    assert step_rewards(bad, True, before, None) == (0.5, 0.5)
    assert step_rewards(good, False, before, None) == (0.5, 0.5)
    assert step_rewards(bad, False, before, after) == pytest.approx((0.8, 0.45))
    assert step_rewards(None, False, before, None) == (0.0, 0.0), "what cannot be used never earns more than a try"
    assert step_rewards(bad, False, before, None) is None, "masked, not scored"


def test_the_sum_is_the_releases_formula() -> None:
    rewards = (1.0, 0.0, 0.7, 0.4)
    assert total_reward(rewards) == pytest.approx(0.5 * 1 + 0.5 * (0.2 * 0 + 0.6 * 0.7 + 0.2 * 0.4))
    assert sum(RewardWeights().in_order) == pytest.approx(1)


class CountingJudge:
    def __init__(self, *answers: JudgeScores | None) -> None:
        self.answers = list(answers)
        self.shots: list[JudgedImage] = []

    async def judge(self, shots: Sequence[JudgedImage]) -> list[JudgeScores | None]:
        self.shots += shots
        return [self.answers.pop(0) if self.answers else JudgeScores(9, 9) for _ in shots]


def failed_row(source: str | None = None) -> CriticRow:
    case = CriticInput(source=source, image="b" * 64, original_prompt="a ball", prompt="a bal")
    return CriticRow(
        id="t.0.0", trajectory="t", split="train", generator="shipped", step=0, iteration=0, case=case,
        reference={"known": True}, semantics=2, quality=6, success=False,
        answer=Verdict(success=False, refined_prompt="a ball"), strategy=None, next_seed=77,
    )  # fmt: skip


async def test_equal_prompts_are_drawn_once_from_the_source_with_the_seed_of_serving(tmp_path: Path) -> None:
    store = ImageStore(tmp_path)
    generator, judge = MemoryGenerator(store), CountingJudge()
    source = store.put(paint(GenerationRequest(prompt="before", seed=0)))
    regenerator, row = Regenerator(generator, judge), failed_row(source)
    marks = await asyncio.gather(*(regenerator.marks(row, prompt) for prompt in ("a", "b", "a", "a")))
    assert marks == [JudgeScores(9, 9)] * 4
    assert generator.calls == [GenerationRequest(prompt=prompt, seed=77, source=source) for prompt in ("a", "b")]
    assert [(shot.source, shot.prompt, shot.reference) for shot in judge.shots] == [
        (source, "a ball", {"known": True})
    ] * 2
    assert (regenerator.made, regenerator.failed) == (2, 0)


async def test_a_failed_generator_or_judge_gives_no_marks_and_is_asked_again_later(tmp_path: Path) -> None:
    generator, judge = MemoryGenerator(ImageStore(tmp_path)), CountingJudge(None)
    regenerator, row = Regenerator(generator, judge), failed_row()
    generator.fail_next(GeneratorError("busy", code="busy", retryable=True))
    assert await regenerator.marks(row, "a") is None
    assert await regenerator.marks(row, "a") is None, "now the judge has no answer"
    assert await regenerator.marks(row, "a") == JudgeScores(9, 9)
    assert (regenerator.made, regenerator.failed) == (1, 2)


async def test_a_defect_is_not_mistaken_for_a_failed_picture(tmp_path: Path) -> None:
    class Broken(CountingJudge):
        async def judge(self, *_: object) -> list[JudgeScores | None]:
            raise ZeroDivisionError

    regenerator = Regenerator(MemoryGenerator(ImageStore(tmp_path)), Broken())
    with pytest.raises(ZeroDivisionError):
        await regenerator.marks(failed_row(), "a")
