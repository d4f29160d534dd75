"""What the benchmarks share: a protocol with its prompts, averages over items, and images in numbered tags."""

from __future__ import annotations

from collections.abc import Sequence

from interleavethinker.evaluation.statistics import mean

from .benchmark import Asked, BenchmarkAnswer, Figure, Item, ItemScore, Piece, ProtocolVersion, Replies
from .prompt_files import PromptFiles

__all__ = ["PromptedBenchmark", "image_notes", "mean_figure", "tagged", "unreadable"]


class PromptedBenchmark:
    """A protocol with its prompts, and no questions that depend on earlier ones.

    Args:
        protocol: The protocol.
        prompts: The prompts of the judge.
    """

    def __init__(self, protocol: ProtocolVersion, prompts: PromptFiles) -> None:
        self.protocol = protocol
        self._prompts = prompts

    def further_questions(self, item: Item, answer: BenchmarkAnswer, replies: Replies) -> list[Asked]:  # noqa: ARG002
        """See `Benchmark.further_questions`: none."""
        return []


def mean_figure(name: str, metric: str, scores: Sequence[ItemScore], maximum: float) -> Figure:
    """Returns the mean of a metric over the items that have it.

    Args:
        name: The name of the figure.
        metric: The name of the metric in `ItemScore.values`.
        scores: The scores.
        maximum: The end of the metric's scale.
    """
    values = [value for score in scores if (value := score.values[metric]) is not None]
    return Figure(name, mean(values) if values else None, maximum, "" if values else "no item has this score")


def tagged(
    pieces: Sequence[Piece], first: int, *, tag: str = "Img", shown: bool = True, end: int | None = None
) -> tuple[list[Piece], int]:
    """Encloses images in numbered tags.

    Args:
        pieces: Texts and images.
        first: The number of the first image.
        tag: The name of the tags.
        shown: Whether the images are shown; otherwise only their tags are.
        end: The pieces stop after the image before this number; None: never.

    Returns:
        The pieces, and the number after that of the last image.
    """
    found: list[Piece] = []
    number = first
    for piece in pieces:
        if isinstance(piece, str):
            found.append(piece)
            continue
        found += [f"<{tag}_{number}>", *([piece] if shown else []), f"</{tag}_{number}>"]
        number += 1
        if number == end:
            break
    return found, number


def unreadable(paths: Sequence[str]) -> str:
    """Returns an answer's problem with images that cannot be read; an empty text if there are none."""
    return f"These images cannot be read: {', '.join(paths)}." if paths else ""


def image_notes(answer: BenchmarkAnswer) -> tuple[str, ...]:
    """Returns what a reader must know about an answer that should be one image."""
    notes = [answer.problem] if answer.problem else []
    if len(answer.images) > 1:
        notes.append(f"{len(answer.images)} images; the last one is judged.")
    if not answer.images and not answer.missing:
        notes.append("There is no image.")
    return tuple(notes)
