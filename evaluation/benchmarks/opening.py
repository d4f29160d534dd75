"""OpenING: interleaved answers to tasks of many kinds, graded by one question on seven axes, 0..10 each.

Requests and answers are lists of text and image pairs. The judge sees all images scaled to 512 x 512 pixels, whatever
their shape. An axis is averaged over the items, and the headline is the mean of the seven axes.

Decided differently from the published scripts: an answer of the judge that wraps the grades in `scores` counts, while
the summary script drops it; a missing answer scores 0, while the scripts leave it out; averages are not rounded before
the headline is computed. As in the scripts, an item without usable grades is left out.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar

from pydantic import JsonValue

from interleavethinker.evaluation.judges.questions import ImageForm, JudgeQuestion
from interleavethinker.tools.errors import InputError

from .benchmark import (
    Anchor,
    AnswerFiles,
    Asked,
    BenchmarkAnswer,
    DataRow,
    Figure,
    Item,
    ItemScore,
    Piece,
    ProtocolVersion,
    Replies,
    text_field,
)
from .frame import PromptedBenchmark, mean_figure, tagged, unreadable
from .readings import number_in, object_in, one_of

__all__ = ["Opening"]

_FORM = ImageForm(square=512, jpeg=True)
_AXES = (
    "Correctness",
    "Image-Text Coherency",
    "Multi-step Consistency",
    "Content Quality",
    "Human Preference Alignment",
    "Completeness",
    "Content Richness",
)
_ANCHORS = tuple(
    Anchor(model, {"overall": overall}, "OpenING's published GPT-4o scores, July 2025")
    for model, overall in {
        "Human": 8.57,
        "GPT-4o+DALL-E3": 8.2,
        "Gemini1.5+Flux": 7.23,
        "SEED-X": 5.84,
        "Anole": 5.75,
        "Show-o": 4.41,
    }.items()
)


class Opening(PromptedBenchmark):
    """OpenING's GPT-based scores."""

    name: ClassVar[str] = "opening"
    title: ClassVar[str] = "OpenING"
    protocols: ClassVar[tuple[ProtocolVersion, ...]] = (
        ProtocolVersion(
            "gpt-score", "gpt-4o", None, "Seven axes in one question, as in the GPT-based score.", _ANCHORS
        ),
    )
    prompt_names: ClassVar[tuple[str, ...]] = ("opening",)
    one_image: ClassVar[bool] = False
    rules: ClassVar[tuple[str, ...]] = (
        "A missing answer scores 0 on every axis; it is not shown to the judge.",
        "An item without usable grades is left out, as in the published summary.",
        "The headline is the mean of the seven averages.",
    )

    def items(self, rows: Sequence[DataRow], files: AnswerFiles) -> list[Item]:
        """See `Benchmark.items`: records with `conversations`, as in `test_data.jsonl`."""
        return [self._item(row, files) for row in rows if "conversations" in row.fields]

    def _item(self, row: DataRow, files: AnswerFiles) -> Item:
        pieces, lost = _pieces(row, "input", files)
        if lost:
            raise InputError(f"The input images {', '.join(lost)} of item {_id(row)} cannot be read in {row.folder}.")
        return Item(_id(row), text_field(row, "meta_task_name", default="all"), pieces)

    def answers(self, files: AnswerFiles, items: Sequence[Item]) -> tuple[dict[str, BenchmarkAnswer], int]:  # noqa: ARG002
        """See `Benchmark.answers`: a file `<uid>.json` or `.jsonl` for each item, with the images beside it."""
        found: dict[str, BenchmarkAnswer] = {}
        rows = [row for row in files.rows() if "conversations" in row.fields]
        for row in rows:
            pieces, lost = _pieces(row, "output", files, beside=True)
            problem = unreadable(lost)
            found[row.name if row.name.isdecimal() else _id(row)] = BenchmarkAnswer(pieces, problem)
        return found, len(rows) - len(found)

    def questions(self, item: Item, answer: BenchmarkAnswer) -> list[Asked]:
        """See `Benchmark.questions`: one."""
        if answer.missing:
            return []
        asked, number = tagged(item.request, 0, tag="IMG")
        output, _ = tagged(answer.pieces or ("None",), number, tag="IMG")
        parts = ("INPUT:", *asked, "OUTPUT:", *output)
        return [Asked("grades", JudgeQuestion("opening-1", parts, self._prompts.fill("opening"), _FORM))]

    def read(self, key: str, text: str) -> JsonValue:  # noqa: ARG002 - there is one question
        """See `Benchmark.read`: numbers, or objects with `Score`, by axis; wrapped in `scores` or not."""
        answer = object_in(text)
        inner = answer.get("scores")
        scores = inner if isinstance(inner, dict) else answer
        return {axis: number_in(one_of(scores, axis), axis, 0, 10) for axis in _AXES}

    def score(self, item: Item, answer: BenchmarkAnswer, replies: Replies) -> ItemScore:
        """See `Benchmark.score`: the seven grades and their mean."""
        grades = replies.get("grades")
        notes = (answer.problem,) if answer.problem else ()
        if answer.missing:
            return ItemScore(item.id, item.group, dict.fromkeys(("overall", *_AXES), 0.0), 0.0, "", notes)
        if not isinstance(grades, dict):
            values: dict[str, float | None] = dict.fromkeys(("overall", *_AXES))
            return ItemScore(item.id, item.group, values, None, "its grades are unusable", notes)
        found = {axis: float(str(grades[axis])) for axis in _AXES}
        average = sum(found.values()) / len(found)
        return ItemScore(item.id, item.group, {"overall": average, **found}, average, "", notes)

    def figures(self, scores: Sequence[ItemScore], complete: bool) -> list[Figure]:  # noqa: ARG002
        """See `Benchmark.figures`: the mean of the axes, each axis, and the mean of each task."""
        found = [mean_figure(name, name, scores, 10) for name in ("overall", *_AXES)]
        tasks = dict.fromkeys(score.group for score in scores)
        by_task = {task: [score for score in scores if score.group == task] for task in tasks}
        return found + [mean_figure(f"task: {task}", "overall", part, 10) for task, part in by_task.items()]


def _id(row: DataRow) -> str:
    """Returns an item's uid: given, or made of the numbers of task, subtask and record."""
    given = row.fields.get("total_uid")
    if given is not None:
        return str(given)
    numbers = [text_field(row, name) for name in ("meta_task_id", "subtask_id", "data_id")]
    if not all(number.isdecimal() for number in numbers):
        raise InputError(f"A record in {row.folder} has neither total_uid nor the numbers of its task: {numbers}.")
    return f"{int(numbers[0]):02d}{int(numbers[1]):02d}{int(numbers[2]):03d}"


def _pieces(
    row: DataRow, kind: str, files: AnswerFiles, *, beside: bool = False
) -> tuple[tuple[Piece, ...], list[str]]:
    """Returns the texts and images of one side of a conversation, and the images that cannot be read."""
    turns = row.fields["conversations"]
    sides = [turn[kind] for turn in turns if isinstance(turn, dict) and kind in turn] if isinstance(turns, list) else []
    pieces: list[Piece] = []
    lost: list[str] = []
    for part in (part for side in sides if isinstance(side, list) for part in side):
        if not isinstance(part, dict):
            raise InputError(f"The {kind} of item {_id(row)} must be a list of objects with text and image.")
        text = str(part.get("text") or "").replace("<BEGIN>", "").replace("<image>", "").strip()
        pieces += [text] if text else []
        path = part.get("image")
        if path:
            # Answers name their images with folders of the machine that made them.
            name = str(path).rpartition("/")[2] if beside else str(path)
            image = files.resolve(name, row.folder)
            pieces += [] if image is None else [image]
            lost += [str(path)] if image is None else []
    return tuple(pieces), lost
