"""Rules about attempts as pure functions: keys, seeds, the next prompt, the best attempt, and failed steps.

The module does not know LangGraph. Every function works on frozen data, so the rules can be tested without a graph.
"""

import hashlib
from collections import defaultdict
from collections.abc import Mapping, Sequence

from interleavethinker.tools.errors import InputError
from interleavethinker.tools.types import Attempt, Plan

__all__ = [
    "attempt_key",
    "attempts_for",
    "best_attempt",
    "check_prompt",
    "check_seed",
    "derive_seed",
    "failed_steps",
    "next_prompt",
    "selected_attempt",
]

_SEED_LIMIT = 2**31
"""Seeds are below this limit, the largest range that every image model and API accepts."""


def check_seed(seed: object) -> None:
    """Checks a seed from outside.

    Raises:
        InputError: It is not a whole number from 0 to 2³¹ - 1.
    """
    if not isinstance(seed, int) or isinstance(seed, bool) or not 0 <= seed < _SEED_LIMIT:
        raise InputError(f"A seed must be a whole number from 0 to {_SEED_LIMIT - 1}; got {seed!r}.")


def check_prompt(prompt: str | None) -> None:
    """Checks a generator prompt that a person gives; None means that they gave none.

    Raises:
        InputError: It has no text, so no generator could use it.
    """
    if prompt is not None and not prompt.strip():
        raise InputError("The prompt for the generator is empty. Describe the image, or leave the prompt out.")


def attempt_key(plan_version: int, step: int, iteration: int) -> str:
    """Returns the key of an attempt in the state. The key is text, so that a state can be written as JSON.

    Examples:
        >>> attempt_key(plan_version=2, step=0, iteration=3)
        '2.0.3'
    """
    return f"{plan_version}.{step}.{iteration}"


def derive_seed(trajectory_seed: int, step: int, iteration: int) -> int:
    """Returns the seed of an attempt, from 0 to 2³¹ - 1.

    The seed depends on the three arguments only, so steps drafted ahead get the same images as steps generated in
    order.
    """
    digest = hashlib.sha256(f"{trajectory_seed}/{step}/{iteration}".encode()).digest()
    return int.from_bytes(digest[:8]) % _SEED_LIMIT


def attempts_for(attempts: Mapping[str, Attempt], plan_version: int, step: int) -> list[Attempt]:
    """Returns the attempts of a step under one plan version, ordered by iteration."""
    found = (a for a in attempts.values() if a.step == step and a.plan_version == plan_version)
    return sorted(found, key=lambda attempt: attempt.iteration)


def best_attempt(attempts: Sequence[Attempt]) -> Attempt | None:
    """Returns the attempt to keep, or None if no attempt has an image.

    Accepted attempts rank before unjudged ones, and unjudged ones before rejected ones. Among equals the higher
    confidence wins, then the later attempt.
    """

    def rank(attempt: Attempt) -> tuple[int, float, int]:
        verdict = attempt.verdict
        if verdict is None or verdict.success is None:
            return 1, 0.0, attempt.iteration
        return 2 if verdict.success else 0, verdict.confidence or 0.0, attempt.iteration

    return max((attempt for attempt in attempts if attempt.image is not None), key=rank, default=None)


def selected_attempt(attempts: Mapping[str, Attempt], step: int) -> Attempt | None:
    """Returns the best attempt of a step under the newest plan version that has attempts of this step."""
    of_step = [a for a in attempts.values() if a.step == step]
    newest = max((a.plan_version for a in of_step), default=0)
    return best_attempt([a for a in of_step if a.plan_version == newest])


def next_prompt(plan_prompt: str, attempts: Sequence[Attempt]) -> str:
    """Returns the prompt of a step's next attempt.

    The first attempt uses the plan's prompt. After a rejection the critic's refined prompt is used. After an unjudged
    attempt the same prompt is used again, with the next seed.

    Args:
        plan_prompt: The step's prompt in the plan.
        attempts: The attempts of the step so far, ordered by iteration.
    """
    if not attempts:
        return plan_prompt
    latest = attempts[-1]
    if latest.verdict is None or latest.verdict.success is None:
        return latest.prompt
    return latest.verdict.refined_prompt or latest.prompt


def failed_steps(plan: Plan, attempts: Mapping[str, Attempt], before: int) -> list[int]:
    """Returns the steps below `before` that were rejected under this plan version and never accepted.

    A step whose attempts are all unjudged has not failed, because its result is unknown.
    """
    judged: defaultdict[int, set[bool | None]] = defaultdict(set)
    for attempt in attempts.values():
        if attempt.plan_version == plan.version and attempt.step < before and attempt.verdict is not None:
            judged[attempt.step].add(attempt.verdict.success)
    return sorted(step for step, verdicts in judged.items() if False in verdicts and True not in verdicts)
