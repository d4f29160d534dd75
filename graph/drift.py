"""Drift: the damage that accumulates over a chain of edits, and the guard that goes back to an earlier image.

Measuring needs the pixels and happens once, when an image is made; the result is part of its attempt. Whether the guard
acts is a pure function of the state, so a run that is resumed decides as the killed one did. Once a step has an
attempt, its further attempts start from the same image.
"""

import asyncio
import contextlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from interleavethinker.tools.errors import InputError, StoreError
from interleavethinker.tools.images.change import change_between
from interleavethinker.tools.images.store import ImageStore
from interleavethinker.tools.protocols import WishReader
from interleavethinker.tools.types import Attempt, Drift, Plan, Sha256

from .attempts import attempts_for, selected_attempts
from .context import Components
from .dependencies import previous_step, source_of
from .drift_notes import total_drift
from .limits import DriftGuard, Limits
from .routing import limits_of
from .state import attempts_of, request_of

__all__ = ["Start", "guard_acts", "start_of", "with_drift", "with_wish"]

_ENOUGH = 0.5
"""The guard goes back to an image with at most this share of the tolerated damage, so that it need not act at once."""


@dataclass(frozen=True)
class Start:
    """What the attempts of a step start from."""

    source: Sha256 | None
    """None: from text alone."""
    prompts: tuple[str, ...] = ()
    """Prompts to merge, the step's own last; empty unless the guard acts."""
    wish: str = ""
    """The merged prompt, where an earlier attempt of the step recorded it."""


def guard_acts(limits: Limits) -> bool:
    """Whether the guard may change what a step starts from."""
    return limits.drift.action in {"redraw", "restart"}


def start_of(state: Mapping[str, Any], plan: Plan, step: int, limits: Limits) -> Start:
    """Returns what a step's next attempt starts from: as the plan says, or as the drift guard decides.

    Args:
        state: The state; the steps that the step depends on are finished.
        plan: The plan in effect.
        step: Index of the step.
        limits: The trajectory's limits.
    """
    attempts = attempts_of(state)
    planned = Start(source_of(plan, attempts, step, request_of(state)))
    earlier = attempts_for(attempts, plan.version, step)
    if earlier:
        return Start(earlier[0].source, wish=earlier[0].wish) if earlier[0].wish else planned
    if not guard_acts(limits):
        return planned
    chain = _chain(plan, attempts, step)
    if len(chain) < 2 or total_drift(chain[-1]) <= limits.drift.threshold:
        return planned
    wishes = [_prompt_of(plan, one) for one in chain]
    own = plan.steps[step].prompt or ""
    for kept in _starting_points(chain, limits.drift):
        prompts = (*wishes[kept + 1 :], own)
        if sum(len(prompt.split()) for prompt in prompts) <= limits.drift.max_words:
            return Start(chain[kept].image if kept >= 0 else chain[0].source, prompts)
    return planned


def _starting_points(chain: Sequence[Attempt], guard: DriftGuard) -> list[int]:
    """Returns the positions in the chain to go back to, the best first; -1: what the chain itself began with."""
    if guard.action == "restart":
        return [-1]
    good = [at for at, one in enumerate(chain[:-1]) if total_drift(one) <= _ENOUGH * guard.threshold]
    return good[-1:] or [-1]


async def with_wish(components: Components, start: Start) -> Start:
    """Merges the prompts of a start, if it has several."""
    if not start.prompts:
        return start
    merged = None
    if components.wish_reader is not None:
        merged = await asyncio.to_thread(_merged, components, components.wish_reader, start)
    return Start(start.source, start.prompts, merged or _joined(start.prompts))


def _merged(components: Components, reader: WishReader, start: Start) -> str | None:
    source = None
    if start.source is not None:
        if components.store is None:
            return None
        source = components.store.get(start.source)
    return reader.merged(start.prompts, source)


def _joined(prompts: Sequence[str]) -> str:
    """Returns the prompts as sentences of one prompt."""
    return " Then: ".join(prompt.strip().rstrip(".") + "." for prompt in prompts)


async def with_drift(components: Components, state: Mapping[str, Any], plan: Plan, attempt: Attempt) -> Attempt:
    """Measures an attempt that has an image. Leaves it as it is where the image is not in this process's store."""
    if components.store is None or attempt.image is None:
        return attempt
    attempts = attempts_of(state)
    # Reading a wish may take longer than the statistics, so it is left out where nothing depends on it.
    reader = None if limits_of(state).drift.action == "nothing" else components.wish_reader
    chain = _chain(plan, attempts, attempt.step)
    first = next((one.image for one in chain if one.image is not None), None)
    made = [one for one in attempts.values() if one.image == attempt.source and one.image is not None]
    before = min((total_drift(one) for one in made), default=0.0)
    with contextlib.suppress(InputError, StoreError):
        drift = await asyncio.to_thread(_measure, components.store, reader, attempt, first, before)
        return attempt.model_copy(update={"drift": drift})
    return attempt


def _measure(
    store: ImageStore, reader: WishReader | None, attempt: Attempt, first: Sha256 | None, before: float
) -> Drift:
    image = store.get(attempt.image or "")
    since_first = None if first is None else change_between(store.get(first), image)
    if attempt.source is None:
        return Drift(from_first=since_first)
    source = store.get(attempt.source)
    change = since_first if attempt.source == first and since_first else change_between(source, image)
    outside = None if reader is None else reader.outside(attempt.wish or attempt.prompt, source, image)
    total = before + (change.residue if outside is None else outside)
    return Drift(from_source=change, from_first=since_first, outside=outside, total=round(total, 4))


def _chain(plan: Plan, attempts: Mapping[str, Attempt], step: int) -> list[Attempt]:
    """Returns the kept attempts of the steps on which a step builds, the first one first."""
    kept = selected_attempts(attempts)  # Once: looking for each step in turn takes cubic time over a long plan.
    chain: list[Attempt] = []
    at = previous_step(plan, kept.__contains__, step)
    while at is not None:
        chain.append(kept[at])
        at = previous_step(plan, kept.__contains__, at)
    return chain[::-1]


def _prompt_of(plan: Plan, attempt: Attempt) -> str:
    return plan.steps[attempt.step].prompt or attempt.prompt
