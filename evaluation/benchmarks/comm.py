"""CoMM: text for an image sequence (task 1), images for a text (2), continue a sequence (3), answer a question (4).

Tasks 2 to 4 ask three questions about each answer: scores of its images and, except in task 2, its completeness; a
description of every image from the text; and how well the images match these descriptions, which is the image-text
relevance. Task 1 asks one, about completeness and relevance. All scores are 0..10. At most ten images are shown, those
of the request included; what follows the last of them is cut.

Not computed: what the scripts compare with reference texts and images (BLEU, METEOR, ROUGE and CIDEr of task 1; FID,
IS, SSIM, PSNR and LPIPS of task 2). They need the original documents and networks that this project does not install,
and say little about answers that may rightly differ from the reference.

Decided differently from the published script: a missing answer scores 0, while the script leaves it out; in tasks 3 and
4 the text before the first numbered step is shown, steps keep their numbers, and the text of a step whose image is
missing stays; an answer without images has relevance 0 without a third question; descriptions count whatever their
names, while the script drops the item if the judge counts from another number. As in the script, an item with an
unusable judgment is left out, a score of null or "NA" counts as 0, an item of task 3 whose request has ten images is
left out, tasks 1 and 2 pair the n-th text with the images of the n-th step and leave out what has no partner, and task
2 shows the images when it asks for descriptions (tasks 3 and 4 hide them).
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import ClassVar

from pydantic import JsonValue

from interleavethinker.evaluation.judges.questions import ImageFile, ImageForm, JudgeQuestion
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
from .frame import PromptedBenchmark, mean_figure, tagged, unreadable
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
_COMPLETENESS, _QUALITY, _RELEVANCE = "completeness", "image quality", "image-text relevance"
_METRICS: Mapping[str, tuple[str, ...]] = {
    "task1": (_COMPLETENESS, _RELEVANCE),
    "task2": (*_COHERENCE, _QUALITY, _RELEVANCE),
    "task3": (*_COHERENCE, _COMPLETENESS, _QUALITY, _RELEVANCE),
    "task4": (*_COHERENCE, _COMPLETENESS, _QUALITY, _RELEVANCE),
}
"""By task, in the order of the figures."""
_STEP = re.compile(r"\(\d+\)(?:\s|$)")
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


class Comm(PromptedBenchmark):
    """CoMM; the data decides which of its tasks are run."""

    name: ClassVar[str] = "comm"
    title: ClassVar[str] = "CoMM"
    protocols: ClassVar[tuple[ProtocolVersion, ...]] = (
        ProtocolVersion("gpt4o", "gpt-4o", 1.0, "Judged as in CoMM's script for GPT-4o.", _ANCHORS),
    )
    prompt_names: ClassVar[tuple[str, ...]] = (
        "comm_scores",
        "comm_scores_task2",
        "comm_descriptions",
        "comm_descriptions_task2",
        "comm_matches",
        "comm_texts",
    )
    one_image: ClassVar[bool] = False
    rules: ClassVar[tuple[str, ...]] = (
        "A missing answer scores 0 in every metric; it is not shown to the judge.",
        "An item with an unusable judgment is left out, as in the published script.",
        "A score of null or “NA” counts as 0.",
        "At most ten images are shown, those of the request included; the rest of the answer is cut.",
        "Tasks 1 and 2: the n-th text belongs to the images of the n-th step; what has no partner is not shown.",
        "The mean over the metrics is this project's, for comparisons of runs.",
    )

    def items(self, rows: Sequence[DataRow], files: AnswerFiles) -> list[Item]:
        """See `Benchmark.items`: folders `<id>_task1` to `<id>_task4` with `results.json`; no others."""
        return [self._item(row, files) for row in rows if _task(row) in _METRICS]

    def _item(self, row: DataRow, files: AnswerFiles) -> Item:
        task, text = _task(row), text_field(row, "model_input")
        if task in {"task2", "task4"}:
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
            if _task(row) not in _METRICS or "model_output" not in row.fields:
                continue
            paths = _paths(row, "prediction_image_list")
            images = [files.resolve(path, row.folder) for path in paths]
            pieces, problem = _interleaved(str(row.fields["model_output"]), [one for one in images if one is not None])
            lost = [path for path, image in zip(paths, images, strict=True) if image is None]
            problem = unreadable(lost) or problem
            found[row.name] = BenchmarkAnswer(pieces, problem)
        return found, 0

    def questions(self, item: Item, answer: BenchmarkAnswer) -> list[Asked]:
        """See `Benchmark.questions`: the scores, and the descriptions if there are images."""
        if answer.missing or self._too_many(item):
            return []
        if item.group == "task1":
            pairs = _paired(_steps(answer.pieces), _step_images(item.request))
            return [self._asked("texts", pairs)] if pairs else []
        if item.group == "task2":
            pairs = _paired(_steps(item.request), _step_images(answer.pieces))
            shown, _ = tagged(pairs, 0, end=_MAX_IMAGES)
            return [self._asked(f"{key}_task2", tuple(shown)) for key in ("scores", "descriptions")] if pairs else []
        asked, before = tagged(item.request, 0, end=_MAX_IMAGES)
        output, last = tagged(answer.pieces, before, end=_MAX_IMAGES)
        hidden, _ = tagged(answer.pieces, before, shown=False, end=_MAX_IMAGES)
        found = [self._asked("scores", ("INPUT:", *asked, "OUTPUT:", *output))]
        if last > before:
            found.append(self._asked("descriptions", ("INPUT:", *asked, "OUTPUT:", *hidden)))
        return found

    def further_questions(self, item: Item, answer: BenchmarkAnswer, replies: Replies) -> list[Asked]:
        """See `Benchmark.further_questions`: how well the images match their descriptions."""
        descriptions = replies.get("descriptions_task2" if item.group == "task2" else "descriptions")
        if not isinstance(descriptions, list):
            return []
        images = list(answer.images)[: _MAX_IMAGES - len(_images(item.request))]
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
        return item.group == "task3" and len(_images(item.request)) >= _MAX_IMAGES

    def read(self, key: str, text: str) -> JsonValue:
        """See `Benchmark.read`: our flat JSON, or the nested JSON that the published prompts ask for."""
        answer = object_in(text)
        if key.startswith("descriptions"):
            return _descriptions(answer)
        if key == "matches":
            return _score(one_of(_inner(answer, "Consistency"), "overall_score", "score"), "overall_score")
        if key == "texts":
            relevance = one_of(answer, "text_fidelity_to_image", "text_fidelity")
            return {
                _COMPLETENESS: _score(one_of(answer, "completeness"), "completeness"),
                _RELEVANCE: _score(relevance, "text_fidelity_to_image"),
            }
        scores = _inner(answer, "scores")
        coherence = _inner(_inner(scores, "Image_Coherence"), "overall_score")
        found: dict[str, JsonValue] = {
            metric: _score(one_of(coherence, name), name) for metric, name in _COHERENCE.items()
        }
        if key == "scores":
            found[_COMPLETENESS] = _score(one_of(scores, "Completeness"), "completeness")
        found[_QUALITY] = _score(one_of(scores, "Image_Quality"), "image_quality")
        return found

    def score(self, item: Item, answer: BenchmarkAnswer, replies: Replies) -> ItemScore:
        """See `Benchmark.score`: the metrics of the task and their mean, 0..10."""
        notes, metrics = ((answer.problem,) if answer.problem else ()), _METRICS[item.group]
        unknown: dict[str, float | None] = dict.fromkeys(("mean", *metrics))
        if self._too_many(item):
            return ItemScore(item.id, item.group, unknown, None, f"the request has {_MAX_IMAGES} images", notes)
        if not self.questions(item, answer):
            return ItemScore(item.id, item.group, dict.fromkeys(unknown, 0.0), 0.0, "", notes)
        scores = replies.get({"task1": "texts", "task2": "scores_task2"}.get(item.group, "scores"))
        found = dict(scores) if isinstance(scores, dict) else {}
        if item.group != "task1":
            found[_RELEVANCE] = replies.get("matches") if answer.images else 0.0
        values = {metric: float(str(found[metric])) for metric in metrics if found.get(metric) is not None}
        if len(values) < len(metrics):
            return ItemScore(item.id, item.group, unknown, None, "a judgment is unusable", notes)
        average = sum(values.values()) / len(values)
        return ItemScore(item.id, item.group, {"mean": average, **values}, average, "", notes)

    def figures(self, scores: Sequence[ItemScore], complete: bool) -> list[Figure]:  # noqa: ARG002
        """See `Benchmark.figures`: the mean of all metrics, then each metric of each task."""
        found = [mean_figure("mean", "mean", scores, 10)]
        for task, metrics in _METRICS.items():
            part = [score for score in scores if score.group == task]
            found += [mean_figure(f"task {task[-1]}: {metric}", metric, part, 10) for metric in metrics if part]
        return found


def _paths(row: DataRow, name: str) -> list[str]:
    listed = row.fields.get(name) or []
    return [str(path) for path in listed] if isinstance(listed, list) else []


def _task(row: DataRow) -> str:
    return row.name.rpartition("_")[2]


def _images(pieces: Sequence[Piece]) -> tuple[ImageFile, ...]:
    return tuple(piece for piece in pieces if not isinstance(piece, str))


def _steps(pieces: Sequence[Piece]) -> list[str]:
    """Returns the texts of the steps: those after the numbers "(1)", "(2)", …, or else one for each piece of text."""
    texts = [piece for piece in pieces if isinstance(piece, str)]
    numbered = _STEP.split("\n".join(texts))[1:]
    return [text.strip() for text in numbered] if numbered else texts


def _step_images(pieces: Sequence[Piece]) -> list[list[ImageFile]]:
    """Returns the images of each step: those after the numbers "(1)", "(2)", …, or else one for each image."""
    numbered = any(isinstance(piece, str) and _STEP.search(piece) for piece in pieces)
    groups: list[list[ImageFile]] = []
    for piece in pieces:
        if isinstance(piece, str):
            groups += [[] for _ in _STEP.finditer(piece)]
        elif not numbered:
            groups.append([piece])
        elif groups:
            groups[-1].append(piece)
    return groups


def _paired(texts: Sequence[str], groups: Sequence[Sequence[ImageFile]]) -> tuple[Piece, ...]:
    """Returns the n-th text before the n-th step's images, as far as both go and at most ten images are shown."""
    pieces: list[Piece] = []
    shown = 0
    for text, images in zip(texts, groups, strict=False):
        pieces += [text, *images[: _MAX_IMAGES - shown]]
        shown += len(images)
        if shown >= _MAX_IMAGES:
            break
    return tuple(pieces)


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
