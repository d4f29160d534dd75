"""The rewards of critic RL, each a small pure function of one answer.

| reward | values | measures |
| --- | --- | --- |
| format | 0, 1 | the answer's format: tags in order, reasoning, a boolean, a prompt |
| accuracy | 0, 1 | the verdict against the known one |
| semantics, quality | 0 to 1 | the image of the refined prompt against the judged image; 0.5 is no change |

`RewardWeights` weighs them, and TRL adds them up. `None` masks an answer whose worth is unknown because a generator or
a judge failed; it must be left out of its group's advantages, not scored as "no change". `regeneration` makes the
images.
"""

from __future__ import annotations

from dataclasses import dataclass

from interleavethinker.evaluation.judges.base import JudgeScores
from interleavethinker.tools.chat.answers import read_verdict, strict_answer
from interleavethinker.tools.errors import ModelAnswerError
from interleavethinker.tools.types import Verdict

__all__ = [
    "NO_CHANGE",
    "UNUSABLE",
    "RewardWeights",
    "accuracy_reward",
    "format_reward",
    "read_answer",
    "step_reward",
    "step_rewards",
]

NO_CHANGE = 0.5
"""The step-wise reward if nothing is regenerated: the attempt was good, or the critic judged it good."""
UNUSABLE = 0.0
"""The step-wise reward of an answer that the agent could not use, or whose prompt the generator refuses."""


@dataclass(frozen=True)
class RewardWeights:
    """Weights of the rewards. The total reward of an answer is the weighted sum of all four.

    The default is that of the paper's released code: 0.5 · format + 0.5 · (0.2 · accuracy + 0.6 · semantics
    + 0.2 · quality). The paper's formula has a single step-wise reward, weighted 1 - alpha with alpha = 0.2.
    """

    format: float = 0.5
    accuracy: float = 0.1
    semantics: float = 0.3
    quality: float = 0.1

    @property
    def in_order(self) -> tuple[float, float, float, float]:
        """Format, accuracy, semantics, quality."""
        return self.format, self.accuracy, self.semantics, self.quality


def format_reward(text: str) -> float:
    """Returns 1 if the answer has the exact format: non-empty reasoning, then JSON with a boolean and a prompt."""
    content = strict_answer(text)
    if content is None or type(content.get("previous_step_success")) is not bool:
        return 0.0
    prompt = content.get("refine_prompt")
    return 1.0 if isinstance(prompt, str) and prompt.strip() else 0.0


def read_answer(text: str) -> Verdict | None:
    """Parses a verdict as the agent does, which is more lenient than `format_reward`; None if it is unusable."""
    try:
        return read_verdict(text)
    except ModelAnswerError:
        return None


def accuracy_reward(verdict: Verdict | None, truth: bool) -> float:
    """Returns 1 if the verdict is right, else 0; an unusable answer gets 0.

    This is the released code's form. The paper's is -|j - J|: 0 for a right verdict, -1 for a wrong one. The two differ
    by a constant, so they give the same advantages within a group.
    """
    return float(verdict is not None and verdict.success is truth)


def step_reward(before: float, after: float) -> float:
    """Maps the change of a score (0 to 10) to a reward: ((after - before) / 10 + 1) / 2, in 0 to 1.

    Examples:
        >>> step_reward(2.0, 8.0)
        0.8
    """
    return ((after - before) / 10 + 1) / 2


def step_rewards(
    verdict: Verdict | None, truth: bool, before: JudgeScores, after: JudgeScores | None
) -> tuple[float, float] | None:
    """Returns the semantics and quality rewards of one answer.

    Args:
        verdict: The critic's verdict; None if the answer is unusable.
        truth: Whether the attempt is good (the paper's J); good attempts are not regenerated.
        before: Scores of the attempt.
        after: Scores of the regenerated image; None if there is none.

    Returns:
        Both rewards, or None (masked) if the image should have been regenerated but could not be generated or judged.
    """
    if verdict is None:
        return UNUSABLE, UNUSABLE
    if truth or verdict.success:
        return NO_CHANGE, NO_CHANGE
    if after is None:
        return None
    return step_reward(before.semantics, after.semantics), step_reward(before.quality, after.quality)
