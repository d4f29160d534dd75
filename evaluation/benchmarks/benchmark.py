"""What a benchmark is: items, requests, questions to a judge, scores and averages. Types only; no files, no models.

A benchmark turns rows of its data into items, an item into a request, and an answer into questions. Answers of the
judge become scores of the item, and the scores of all items become figures. Each of these is a pure function.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import ClassVar, Protocol

from pydantic import JsonValue

from interleavethinker.evaluation.judges.questions import ImageFile, JudgeQuestion
from interleavethinker.evaluation.statistics import Estimate
from interleavethinker.tools.errors import InputError

__all__ = [
    "Anchor",
    "AnswerFiles",
    "Asked",
    "Benchmark",
    "BenchmarkAnswer",
    "DataRow",
    "Figure",
    "Item",
    "ItemScore",
    "Piece",
    "ProtocolVersion",
    "Replies",
    "text_field",
]

Piece = str | ImageFile
"""A part of a request or an answer."""
Replies = Mapping[str, JsonValue]
"""What was read from the judge's answers, by the key of the question; None for a question without a usable answer."""


@dataclass(frozen=True)
class DataRow:
    """One record of a benchmark's data, as it was published."""

    fields: Mapping[str, JsonValue]
    folder: Path
    """Where the record's file lies; relative image paths start here."""
    name: str = ""
    """The name of that folder, which some benchmarks use as the item's id."""


@dataclass(frozen=True)
class Item:
    """One item of a benchmark."""

    id: str
    group: str
    """The task or category by which results are grouped."""
    request: tuple[Piece, ...]
    """Texts and images that the agent is given."""
    fields: Mapping[str, JsonValue] = field(default_factory=dict)
    """What the questions to the judge need beside the request."""
    images: Mapping[str, ImageFile] = field(default_factory=dict)
    """Images that only the judge sees, such as a reference."""

    @property
    def text(self) -> str:
        """All text of the request."""
        return "\n".join(piece for piece in self.request if isinstance(piece, str))


@dataclass(frozen=True)
class BenchmarkAnswer:
    """An answer to an item, from the agent or from somebody's files."""

    pieces: tuple[Piece, ...] = ()
    """Texts and images, in order; empty if there is no answer."""
    problem: str = ""
    """Why it is missing or incomplete; empty for a complete answer."""
    missing: bool = False
    """Whether there is no answer at all; it is judged as an empty one."""

    @property
    def text(self) -> str:
        """All texts, one on a line."""
        return "\n".join(piece for piece in self.pieces if isinstance(piece, str))

    @property
    def images(self) -> tuple[ImageFile, ...]:
        """All images, in order."""
        return tuple(piece for piece in self.pieces if not isinstance(piece, str))


@dataclass(frozen=True)
class Asked:
    """A question about one answer."""

    key: str
    """Its name among the item's questions, such as `text/0`."""
    question: JudgeQuestion


@dataclass(frozen=True)
class ItemScore:
    """The scores of one answer."""

    id: str
    group: str
    values: Mapping[str, float | None]
    """By metric; None where the metric does not apply, or where it is unknown."""
    main: float | None
    """The value by which runs are compared and examples are chosen, on the scale of the benchmark's first figure."""
    skipped: str = ""
    """Why the item does not count; empty if it counts."""
    notes: tuple[str, ...] = ()
    """What a reader must know about this answer, such as a wrong number of images."""


@dataclass(frozen=True)
class Figure:
    """One average with its 95 % interval."""

    name: str
    estimate: Estimate | None
    """None if it cannot be computed."""
    maximum: float
    """The end of its scale, which starts at 0."""
    reason: str = ""
    """Why there is no estimate."""


@dataclass(frozen=True)
class Anchor:
    """A published figure to compare with."""

    model: str
    values: Mapping[str, float]
    """By the name of the figure."""
    source: str


@dataclass(frozen=True)
class ProtocolVersion:
    """One way of asking, scoring and averaging. Figures of different protocols must not be compared."""

    name: str
    judge: str
    """The model that the published figures were judged by."""
    temperature: float | None
    """The judge's temperature; None: the provider's default."""
    note: str
    """What sets it apart, in a sentence."""
    anchors: tuple[Anchor, ...] = ()
    full_size: int | None = None
    """Number of items of the whole benchmark; None if it varies."""


class AnswerFiles(Protocol):
    """Somebody's answers in a folder or a file, for a benchmark that knows their layout."""

    def rows(self) -> Sequence[DataRow]:
        """Returns the records of all JSON, JSON-lines and Parquet files."""
        ...

    def image(self, *names: str) -> ImageFile | None:
        """Returns the first of these images that exists; a name without an ending fits `.png`, `.jpg`, …"""
        ...

    def resolve(self, path: str, *folders: Path) -> ImageFile | None:
        """Returns an image by a path in a record, relative to one of the folders; None if it cannot be read."""
        ...


class Benchmark(Protocol):
    """A benchmark under one protocol."""

    name: ClassVar[str]
    title: ClassVar[str]
    protocols: ClassVar[tuple[ProtocolVersion, ...]]
    """The first one is the default."""
    prompt_names: ClassVar[tuple[str, ...]]
    """The prompt files that it uses."""
    one_image: ClassVar[bool]
    """Whether an answer is a single image; of several, the last one is judged."""
    rules: ClassVar[tuple[str, ...]]
    """How missing answers, unusable judgments and the like count, one sentence each."""

    @property
    def protocol(self) -> ProtocolVersion:
        """The protocol."""
        ...

    def items(self, rows: Sequence[DataRow], files: AnswerFiles) -> list[Item]:
        """Returns the items in the published order.

        Raises:
            InputError: A record is not in any of the published forms.
        """
        ...

    def answers(self, files: AnswerFiles, items: Sequence[Item]) -> tuple[dict[str, BenchmarkAnswer], int]:
        """Reads answers in the published layout, by item; and the number of records that a later one replaced."""
        ...

    def questions(self, item: Item, answer: BenchmarkAnswer) -> list[Asked]:
        """Returns the questions about an answer."""
        ...

    def further_questions(self, item: Item, answer: BenchmarkAnswer, replies: Replies) -> list[Asked]:
        """Returns the questions that depend on the judge's answers to the first ones; most benchmarks have none."""
        ...

    def read(self, key: str, text: str) -> JsonValue:
        """Reads the judge's answer to a question.

        Raises:
            ModelAnswerError: It cannot be used.
        """
        ...

    def score(self, item: Item, answer: BenchmarkAnswer, replies: Replies) -> ItemScore:
        """Returns the scores of an answer."""
        ...

    def figures(self, scores: Sequence[ItemScore], complete: bool) -> list[Figure]:
        """Returns the averages, the most important one first.

        Args:
            scores: The scores of all items that were run.
            complete: Whether these are all items of the data.
        """
        ...


def text_field(row: DataRow, *names: str, default: str | None = None) -> str:
    """Returns the first of these fields that a record has, as text.

    Raises:
        InputError: It has none of them, and there is no default.
    """
    for name in names:
        value = row.fields.get(name)
        if value is not None and not isinstance(value, dict | list):
            return str(value)
    if default is not None:
        return default
    known = ", ".join(sorted(row.fields)) or "none"
    wanted = " or ".join(map(repr, names))
    raise InputError(f"A record of {row.folder / row.name} has no field {wanted}; its fields are: {known}.")
