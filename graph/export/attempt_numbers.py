"""The numbers of an attempt in words: where it started, its seed, seconds, confidence and drift."""

from collections.abc import Iterator

from interleavethinker.graph.workspace.snapshot import Trajectory
from interleavethinker.tools.types import Attempt, Verdict

__all__ = ["drift_words", "numbers_of"]

_NOTABLE = 0.5
"""Binary logarithm: contrast or sharpness that changed by less than 1.4 is not mentioned."""


def numbers_of(trajectory: Trajectory, attempt: Attempt) -> Iterator[str]:
    """Yields where an attempt started, its seed, seconds and the like, in words."""
    yield _source(trajectory, attempt)
    if len(trajectory.plans) > 1:
        yield f"plan {attempt.plan_version}"
    if attempt.outdated:
        yield "outdated: a new plan or another image came first"
    yield f"seed {attempt.seed}"
    if attempt.size is not None:
        yield f"size {attempt.size}"
    if attempt.mask is not None:
        yield "changes only a region"
    if attempt.references:
        yield _references(attempt)
    if attempt.verdict is not None and attempt.verdict.same_identity is not None:
        yield "identity kept" if attempt.verdict.same_identity else "identity lost"
    if attempt.note:
        yield attempt.note.rstrip(".")
    yield "from the server’s cache" if attempt.cached else f"{attempt.seconds:.2f} s"
    if attempt.verdict is not None and attempt.verdict.confidence is not None:
        yield f"P(success) {_probability(attempt.verdict)}"
    if attempt.verdict is not None and attempt.verdict.place is not None:
        yield f"place {attempt.verdict.place} in comparison"
    yield from drift_words(attempt)


def _probability(verdict: Verdict) -> str:
    value = verdict.confidence or 0.0
    return "< 0.01" if value < 0.01 else "> 0.99" if value > 0.99 else f"{value:.2f}"


def drift_words(attempt: Attempt) -> Iterator[str]:
    """Yields how far the image has drifted, in words; nothing if it was not measured or is not an edit."""
    drift = attempt.drift
    if attempt.wish:
        yield "drawn again by the drift guard"
    if drift is None or drift.from_source is None:
        return
    change, first = drift.from_source, drift.from_first
    yield f"{change.changed:.0%} of the pixels changed"
    yield f"drift {drift.total:.3f}"
    if first is not None and max(abs(first.contrast), abs(first.sharpness)) >= _NOTABLE:
        yield f"since the first image: contrast ×{2**first.contrast:.2f}, sharpness ×{2**first.sharpness:.2f}"


def _source(trajectory: Trajectory, attempt: Attempt) -> str:
    if attempt.source is None:
        return "generated from text"
    if attempt.mask is not None:
        return "edits the attempt before"
    for index in range(attempt.step - 1, -1, -1):
        if attempt.source in {earlier.image for earlier in trajectory.attempts_for(index)}:
            return f"edits the image of step {index + 1}"
    if attempt.source in trajectory.request.images:
        return "edits the image of the request"
    return "edits an earlier image"


def _references(attempt: Attempt) -> str:
    labels = ", ".join(reference.label for reference in attempt.references)
    left_out = attempt.references_left_out if attempt.image is not None else 0
    if not left_out:
        return f"references: {labels}"
    if left_out >= len(attempt.references):
        return f"references: {labels} (the image model takes none)"
    taken = len(attempt.references) - left_out
    return f"references: {labels} (the image model took the first {taken})"
