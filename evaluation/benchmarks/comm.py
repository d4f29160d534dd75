"""CoMM, tasks 3 and 4: continue an interleaved sequence, and answer a question with one.

Three questions about each answer: scores of its images and its completeness; a description of every image from the
text alone, with the images hidden; and how well the images match these descriptions, which is the image-text
relevance. All scores are 0..10. At most ten images are shown, those of the request included; what follows the last of
them is cut.

Decided differently from the published script: a missing answer scores 0, while the script leaves it out; the text
before the first numbered step is shown; an answer without images has relevance 0 without a third question. As in the
script, an item with an unusable judgment is left out, a score of null or "NA" counts as 0, and an item of task 3 whose
request has ten images is left out.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import ClassVar

from pydantic import JsonValue

from interleavethinker.evaluation.judges.questions import ImageFile, ImageForm, JudgeQuestion
from interleavethinker.evaluation.statistics import mean
from interleavethinker.tools.errors import InputError, ModelAnswerError

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
from .prompt_files import PromptFiles
from .readings import number_in, object_in, one_of

__all__ = ["Comm"]

_FORM = ImageForm(max_side=512, jpeg=True)
_MAX_IMAGES = 10
_PLACEHOLDER = re.compile(r"<IMAGE>")
_COHERENCE = {
    "style": "style_consistency",
    "entity": "entity_consistency",
    "trend": "trend_consistency",
    "overall consistency": "overall_consistency",
}
_METRICS = (*_COHERENCE, "completeness", "image quality", "image-text relevance")
_PAPER = "InterleaveThinker, arXiv 2606.13679"
_ANCHORS = (
    Anchor(
        "InterleaveThinker, FLUX.2-klein",
        {
            f"{task}: {metric}": value
            for task, values in (("task 3", (9.3, 9.2, 9.1, 9.1, 9.7, 5.2)), ("task 4", (9.6, 9.6, 9.5, 9.6, 9.8, 8.2)))
            for metric, value in zip(
                ("style", "entity", "trend", "completeness", "image quality", "image-text relevance"),
                values,
                strict=True,
            )
        },
        _PAPER,
    ),
)


class Comm:
    """CoMM, tasks 3 and 4."""

    name: ClassVar[str] = "comm"
    title: ClassVar[str] = "CoMM"
    protocols: ClassVar[tuple[ProtocolVersion, ...]] = (
        ProtocolVersion("gpt4o", "gpt-4o", 1.0, "Tasks 3 and 4, judged as in CoMM's script for GPT-4o.", _ANCHORS),
    )
    prompt_names: ClassVar[tuple[str, ...]] = ("comm_scores", "comm_descriptions", "comm_matches")
    one_image: ClassVar[bool] = False
    rules: ClassVar[tuple[str, ...]] = (
        "A missing answer scores 0 in every metric; it is not shown to the judge.",
        "An item with an unusable judgment is left out, as in the published script.",
        "A score of null or “NA” counts as 0.",
        "At most ten images are shown, those of the request included; the rest of the answer is cut.",
        "The mean over the metrics is this project's, for comparisons of runs.",
    )

    def __init__(self, protocol: ProtocolVersion, prompts: PromptFiles) -> None:
        self.protocol = protocol
        self._prompts = prompts

    def items(self, rows: Sequence[DataRow], files: AnswerFiles) -> list[Item]:
        """See `Benchmark.items`: folders `<id>_task3` and `<id>_task4` with `results.json`; no others."""
        return [self._item(row, files) for row in rows if row.name.endswith(("_task3", "_task4"))]

    def _item(self, row: DataRow, files: AnswerFiles) -> Item:
        task, text = row.name.rpartition("_")[2], text_field(row, "model_input")
        if task == "task4":
            return Item(row.name, task, (text,))
        paths = _paths(row, "input_image_list")
        images = [files.resolve(path, row.folder / "origin", row.folder) for path in paths]
        lost = [path for path, image in zip(paths, images, strict=True) if image is None]
        if lost:
            raise InputError(f"The input images {', '.join(lost)} of {row.name} cannot be read in {row.folder}.")
        return Item(row.name, task, _interleaved(text, [image for image in images if image is not None])[0])

    def answers(self, files: AnswerFiles, items: Sequence[Item]) -> tuple[dict[str, BenchmarkAnswer], int]:  # noqa: ARG002
        """See `Benchmark.answers`: `model_output` and `prediction_image_list` of the same folders."""
        found: dict[str, BenchmarkAnswer] = {}
        for row in files.rows():
            if not row.name.endswith(("_task3", "_task4")) or "model_output" not in row.fields:
                continue
            paths = _paths(row, "prediction_image_list")
            images = [files.resolve(path, row.folder) for path in paths]
            pieces, problem = _interleaved(str(row.fields["model_output"]), [one for one in images if one is not None])
            lost = [path for path, image in zip(paths, images, strict=True) if image is None]
            problem = f"These images cannot be read: {', '.join(lost)}." if lost else problem
            found[row.name] = BenchmarkAnswer(pieces, problem)
        return found, 0

    def questions(self, item: Item, answer: BenchmarkAnswer) -> list[Asked]:
        """See `Benchmark.questions`: the scores, and the descriptions if there are images."""
        if answer.missing or self._too_many(item):
            return []
        asked, shown = _tagged(item.request, 0, shown=True)
        output, last = _tagged(answer.pieces, shown, shown=True)
        hidden, _ = _tagged(answer.pieces, shown, shown=False)
        found = [self._asked("scores", ("INPUT:", *asked, "OUTPUT:", *output))]
        if last > shown:
            found.append(self._asked("descriptions", ("INPUT:", *asked, "OUTPUT:", *hidden)))
        return found

    def further_questions(self, item: Item, answer: BenchmarkAnswer, replies: Replies) -> list[Asked]:
        """See `Benchmark.further_questions`: how well the images match their descriptions."""
        descriptions = replies.get("descriptions")
        if not isinstance(descriptions, list):
            return []
        images = list(answer.images)[: _MAX_IMAGES - _images_in(item.request)]
        parts: list[Piece] = []
        for number in range(max(len(descriptions), len(images))):
            if number < len(descriptions):
                parts.append(f"<Description_{number}> {descriptions[number]} </Description_{number}>")
            if number < len(images):
                parts += [f"<Img_{number}>", images[number], f"</Img_{number}>"]
        return [self._asked("matches", tuple(parts))]

    def _asked(self, key: str, parts: tuple[Piece, ...]) -> Asked:
        return Asked(key, JudgeQuestion("comm-1", parts, self._prompts.fill(f"comm_{key}"), _FORM))

    @staticmethod
    def _too_many(item: Item) -> bool:
        return item.group == "task3" and _images_in(item.request) >= _MAX_IMAGES

    def read(self, key: str, text: str) -> JsonValue:
        """See `Benchmark.read`: our flat JSON, or the nested JSON that the published prompts ask for."""
        answer = object_in(text)
        if key == "descriptions":
            return _descriptions(answer)
        if key == "matches":
            return _score(one_of(_inner(answer, "Consistency"), "overall_score", "score"), "overall_score")
        scores = _inner(answer, "scores")
        coherence = _inner(_inner(scores, "Image_Coherence"), "overall_score")
        found: dict[str, JsonValue] = {
            metric: _score(one_of(coherence, name), name) for metric, name in _COHERENCE.items()
        }
        found["completeness"] = _score(one_of(scores, "Completeness"), "completeness")
        found["image quality"] = _score(one_of(scores, "Image_Quality"), "image_quality")
        return found

    def score(self, item: Item, answer: BenchmarkAnswer, replies: Replies) -> ItemScore:
        """See `Benchmark.score`: the seven metrics and their mean, 0..10."""
        notes = (answer.problem,) if answer.problem else ()
        if self._too_many(item):
            values: dict[str, float | None] = dict.fromkeys(("mean", *_METRICS))
            return ItemScore(item.id, item.group, values, None, f"the request has {_MAX_IMAGES} images", notes)
        scores, matches = replies.get("scores"), replies.get("matches")
        relevance = 0.0 if not answer.images else float(matches) if isinstance(matches, int | float) else None
        if answer.missing:
            values = dict.fromkeys(("mean", *_METRICS), 0.0)
            return ItemScore(item.id, item.group, values, 0.0, "", notes)
        if not isinstance(scores, dict) or relevance is None:
            values = dict.fromkeys(("mean", *_METRICS))
            return ItemScore(item.id, item.group, values, None, "a judgment is unusable", notes)
        found = {metric: float(str(scores[metric])) for metric in _METRICS[:-1]} | {_METRICS[-1]: relevance}
        average = sum(found.values()) / len(found)
        return ItemScore(item.id, item.group, {"mean": average, **found}, average, "", notes)

    def figures(self, scores: Sequence[ItemScore], complete: bool) -> list[Figure]:  # noqa: ARG002
        """See `Benchmark.figures`: the mean of all metrics, then each metric of each task."""
        found = [_figure("mean", "mean", scores)]
        for task in ("task3", "task4"):
            part = [score for score in scores if score.group == task]
            name = f"task {task[-1]}"
            found += [_figure(f"{name}: {metric}", metric, part) for metric in _METRICS if part]
        return found


def _figure(name: str, metric: str, scores: Sequence[ItemScore]) -> Figure:
    values = [value for score in scores if (value := score.values[metric]) is not None]
    return Figure(name, mean(values) if values else None, 10, "" if values else "no item counts")


def _paths(row: DataRow, name: str) -> list[str]:
    listed = row.fields.get(name) or []
    return [str(path) for path in listed] if isinstance(listed, list) else []


def _images_in(pieces: Sequence[Piece]) -> int:
    return sum(not isinstance(piece, str) for piece in pieces)


def _interleaved(text: str, images: Sequence[ImageFile]) -> tuple[tuple[Piece, ...], str]:
    """Puts images in place of the placeholders; returns the pieces, and what does not fit."""
    texts = _PLACEHOLDER.split(text)
    pieces: list[Piece] = []
    for number, part in enumerate(texts):
        if part.strip():
            pieces.append(part.strip())
        if number < len(texts) - 1 and number < len(images):
            pieces.append(images[number])
    wanted = len(texts) - 1
    problem = "" if wanted == len(images) else f"The text has {wanted} places for {len(images)} images."
    return tuple(pieces), problem


def _tagged(pieces: Sequence[Piece], first: int, *, shown: bool) -> tuple[list[Piece], int]:
    """Encloses images in numbered tags, and stops after the tenth; returns the pieces and the next number."""
    found: list[Piece] = []
    number = first
    for piece in pieces:
        if isinstance(piece, str):
            found.append(piece)
            continue
        found += [f"<Img_{number}>", *([piece] if shown else []), f"</Img_{number}>"]
        number += 1
        if number >= _MAX_IMAGES:
            break
    return found, number


def _inner(answer: Mapping[str, object], name: str) -> Mapping[str, object]:
    """Returns an object inside another one, or the outer one if the inner is missing: our prompts ask for flat JSON."""
    inner = answer.get(name)
    return inner if isinstance(inner, dict) else answer


def _score(value: object, name: str) -> float:
    if isinstance(value, dict):
        value = value.get("Score", value.get("overall_score"))
    if value is None or (isinstance(value, str) and value.strip().upper() in {"NA", "N/A", "NULL", "NONE"}):
        return 0.0
    return number_in(value, name, 0, 10)


def _descriptions(answer: Mapping[str, object]) -> JsonValue:
    inner = _inner(_inner(answer, "Tasks"), "Create an Interleaved Text-Image Document")
    listed = inner.get("images", inner)
    texts = list(listed.values()) if isinstance(listed, dict) else listed
    if not isinstance(texts, list) or not texts or not all(isinstance(text, str) for text in texts):
        raise ModelAnswerError('There must be {"images": [one description for each hidden image]}.')
    return [str(text) for text in texts]
