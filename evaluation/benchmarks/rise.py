"""RISEBench: edits that need temporal, causal, spatial or logical reasoning.

Three questions about each image: reasoning, consistency with the image before, and visual plausibility, 1..5 each.
Logical items have the first two only, as 0 or 1, mapped to 1 and 5. Items marked `consistency_free` leave consistency
out.

- Protocol `2026-04`: accuracy leaves consistency out where the score does, as in the script since April 2026.
- Protocol `2025`: a `consistency_free` item is never accurate, as in the script before.

The small version of 64 items is the same protocol on other data: its items lack `reasoning_img`, and some lack more.

Decided differently from the published script: a missing `consistency_free` (NaN in its table) is false, while the
script takes it for true in the score and so leaves consistency out of every item; `reasoning_wo_ins` concerns the
items that have it, while the script applies it to all logical items as soon as one has it; a missing image is a
failure, while the script stops; a score beyond the scale is asked for again, while the script takes it, or 1 for a
logical item. As in the script, an item with a reference image is compared with that image in the question about
consistency too, and an item with an unusable judgment has no score in any dimension.
"""

from __future__ import annotations

import math
import re
from collections.abc import Mapping, Sequence
from typing import ClassVar

from pydantic import JsonValue

from interleavethinker.evaluation.judges.questions import ImageFile, ImageForm, JudgeQuestion
from interleavethinker.evaluation.statistics import rate
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
    ProtocolVersion,
    Replies,
    text_field,
)
from .frame import PromptedBenchmark, image_notes, mean_figure
from .prompt_files import PromptFiles
from .readings import answer_lines, number_in, object_in, one_of

__all__ = ["Rise"]

_CATEGORIES = ("temporal", "causal", "spatial", "logical")
_FORM = ImageForm(max_side=768, jpeg=True)
_LINE = re.compile(r"final\s+scores?[*\s]*:?[*\s]*(\d+)", re.IGNORECASE)
_SOURCE = "RISEBench leaderboard, revised April 2026"
_ANCHORS = tuple(
    Anchor(
        model,
        dict(zip(("accuracy", *(f"accuracy, {name}" for name in _CATEGORIES)), values, strict=True)),
        _SOURCE,
    )
    for model, values in {
        "GPT-Image-1.5": (51.4, 57.6, 62.2, 62.0, 21.2),
        "GPT-Image-2": (49.4, 45.9, 66.7, 50.0, 34.1),
        "Nano Banana Pro": (48.3, 43.5, 63.3, 48.0, 37.6),
        "Nano Banana": (33.9, 29.4, 48.9, 37.0, 18.8),
        "Qwen-Image-Edit-2511": (19.4, 21.2, 18.9, 31.0, 4.7),
        "BAGEL": (5.8, 3.5, 4.4, 14.0, 0.0),
    }.items()
)
_PAPER = tuple(
    Anchor(model, {"accuracy": value}, "InterleaveThinker, arXiv 2606.13679")
    for model, value in {
        "FLUX.2-klein-9B": 13.3,
        "InterleaveThinker, FLUX.2-klein-9B": 28.9,
        "InterleaveThinker, Qwen-Image-Edit-2511": 30.0,
    }.items()
)


class Rise(PromptedBenchmark):
    """RISEBench under one protocol."""

    name: ClassVar[str] = "rise"
    title: ClassVar[str] = "RISEBench"
    protocols: ClassVar[tuple[ProtocolVersion, ...]] = (
        ProtocolVersion("2026-04", "gpt-4.1-2025-04-14", 0.0, "Scored as since April 2026.", (*_ANCHORS, *_PAPER), 360),
        ProtocolVersion(
            "2025",
            "gpt-4.1-2025-04-14",
            0.0,
            "Scored as before April 2026; the published figures were revised since.",
            (),
            360,
        ),
    )
    prompt_names: ClassVar[tuple[str, ...]] = (
        "rise_consistency",
        "rise_reasoning",
        "rise_reasoning_with_input",
        "rise_plausibility",
        "rise_spatial_consistency",
        "rise_spatial_reasoning",
        "rise_spatial_reasoning_with_input",
        "rise_spatial_plausibility",
        "rise_reference_image",
        "rise_logical_consistency",
        "rise_logical_consistency_text",
        "rise_logical_text",
        "rise_logical_image",
        "rise_logical_same",
    )
    one_image: ClassVar[bool] = True
    rules: ClassVar[tuple[str, ...]] = (
        "Accuracy: the share of items whose applicable scores are all 5. Score: 25·(s − 1) percent, s being weighted.",
        "Of several images the last one is judged.",
        "A missing image is not accurate and has the lowest score, 0 percent.",
        "An item with an unusable judgment is not accurate, and is left out of the mean scores.",
        "The prompts of the items were given to the agent unchanged.",
    )

    def __init__(self, protocol: ProtocolVersion, prompts: PromptFiles) -> None:
        super().__init__(protocol, prompts)
        self._old = protocol.name == "2025"

    def items(self, rows: Sequence[DataRow], files: AnswerFiles) -> list[Item]:
        """See `Benchmark.items`."""
        return [self._item(row, files) for row in rows if "instruction" in row.fields]

    def _item(self, row: DataRow, files: AnswerFiles) -> Item:
        identity = text_field(row, "index")
        category = text_field(row, "category").removesuffix("_reasoning")
        if category not in _CATEGORIES:
            raise InputError(f"Item {identity!r} has the unknown category {category!r}.")
        source = files.resolve(text_field(row, "image"), row.folder)
        if source is None:
            raise InputError(f"The image {row.fields['image']} of item {identity!r} cannot be read in {row.folder}.")
        images = {"source": source}
        path = _given(row, "reference_img")
        if path is not None:
            reference = files.resolve(path, row.folder)
            if reference is None:
                raise InputError(f"The image {path} of item {identity!r} cannot be read in {row.folder}.")
            images["reference"] = reference
        instruction = text_field(row, "instruction")
        with_source = _given(row, "reasoning_img") is not None
        fields: dict[str, JsonValue] = {
            "category": category,
            "instruction": instruction,
            "reference": _given(row, "reference") or "",
            "reference_txt": _given(row, "reference_txt") or "",
            "with_source": with_source,
            "without_instruction": _given(row, "reasoning_wo_ins") is not None,
            "free": _given(row, "consistency_free") is not None,
        }
        return Item(identity, category, (source, instruction), fields, images)

    def answers(self, files: AnswerFiles, items: Sequence[Item]) -> tuple[dict[str, BenchmarkAnswer], int]:
        """See `Benchmark.answers`: images `images/<category>_reasoning/<index>.png`."""
        found: dict[str, BenchmarkAnswer] = {}
        for item in items:
            names = (f"images/{item.group}_reasoning/{item.id}", f"{item.group}_reasoning/{item.id}", item.id)
            image = files.image(*names)
            if image is not None:
                found[item.id] = BenchmarkAnswer((image,))
        return found, 0

    def questions(self, item: Item, answer: BenchmarkAnswer) -> list[Asked]:
        """See `Benchmark.questions`: two or three, if there is an image."""
        if not answer.images:
            return []
        result, before = answer.images[-1], item.images.get("reference", item.images["source"])
        logical, in_words = item.fields["category"] == "logical", bool(item.fields["reference_txt"])
        if logical and in_words:
            before = item.images["source"]
        asked = [self._reasoning(item, result, before)]
        if not item.fields["free"]:
            name = f"{_series(item)}_consistency{'_text' if logical and in_words else ''}"
            asked.append(self._asked("consistency", name, item, (before, result)))
        if not logical:
            asked.append(self._asked("plausibility", f"{_series(item)}_plausibility", item, (result,)))
        return asked

    def _reasoning(self, item: Item, result: ImageFile, before: ImageFile) -> Asked:
        category, has_reference = item.fields["category"], "reference" in item.images
        if category == "logical":
            if item.fields["reference_txt"]:
                return self._asked("reasoning", "rise_logical_text", item, (result,))
            name = "rise_logical_same" if item.fields["without_instruction"] else "rise_logical_image"
            return self._asked("reasoning", name, item, (before, result))
        if category == "spatial" and has_reference:
            return self._asked("reasoning", "rise_reference_image", item, (before, result))
        if item.fields["with_source"]:
            source = item.images["source"]
            return self._asked("reasoning", f"{_series(item)}_reasoning_with_input", item, (source, result))
        return self._asked("reasoning", f"{_series(item)}_reasoning", item, (result,))

    def _asked(self, key: str, prompt: str, item: Item, images: tuple[ImageFile, ...]) -> Asked:
        reference = str(item.fields["reference_txt"] or item.fields["reference"])
        text = self._prompts.fill(prompt, instruction=str(item.fields["instruction"]), reference=reference)
        kind = "logical" if item.fields["category"] == "logical" and key != "plausibility" else "graded"
        return Asked(f"{key}/{kind}", JudgeQuestion("rise-1", (text, *images), form=_FORM))

    def read(self, key: str, text: str) -> JsonValue:
        """See `Benchmark.read`: JSON, or the line "Final Score" that the published prompts ask for."""
        low, high = (0, 1) if key.endswith("/logical") else (1, 5)
        answer = answer_lines(text)
        if "{" in answer:
            score = number_in(one_of(object_in(answer), "score", "final score"), "score", low, high)
        else:
            found = _LINE.search(answer)
            if found is None:
                raise ModelAnswerError('There must be {"score": number}.')
            score = number_in(float(found[1]), "score", low, high)
        if score != int(score):
            raise ModelAnswerError("score must be a whole number.")
        return score

    def score(self, item: Item, answer: BenchmarkAnswer, replies: Replies) -> ItemScore:
        """See `Benchmark.score`: accuracy 0 or 100, and the score in percent."""
        scores: dict[str, float | None] = dict.fromkeys(("reasoning", "consistency", "plausibility"))
        for key, reply in replies.items():
            name, _, kind = key.partition("/")
            if isinstance(reply, int | float):
                scores[name] = 4 * float(reply) + 1 if kind == "logical" else float(reply)
        expected = {asked.key.partition("/")[0] for asked in self.questions(item, answer)}
        notes = image_notes(answer)
        if not expected:
            return ItemScore(item.id, item.group, {"accuracy": 0.0, "score": 0.0, **scores}, 0.0, "", notes)
        judged = {name: scores[name] for name in expected}
        accurate = all(value == 5 for value in judged.values()) and not (self._old and item.fields["free"])
        complete = {name: value for name, value in judged.items() if value is not None}
        percent = None
        if len(complete) == len(judged):
            percent = _percent(item, complete)
        else:
            scores = dict.fromkeys(scores)
        accuracy = 100.0 if accurate else 0.0
        return ItemScore(item.id, item.group, {"accuracy": accuracy, "score": percent, **scores}, accuracy, "", notes)

    def figures(self, scores: Sequence[ItemScore], complete: bool) -> list[Figure]:  # noqa: ARG002
        """See `Benchmark.figures`: accuracy and score, in total and by category, and the mean of each dimension."""
        found = [_accuracy("accuracy", scores), mean_figure("score", "score", scores, 100)]
        for category in _CATEGORIES:
            part = [score for score in scores if score.group == category]
            if part:
                found.append(_accuracy(f"accuracy, {category}", part))
                found.append(mean_figure(f"score, {category}", "score", part, 100))
        return [*found, *(mean_figure(name, name, scores, 5) for name in ("reasoning", "consistency", "plausibility"))]


def _series(item: Item) -> str:
    """Returns how the names of the category's prompts begin."""
    return f"rise_{item.fields['category']}" if item.fields["category"] in {"spatial", "logical"} else "rise"


def _percent(item: Item, scores: Mapping[str, float]) -> float:
    reasoning = scores["reasoning"]
    if item.fields["category"] == "logical":
        # A logical item without consistency is not in the published data; its reasoning takes the whole weight.
        value = 0.3 * scores.get("consistency", reasoning) + 0.7 * reasoning
    elif item.fields["free"]:
        value = 0.8 * reasoning + 0.2 * scores["plausibility"]
    else:
        value = 0.3 * scores["consistency"] + 0.5 * reasoning + 0.2 * scores["plausibility"]
    if reasoning == 1:
        value = max(1.0, value / 2)
    return 25 * (value - 1)


def _accuracy(name: str, scores: Sequence[ItemScore]) -> Figure:
    one = rate([bool(score.main) for score in scores])
    return Figure(name, type(one)(100 * one.value, 100 * one.low, 100 * one.high, one.n), 100)


def _given(row: DataRow, name: str) -> str | None:
    """Returns a field that may be missing, null, NaN or empty."""
    value = row.fields.get(name)
    if value is None or value == "" or value is False or (isinstance(value, float) and math.isnan(value)):
        return None
    return str(value)
