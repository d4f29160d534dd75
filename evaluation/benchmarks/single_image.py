"""What the benchmarks share whose answer is a single image."""

from __future__ import annotations

from .benchmark import BenchmarkAnswer

__all__ = ["image_notes"]


def image_notes(answer: BenchmarkAnswer) -> tuple[str, ...]:
    """Returns what a reader must know about an answer that should be one image."""
    notes = [answer.problem] if answer.problem else []
    if len(answer.images) > 1:
        notes.append(f"{len(answer.images)} images; the last one is judged.")
    if not answer.images and not answer.missing:
        notes.append("There is no image.")
    return tuple(notes)
