"""The details of a trajectory as names and values, for the storyboard and the Markdown document."""

from collections.abc import Iterator

from interleavethinker.graph.limits import Limits
from interleavethinker.graph.spending import dollar_words
from interleavethinker.graph.workspace.snapshot import Trajectory
from interleavethinker.tools.prices import dollar_amount

__all__ = ["count", "facts_of"]


def facts_of(trajectory: Trajectory) -> Iterator[tuple[str, str]]:
    """Yields the names and values of a trajectory's details; values that are not known are empty."""
    made, generating = trajectory.provenance, sum(attempt.seconds for attempt in trajectory.attempts)
    yield "Trajectory", trajectory.id
    yield "Branched from", _ancestry(trajectory)
    yield "Stop reason", trajectory.stop_reason.value if trajectory.stop_reason else ""
    yield "Profile", trajectory.profile
    yield "Planner", made.planner
    yield "Critic", made.critic
    yield "Image generator", made.generator
    yield "Image model", ", ".join(sorted({attempt.model for attempt in trajectory.attempts} - {""}))
    yield "Image server", ", ".join(sorted({attempt.server for attempt in trajectory.attempts} - {""}))
    yield "Package", f"interleavethinker {made.package}" if made.package else ""
    yield "Seed", str(trajectory.seed)
    yield "Image size", trajectory.image_size or ""
    yield "Limits", _limits(trajectory.limits)
    yield "Sources", "\n".join(trajectory.document.sources)
    yield "Looked up", count(len(trajectory.lookups), "time") if trajectory.lookups else ""
    yield "Cost", dollar_words(trajectory.spending)
    yield "Time", f"{trajectory.seconds:.1f} s in total, {generating:.1f} s of it generating images"


def _ancestry(trajectory: Trajectory) -> str:
    branches = [
        f"{one.parent}, step {(one.parent_step or 0) + 1}, attempt {(one.parent_iteration or 0) + 1}"
        for one in (trajectory, *trajectory.lineage)
        if one.parent
    ]
    return "; itself branched from ".join(branches)


def _limits(limits: Limits) -> str:
    """Returns the limits of a trajectory in words."""
    words = [f"{count(limits.max_attempts, 'attempt')} per step"]
    if limits.variants > 1:
        words[0] = f"{limits.variants} first attempts and at most {limits.max_attempts - 1} more per step"
    if limits.max_calls:
        words.append(count(limits.max_calls, "generator call"))
    if limits.max_cost:
        words.append(dollar_amount(limits.max_cost))
    if limits.time_limit:
        words.append(f"{limits.time_limit:g} s of work")
    if limits.drift.action != "nothing":
        words.append(f"drift guard: {limits.drift.action} above {limits.drift.threshold:g}")
    if limits.look_ahead > 1:
        words.append(f"look-ahead of {limits.look_ahead} steps")
    if limits.max_replans:
        after = count(limits.replan_after, "failed step")
        words.append(f"at most {count(limits.max_replans, 'new plan')} after {after}")
    return ", ".join(words)


def count(number: int, noun: str) -> str:
    """Returns a number with its noun.

    Examples:
        >>> count(1, "step"), count(2, "step")
        ('1 step', '2 steps')
    """
    return f"{number} {noun}{'s' if number != 1 else ''}"
