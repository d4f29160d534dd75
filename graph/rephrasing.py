"""Where a critic's new prompt was already tried in its step, asks it for another one before the verdict is recorded.

Knows which attempts will be followed by another one, and what was tried. Not how a critic finds other words.
"""

import asyncio
from collections.abc import Mapping, Sequence
from typing import Any

from interleavethinker.tools.chat.rephrasing import was_tried
from interleavethinker.tools.protocols import Critic, Rephrasing
from interleavethinker.tools.types import Attempt, Plan, Verdict

from .attempts import attempt_key, attempt_to_refine, attempts_for, derive_seed, next_prompt
from .component_answers import checked_verdict
from .referring import case_of
from .routing import allowed_attempts
from .state import attempts_of

__all__ = ["with_untried_prompts"]


async def with_untried_prompts(
    critic: Critic, state: Mapping[str, Any], plan: Plan, judged: Sequence[Attempt]
) -> list[Attempt]:
    """Returns the attempts, with another prompt in the verdicts that would repeat one.

    The seed of the critic's answers follows from the trajectory's, so a node that runs again after a crash gets the
    same words. Only rejections that another attempt of the step follows are considered; of several variants, the one
    that is refined.

    Args:
        critic: Asked if it is a `Rephrasing`.
        state: The state before this round of verdicts.
        plan: The plan in effect.
        judged: The attempts with their new verdicts.

    Raises:
        ModelError: The critic's model cannot be loaded or reached.
    """
    if not isinstance(critic, Rephrasing):
        return list(judged)
    by_key = {attempt_key(one.plan_version, one.step, one.iteration): one for one in judged}
    attempts = attempts_of(state) | by_key

    async def untried(attempt: Attempt) -> Attempt:
        of_step = attempts_for(attempts, plan.version, attempt.step)
        verdict = attempt.verdict
        if verdict is None or not _is_refined_next(
            attempt, of_step, allowed_attempts(state, plan.version, attempt.step)
        ):
            return attempt
        tried = [each.prompt for each in of_step]
        if attempt.image is None or not was_tried(next_prompt("", of_step), tried):
            return attempt
        seed = derive_seed(state.get("seed") or 0, attempt.step, attempt.iteration)
        case = case_of(state, plan, attempt, attempt.image)
        rephrased = checked_verdict(await critic.rephrase(case, verdict, tried, seed))
        return attempt.model_copy(update={"verdict": rephrased})

    return list(await asyncio.gather(*map(untried, judged)))


def _is_refined_next(attempt: Attempt, of_step: Sequence[Attempt], allowed: int) -> bool:
    """Returns whether the step's next attempt, if there may be one, takes its prompt from this attempt's verdict."""
    results: list[Verdict] = [each.verdict for each in of_step if each.verdict is not None]
    return (
        len(of_step) < allowed
        and not any(verdict.success for verdict in results)
        and attempt.verdict is not None
        and attempt.verdict.success is False
        and attempt_to_refine(of_step) == attempt
    )
