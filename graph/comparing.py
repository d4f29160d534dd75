"""Ranks the variants of a step by comparing them in pairs, where the critic can: a knock-out among the most promising.

Only variants between which the verdicts leave a choice take part: the accepted ones, or the rejected ones if none is
accepted. A pair that the critic cannot decide is decided by confidence, then by the later attempt.
"""

import asyncio
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass

from interleavethinker.tools.protocols import Comparing, Critic
from interleavethinker.tools.types import Attempt, CriticInput

__all__ = ["with_places"]


@dataclass(frozen=True)
class _Variant:
    index: int
    """Position among the attempts."""
    case: CriticInput
    strength: tuple[float, int]
    """What decides where the comparison does not."""


async def with_places(
    critic: Critic, attempts: Sequence[Attempt], cases: Sequence[CriticInput | None]
) -> list[Attempt]:
    """Returns the attempts, with the places of the variants that were compared in their verdicts.

    Args:
        critic: Compares pairs if it is `Comparing`; else nothing is compared.
        attempts: Judged attempts, of one or more steps.
        cases: What the critic saw of each; None if it has no image.
    """
    placed = list(attempts)
    most = critic.comparisons if isinstance(critic, Comparing) else 0
    if not isinstance(critic, Comparing) or most < 1:
        return placed
    of_step: defaultdict[tuple[int, bool], list[_Variant]] = defaultdict(list)
    for index, (attempt, case) in enumerate(zip(attempts, cases, strict=True)):
        verdict = attempt.verdict
        if attempt.variant and case is not None and verdict is not None and verdict.success is not None:
            strength = verdict.confidence or 0.0, attempt.iteration
            of_step[attempt.step, verdict.success].append(_Variant(index, case, strength))
    fields = [group for (step, success), group in of_step.items() if success or (step, True) not in of_step]
    for ranking in await asyncio.gather(*(_ranking(critic, field, most) for field in fields if len(field) > 1)):
        for place, variant in enumerate(ranking, start=1):
            attempt = placed[variant.index]
            verdict = None if attempt.verdict is None else attempt.verdict.model_copy(update={"place": place})
            placed[variant.index] = attempt.model_copy(update={"verdict": verdict})
    return placed


async def _ranking(critic: Comparing, variants: Sequence[_Variant], most: int) -> list[_Variant]:
    """Returns the variants from the best on. A knock-out of n takes n - 1 pairs; weaker ones beyond that stay out."""
    ranked = sorted(variants, key=lambda one: one.strength, reverse=True)
    left, beaten = ranked[: most + 1], ranked[most + 1 :]
    while len(left) > 1:
        pairs = list(zip(left[::2], left[1::2], strict=False))
        winners = await asyncio.gather(*(_winner(critic, *pair) for pair in pairs))
        bye = left[2 * len(pairs) :]
        beaten = [one for one in left if one not in winners and one not in bye] + beaten
        left = [*winners, *bye]
    return [*left, *beaten]


async def _winner(critic: Comparing, first: _Variant, second: _Variant) -> _Variant:
    better = await critic.better(first.case, second.case)
    return second if better == "second" else first  # The first one is the stronger.
