"""Pure rules about attempts: their keys and seeds, the next prompt, the best of a step, and when a step is spent.

Nothing here knows LangGraph; everything is a function of frozen data, so the rules can be tested without a graph.
"""

import hashlib
from collections.abc import Mapping, Sequence

from interleavethinker.tools.types import Attempt, Plan, Sha256

__all__ = [
    "attempt_key",
    "attempts_for",
    "best_attempt",
    "derive_seed",
    "failed_steps",
    "next_prompt",
    "selected_attempt",
    "source_image_for",
]

_SEEDS = 2**31
"""Seeds lie below this, the largest range that every image model and API accepts."""


def attempt_key(plan_version: int, step: int, iteration: int) -> str:
    """Returns an attempt's key in the state: text, so that a state can also be JSON."""
    return f"{plan_version}.{step}.{iteration}"


def derive_seed(trajectory_seed: int, step: int, iteration: int) -> int:
    """Returns an attempt's seed. It depends on nothing else, so drafting ahead draws the very same images."""
    digest = hashlib.sha256(f"{trajectory_seed}/{step}/{iteration}".encode()).digest()
    return int.from_bytes(digest[:8]) % _SEEDS


def attempts_for(attempts: Mapping[str, Attempt], plan_version: int, step: int) -> list[Attempt]:
    """Returns a step's attempts under one plan version, in order of iteration."""
    found = (a for a in attempts.values() if a.step == step and a.plan_version == plan_version)
    return sorted(found, key=lambda attempt: attempt.iteration)


def best_attempt(tries: Sequence[Attempt]) -> Attempt | None:
    """Returns the attempt to keep: accepted before unjudged before rejected, then confidence, then the latest."""

    def rank(attempt: Attempt) -> tuple[int, float, int]:
        verdict = attempt.verdict
        if verdict is None or verdict.success is None:
            return 1, 0.0, attempt.iteration
        return 2 if verdict.success else 0, verdict.confidence or 0.0, attempt.iteration

    return max(tries, key=rank, default=None)


def selected_attempt(attempts: Mapping[str, Attempt], step: int) -> Attempt | None:
    """Returns the attempt kept for a step, of the newest plan version that drew this step."""
    of_step = [a for a in attempts.values() if a.step == step]
    newest = max((a.plan_version for a in of_step), default=0)
    return best_attempt([a for a in of_step if a.plan_version == newest])


def source_image_for(attempts: Mapping[str, Attempt], step: int, given: Sequence[Sha256]) -> Sha256 | None:
    """Returns the image that a step starts from: the nearest earlier step's, else the request's last, else none.

    Args:
        attempts: All attempts.
        step: The step.
        given: The request's images.
    """
    for earlier in range(step - 1, -1, -1):
        kept = selected_attempt(attempts, earlier)
        if kept is not None:
            return kept.image
    return given[-1] if given else None


def next_prompt(plan_prompt: str, tries: Sequence[Attempt]) -> str:
    """Returns what to ask the generator next: the plan's prompt, or what the critic made of it.

    After an unjudged attempt the same prompt is asked again, with the next seed.
    """
    if not tries:
        return plan_prompt
    latest = tries[-1]
    if latest.verdict is None or latest.verdict.success is None:
        return latest.prompt
    return latest.verdict.refined_prompt or latest.prompt


def failed_steps(plan: Plan, attempts: Mapping[str, Attempt], before: int) -> list[int]:
    """Returns the steps below `before`, drawn under this very plan, that were rejected and never accepted.

    A step whose attempts were all unjudged has not failed: nobody knows.
    """
    failed = []
    for step in range(before):
        judged = {attempt.verdict.success for attempt in attempts_for(attempts, plan.version, step) if attempt.verdict}
        if False in judged and True not in judged:
            failed.append(step)
    return failed
