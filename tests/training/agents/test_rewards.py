"""Rewards of hand-written answers, and regeneration through the generator's and the judge's protocols."""

import asyncio
import json
from collections.abc import Sequence
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from interleavethinker.evaluation.judges.base import JudgedImage, JudgeScores
from interleavethinker.tools.chat.answers import write_verdict
from interleavethinker.tools.errors import GeneratorError, ModelError, RefusalError
from interleavethinker.tools.images.store import ImageStore
from interleavethinker.tools.mcp.config import GeneratorConfig
from interleavethinker.tools.mcp.generator import McpImageGenerator
from interleavethinker.tools.testing.generator import MemoryGenerator, fake_image
from interleavethinker.tools.types import CriticInput, GenerationRequest, Verdict
from interleavethinker.training.agents.grpo import CriticRewards
from interleavethinker.training.agents.regeneration import Regenerator
from interleavethinker.training.agents.rewards import (
    NO_CHANGE,
    RewardWeights,
    accuracy_reward,
    format_reward,
    read_answer,
    step_reward,
    step_rewards,
)
from interleavethinker.training.data.schema import CriticRow

PATIENT = settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])
"""The machine may be busy."""

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
def test_an_answer_in_the_wrong_format_gets_no_format_reward(text: str) -> None:
    assert format_reward(text) == 0.0


def test_teachers_answers_get_the_format_reward() -> None:
    assert format_reward(GOOD) == format_reward(BAD) == 1.0


@PATIENT
@given(st.text())
def test_any_text_can_be_rewarded(text: str) -> None:
    assert format_reward(text) in {0.0, 1.0}
    assert accuracy_reward(read_answer(text), True) in {0.0, 1.0}


def test_a_right_verdict_earns_one_and_a_wrong_or_unusable_one_nothing() -> None:
    assert (accuracy_reward(read_answer(GOOD), True), accuracy_reward(read_answer(GOOD), False)) == (1.0, 0.0)
    assert (accuracy_reward(read_answer(BAD), False), accuracy_reward(read_answer(BAD), True)) == (1.0, 0.0)
    assert accuracy_reward(None, False) == accuracy_reward(None, True) == 0.0


@PATIENT
@given(st.floats(0, 10), st.floats(0, 10))
def test_a_step_reward_is_below_one_half_only_if_the_score_fell(before: float, after: float) -> None:
    reward = step_reward(before, after)
    assert 0 <= reward <= 1
    assert (reward >= NO_CHANGE) == (after >= before) or reward == NO_CHANGE


def test_only_a_failed_attempt_that_the_critic_rejects_needs_a_regenerated_image() -> None:
    before, after = JudgeScores(2, 6), JudgeScores(8, 5)
    good, bad = read_answer(GOOD), read_answer(BAD)
    assert step_rewards(good, True, before, None) == (0.5, 0.5)
    assert step_rewards(bad, True, before, None) == (0.5, 0.5)
    assert step_rewards(good, False, before, None) == (0.5, 0.5)
    assert step_rewards(bad, False, before, after) == pytest.approx((0.8, 0.45))
    assert step_rewards(None, False, before, None) == (0.0, 0.0), "never more than a usable answer"
    assert step_rewards(bad, False, before, None) is None, "masked, not scored"


def test_the_default_weights_are_those_of_the_released_code() -> None:
    assert RewardWeights().in_order == pytest.approx((0.5, 0.5 * 0.2, 0.5 * 0.6, 0.5 * 0.2))
    assert sum(RewardWeights().in_order) == pytest.approx(1)


class CountingJudge:
    def __init__(self, *answers: JudgeScores | None) -> None:
        self.answers = list(answers)
        self.images: list[JudgedImage] = []

    async def judge(self, shots: Sequence[JudgedImage]) -> list[JudgeScores | None]:
        self.images += shots
        return [self.answers.pop(0) if self.answers else JudgeScores(9, 9) for _ in shots]


def failed_row(source: str | None = None) -> CriticRow:
    case = CriticInput(source=source, image="b" * 64, original_prompt="a ball", prompt="a bal")
    return CriticRow(
        id="t.0.0", trajectory="t", split="train", generator="shipped", step=0, iteration=0, case=case,
        reference={"known": True}, semantics=2, quality=6, success=False,
        answer=Verdict(success=False, refined_prompt="a ball"), strategy=None, next_seed=77,
    )  # fmt: skip


async def test_equal_prompts_are_regenerated_once_from_the_source_with_the_agents_next_seed(tmp_path: Path) -> None:
    store = ImageStore(tmp_path)
    generator, judge = MemoryGenerator(store), CountingJudge()
    source = store.put(fake_image(GenerationRequest(prompt="before", seed=0)))
    regenerator, row = Regenerator(generator, judge), failed_row(source)
    scores = await asyncio.gather(*(regenerator.scores(row, prompt) for prompt in ("a", "b", "a", "a")))
    assert scores == [JudgeScores(9, 9)] * 4
    assert generator.calls == [GenerationRequest(prompt=prompt, seed=77, source=source) for prompt in ("a", "b")]
    assert [(image.source, image.prompt, image.reference) for image in judge.images] == [
        (source, "a ball", {"known": True})
    ] * 2
    assert (regenerator.made, regenerator.failed) == (2, 0)


async def test_a_failed_generator_or_judge_gives_no_scores_and_the_prompt_is_tried_again_later(tmp_path: Path) -> None:
    generator, judge = MemoryGenerator(ImageStore(tmp_path)), CountingJudge(None)
    regenerator, row = Regenerator(generator, judge), failed_row()
    generator.fail_next(GeneratorError("busy", code="busy", retryable=True))
    assert await regenerator.scores(row, "a") is None
    assert await regenerator.scores(row, "a") is None, "this time the judge gives no answer"
    assert await regenerator.scores(row, "a") == JudgeScores(9, 9)
    assert (regenerator.made, regenerator.failed) == (1, 2)


async def test_a_prompt_that_the_generator_refuses_is_the_critics_failure(tmp_path: Path) -> None:
    generator, row = MemoryGenerator(ImageStore(tmp_path)), failed_row()
    generator.fail_next(RefusalError("The prompt has about 53 tokens; this model reads only the first 48."))
    rewards = CriticRewards([row], Regenerator(generator, CountingJudge()))
    assert [await rewards.score(row.id, BAD) for _ in range(2)] == [(1.0, 1.0, 0.0, 0.0)] * 2
    assert len(generator.calls) == 1, "it is known to be refused"
    assert rewards.counts() == {
        "images_regenerated": 0,
        "generator_failures": 0,
        "judge_failures": 0,
        "prompts_refused": 1,
    }


async def test_the_micro_models_server_refuses_a_prompt_beyond_its_window(tmp_path: Path) -> None:
    store = ImageStore(tmp_path / "images")
    config = GeneratorConfig(model="micro", server_store=tmp_path / "server")
    async with McpImageGenerator(config, store) as generator:
        regenerator = Regenerator(generator, CountingJudge())
        with pytest.raises(RefusalError, match="reads only the first"):
            await regenerator.scores(failed_row(), "a big red ball on the left, " * 10)
        assert await regenerator.scores(failed_row(), "a ball") == JudgeScores(9, 9)


async def test_an_unexpected_exception_is_not_taken_for_a_failed_image(tmp_path: Path) -> None:
    class Broken(CountingJudge):
        async def judge(self, *_: object) -> list[JudgeScores | None]:
            raise ZeroDivisionError

    regenerator = Regenerator(MemoryGenerator(ImageStore(tmp_path)), Broken())
    with pytest.raises(ZeroDivisionError):
        await regenerator.scores(failed_row(), "a")


async def test_a_service_that_is_down_ends_training_instead_of_teaching_nothing(tmp_path: Path) -> None:
    generator = MemoryGenerator(ImageStore(tmp_path))
    generator.fail_next(GeneratorError("connection refused", code="connection"), times=1000)
    regenerator, row = Regenerator(generator, CountingJudge()), failed_row()
    for number in range(63):
        assert await regenerator.scores(row, str(number)) is None
    with pytest.raises(ModelError, match=r"The last 64 images could not be .*connection refused"):
        await regenerator.scores(row, "one more")
