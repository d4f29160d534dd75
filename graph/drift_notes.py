"""What the document says about drift, as pure functions of attempts and limits."""

from collections.abc import Mapping, Sequence

from interleavethinker.tools.types import Attempt, Plan

from .attempts import selected_attempt
from .limits import Limits

__all__ = ["drift_notes", "total_drift"]


def total_drift(attempt: Attempt) -> float:
    """Returns the accumulated damage of an attempt's image; 0 if it was not measured."""
    return 0.0 if attempt.drift is None else attempt.drift.total


def drift_notes(plan: Plan, attempts: Mapping[str, Attempt], finished: int, limits: Limits) -> list[str]:
    """Returns the notes of the document about drift; none if the guard does nothing.

    Args:
        plan: The plan in effect.
        attempts: All attempts, by key.
        finished: Number of steps that are finished.
        limits: The trajectory's limits.
    """
    if limits.drift.action == "nothing":
        return []
    kept = [selected_attempt(attempts, step) for step in range(min(finished, len(plan.steps)))]
    shown = [attempt for attempt in kept if attempt is not None]
    again = [attempt.step + 1 for attempt in shown if attempt.wish]
    over = [attempt.step + 1 for attempt in shown if total_drift(attempt) > limits.drift.threshold]
    notes = []
    if again:
        notes.append(f"The drift guard drew {_steps(again)} again from an earlier image, or from text.")
    if over:
        notes.append(
            f"Damage by repeated edits exceeds {limits.drift.threshold:g} in {_steps(over)}: parts that nobody asked "
            "to change may look different."
        )
    return notes


def _steps(numbers: Sequence[int]) -> str:
    if len(numbers) == 1:
        return f"step {numbers[0]}"
    return f"steps {', '.join(map(str, numbers[:-1]))} and {numbers[-1]}"
