"""The rewards of critic RL, each a small function of one answer, and the paper's sum of them.

| reward | values | of |
| --- | --- | --- |
| format | 0, 1 | the answer's form: tags in order, reasoning, a boolean, a prompt |
| accuracy | 0, 1 | the judgement against the known one |
| semantics, quality | 0..1 | the picture made from the refined prompt, against the one judged; 0.5 is no change |

`None` masks an answer: nobody knows what it was worth, because a generator or a judge failed. Such an answer must be
kept out of the advantages of its group, never scored as "no change". `regeneration` makes the pictures.
"""

from __future__ import annotations

from dataclasses import dataclass

from interleavethinker.evaluation.judges.base import JudgeScores
from interleavethinker.tools.chat.answers import read_verdict, strict_answer
from interleavethinker.tools.errors import ModelAnswerError
from interleavethinker.tools.types import Verdict

__all__ = [
    "NO_CHANGE",
    "RELEASE",
    "RewardWeights",
    "accuracy_reward",
    "format_reward",
    "paper_accuracy_reward",
    "read_answer",
    "step_reward",
    "step_rewards",
    "total_reward",
]

NO_CHANGE = 0.5
"""The step-wise reward where nothing is made again: the attempt was good, or the critic took it for good."""
UNUSABLE = 0.0
"""The step-wise reward of an answer that serving could not act upon; no usable answer may earn less."""


@dataclass(frozen=True)
class RewardWeights:
    """How much each reward counts; the default is the release's 0.5 · format + 0.5 · (0.2 · accuracy + 0.6 · semantics
    + 0.2 · quality). The paper's formula has one step-wise reward, weighted 1 - alpha with alpha = 0.2.
    """

    format: float = 0.5
    accuracy: float = 0.1
    semantics: float = 0.3
    quality: float = 0.1

    @property
    def in_order(self) -> tuple[float, float, float, float]:
        """Format, accuracy, semantics, quality."""
        return self.format, self.accuracy, self.semantics, self.quality


RELEASE = RewardWeights()


def format_reward(text: str) -> float:
    """1 if the answer is exactly what was asked for: non-empty reasoning, then JSON with a boolean and a prompt."""
    content = strict_answer(text)
    if content is None or type(content.get("previous_step_success")) is not bool:
        return 0.0
    prompt = content.get("refine_prompt")
    return 1.0 if isinstance(prompt, str) and prompt.strip() else 0.0


def read_answer(text: str) -> Verdict | None:
    """The verdict as serving would read it, which is more lenient than `format_reward`; None if it cannot be used."""
    try:
        return read_verdict(text)
    except ModelAnswerError:
        return None


def accuracy_reward(verdict: Verdict | None, truth: bool) -> float:
    """1 if the judgement is right, else 0, as in the release; an unusable answer judges nothing."""
    return float(verdict is not None and verdict.success is truth)


def paper_accuracy_reward(verdict: Verdict | None, truth: bool) -> float:
    """The paper's -|j - J|: 0 if the judgement is right, else -1. Groups have the same advantages under both."""
    return accuracy_reward(verdict, truth) - 1.0


def step_reward(before: float, after: float) -> float:
    """How much better a mark (0..10) has become: ((after - before) / 10 + 1) / 2, in 0..1."""
    return ((after - before) / 10 + 1) / 2


def step_rewards(
    verdict: Verdict | None, truth: bool, before: JudgeScores, after: JudgeScores | None
) -> tuple[float, float] | None:
    """Semantics and quality rewards of one answer.

    Args:
        verdict: What the critic said; None if it cannot be used.
        truth: The known judgement J of the attempt; a good attempt is not made again.
        before: Marks of the attempt.
        after: Marks of the picture made from the refined prompt; None if there is none, for whatever reason.

    Returns:
        None where a picture was due and none was made or judged: the answer is masked.
    """
    if verdict is None:
        return UNUSABLE, UNUSABLE
    if truth or verdict.success:
        return NO_CHANGE, NO_CHANGE
    if after is None:
        return None
    return step_reward(before.semantics, after.semantics), step_reward(before.quality, after.quality)


def total_reward(rewards: tuple[float, float, float, float], weights: RewardWeights = RELEASE) -> float:
    """The weighted sum of format, accuracy, semantics and quality."""
    return sum(weight * reward for weight, reward in zip(weights.in_order, rewards, strict=True))
