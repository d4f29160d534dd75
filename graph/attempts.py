"""Rules about attempts as pure functions: keys, seeds, the next prompt, the best attempt, and failed steps.

The module does not know LangGraph. Every function works on frozen data, so the rules can be tested without a graph.
"""

import hashlib
from collections import defaultdict
from collections.abc import Mapping, Sequence

from interleavethinker.tools.errors import InputError
from interleavethinker.tools.types import Attempt, Plan, Sha256, Verdict
from interleavethinker.tools.validation import require_type

__all__ = [
    "attempt_key",
    "attempt_to_refine",
    "attempts_for",
    "attempts_to_review",
    "best_attempt",
    "check_prompt",
    "check_seed",
    "derive_seed",
    "failed_steps",
    "images_of_attempt",
    "newest_or_best_variant",
    "next_prompt",
    "selected_attempt",
    "selected_attempts",
    "without_choice",
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
        InputError: It is no text, or an empty one, so no generator could use it.
    """
    require_type(prompt, (str, type(None)), "prompt", "a text")
    if prompt is not None and not prompt.strip():
        raise InputError("The prompt for the generator is empty. Describe the image, or leave the prompt out.")


def attempt_key(plan_version: int, step: int, iteration: int) -> str:
    """Returns the key of an attempt in the state. The key is text, so that a state can be written as JSON.

    Examples:
        >>> attempt_key(plan_version=2, step=0, iteration=3)
        '2.0.3'
    """
    return f"{plan_version}.{step}.{iteration}"


def images_of_attempt(attempt: Attempt) -> set[Sha256]:
    """Returns the names of all images that an attempt uses: result, source, references and masks."""
    verdict_mask = None if attempt.verdict is None else attempt.verdict.mask
    names = {attempt.image, attempt.source, attempt.mask, verdict_mask, *(one.sha256 for one in attempt.references)}
    return {name for name in names if name is not None}


def without_choice(attempts: Mapping[str, Attempt]) -> dict[str, Attempt]:
    """Returns those that a person accepted, as not judged: another attempt of their step was chosen instead."""
    withdrawn = Verdict(success=None, reasoning="another attempt was chosen", by_hand=True)
    return {
        key: attempt.model_copy(update={"verdict": withdrawn})
        for key, attempt in attempts.items()
        if attempt.verdict is not None and attempt.verdict.by_hand and attempt.verdict.success
    }


def derive_seed(trajectory_seed: int, step: int, iteration: int) -> int:
    """Returns the seed of an attempt, from 0 to 2³¹ - 1.

    The seed depends on the three arguments only, so steps drafted ahead get the same images as steps generated in
    order.
    """
    digest = hashlib.sha256(f"{trajectory_seed}/{step}/{iteration}".encode()).digest()
    return int.from_bytes(digest[:8]) % _SEED_LIMIT


def attempts_for(attempts: Mapping[str, Attempt], plan_version: int, step: int) -> list[Attempt]:
    """Returns the attempts of a step under one plan version, without outdated ones, ordered by iteration."""
    found = (a for a in attempts.values() if a.step == step and a.plan_version == plan_version and not a.outdated)
    return sorted(found, key=lambda attempt: attempt.iteration)


def best_attempt(attempts: Sequence[Attempt]) -> Attempt | None:
    """Returns the attempt to keep, or None if no attempt has an image.

    Attempts that a person accepted rank first, then other accepted ones, unjudged ones, and rejected ones. Among equals
    those that were beaten in a comparison of variants fall out; then the higher confidence wins, then the later
    attempt.
    """
    shown = [attempt for attempt in attempts if attempt.image is not None]
    best = max(map(_standing, shown), default=0)
    among = [attempt for attempt in shown if _standing(attempt) == best]
    first = min((place for place in map(_place, among) if place is not None), default=None)
    return max((attempt for attempt in among if _place(attempt) in {None, first}), key=_strength, default=None)


def _standing(attempt: Attempt) -> int:
    verdict = attempt.verdict
    if verdict is None or verdict.success is None:
        return 1
    accepted = 3 if verdict.by_hand else 2
    return accepted if verdict.success else 0


def _place(attempt: Attempt) -> int | None:
    return None if attempt.verdict is None else attempt.verdict.place


def _strength(attempt: Attempt) -> tuple[float, int]:
    verdict = attempt.verdict
    known = verdict is not None and verdict.success is not None
    return (verdict.confidence or 0.0 if verdict is not None and known else 0.0), attempt.iteration


def selected_attempt(attempts: Mapping[str, Attempt], step: int) -> Attempt | None:
    """Returns the best attempt of a step under the newest plan version that has attempts of this step."""
    return _selected([a for a in attempts.values() if a.step == step and not a.outdated])


def selected_attempts(attempts: Mapping[str, Attempt]) -> dict[int, Attempt]:
    """Returns `selected_attempt` of every step that has one, by its index; takes linear time."""
    by_step: defaultdict[int, list[Attempt]] = defaultdict(list)
    for attempt in attempts.values():
        if not attempt.outdated:
            by_step[attempt.step].append(attempt)
    found = {step: _selected(of_step) for step, of_step in by_step.items()}
    return {step: attempt for step, attempt in found.items() if attempt is not None}


def _selected(of_step: Sequence[Attempt]) -> Attempt | None:
    if len(of_step) == 1:  # As in most steps of a long plan, which asks for all of them at each step.
        return of_step[0] if of_step[0].image is not None else None
    newest = max((a.plan_version for a in of_step), default=0)
    return best_attempt([a for a in of_step if a.plan_version == newest])


def next_prompt(plan_prompt: str, attempts: Sequence[Attempt]) -> str:
    """Returns the prompt of a step's next attempt.

    The first attempt uses the plan's prompt. After a rejection the critic's refined prompt is used. After an unjudged
    attempt the same prompt is used again, with the next seed. Of several variants, the best rejected one counts as the
    latest attempt.

    Args:
        plan_prompt: The step's prompt in the plan.
        attempts: The attempts of the step so far, ordered by iteration.
    """
    if not attempts:
        return plan_prompt
    latest = attempt_to_refine(attempts)
    if latest.verdict is None or latest.verdict.success is None:
        return latest.prompt
    return latest.verdict.refined_prompt or latest.prompt


def newest_or_best_variant(attempts: Sequence[Attempt]) -> Attempt:
    """Returns the attempt that a person is asked about: the newest, or the best one while there are only variants.

    Args:
        attempts: The attempts of a step, ordered by iteration; at least one.
    """
    if not attempts[-1].variant:
        return attempts[-1]
    return best_attempt([attempt for attempt in attempts if attempt.variant]) or attempts[-1]


def attempts_to_review(attempts: Sequence[Attempt]) -> list[Attempt]:
    """Returns what a person is asked about: the newest attempt, or all variants while no other one follows them.

    The first of them is the one that is kept or refined if the person leaves it to the critic. There are none if a
    person has judged one of them.

    Args:
        attempts: The attempts of a step under one plan version, ordered by iteration.
    """
    shown = [one for one in attempts if one.variant] if attempts and attempts[-1].variant else list(attempts[-1:])
    if not shown or any(one.verdict is not None and one.verdict.by_hand for one in shown):
        return []
    first = newest_or_best_variant(shown)
    return [first, *(one for one in shown if one.iteration != first.iteration)]


def attempt_to_refine(attempts: Sequence[Attempt]) -> Attempt:
    """Returns the attempt whose verdict has the prompt of the next one; see `next_prompt`."""
    return _variant_to_refine(attempts) if attempts[-1].variant else attempts[-1]


def _variant_to_refine(attempts: Sequence[Attempt]) -> Attempt:
    """Returns the variant whose verdict says how to continue: one that a person rejected, else the best."""
    judged = [(a.verdict, a) for a in attempts if a.variant and a.verdict is not None and a.verdict.success is False]
    ranked = [
        (verdict.by_hand, attempt.image is not None, -(verdict.place or 0), *_strength(attempt), attempt)
        for verdict, attempt in judged
    ]
    return max(ranked, key=lambda each: each[:5])[-1] if ranked else attempts[-1]


def failed_steps(plan: Plan, attempts: Mapping[str, Attempt], before: int) -> list[int]:
    """Returns the steps below `before` that were rejected under this plan version and never accepted.

    A step whose attempts are all unjudged has not failed, because its result is unknown.
    """
    judged: defaultdict[int, set[bool | None]] = defaultdict(set)
    for attempt in attempts.values():
        if attempt.outdated or attempt.plan_version != plan.version or attempt.step >= before:
            continue
        if attempt.verdict is not None:
            judged[attempt.step].add(attempt.verdict.success)
    return sorted(step for step, verdicts in judged.items() if False in verdicts and True not in verdicts)
