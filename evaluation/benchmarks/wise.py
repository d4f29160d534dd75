"""WISE: images for prompts that need world knowledge, judged one by one.

- Protocol `legacy` (2025): consistency, realism and aesthetics, 0..2 each; WiScore = (0.7 C + 0.2 R + 0.1 A) / 2.
- Protocol `verified` (since April 2026): one binary score an image; other data, categories and weights.

Categories follow from the ids. The overall score is their weighted sum, and needs all 1,000 ids.

Decided differently from the published scripts: a missing image scores 0 and an unusable judgment 0, and both are
counted. The scripts leave both out, which makes the overall score impossible; the one of 2025 wrote 999 for an unusable
judgment, which entered the average as a WiScore of 499.5. A score beyond the scale, or two different ones, are asked
for again; the scripts take any digit, and the first one.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import ClassVar

from pydantic import JsonValue

from interleavethinker.evaluation.judges.questions import JudgeQuestion
from interleavethinker.evaluation.statistics import mean, stratified_mean
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
from .frame import PromptedBenchmark, image_notes
from .prompt_files import PromptFiles
from .readings import answer_lines, number_in, object_in, one_of

__all__ = ["Wise"]

_IDS = 1000
_EXPLANATION = ("Explanation", "explanation", "Hint")
_ENDS: Mapping[str, Mapping[str, int]] = {
    "legacy": {"culture": 400, "time": 567, "space": 700, "biology": 800, "physics": 900, "chemistry": 1000},
    "verified": {"culture": 400, "time": 520, "space": 640, "biology": 760, "physics": 880, "chemistry": 1000},
}
"""The last id of each category."""
_WEIGHTS: Mapping[str, Mapping[str, float]] = {
    "legacy": {"culture": 0.4, "time": 0.167, "space": 0.133, "biology": 0.1, "physics": 0.1, "chemistry": 0.1},
    "verified": {"culture": 0.4, "time": 0.12, "space": 0.12, "biology": 0.12, "physics": 0.12, "chemistry": 0.12},
}
_PARTS = {"consistency": 0.7, "realism": 0.2, "aesthetic quality": 0.1}
_LEGACY_LINES = re.compile(r"^\s*([0-2])\s*$", re.MULTILINE)
"""Three numbers without names, which the published script reads too."""
_VERIFIED_LINE = re.compile(r"score\W{0,8}([01])\b|^\s*([01])\s*$", re.IGNORECASE | re.MULTILINE)


def _anchors(source: str, overall: Mapping[str, float]) -> tuple[Anchor, ...]:
    return tuple(Anchor(model, {"overall": value}, source) for model, value in overall.items())


class Wise(PromptedBenchmark):
    """WISE under one protocol."""

    name: ClassVar[str] = "wise"
    title: ClassVar[str] = "WISE"
    protocols: ClassVar[tuple[ProtocolVersion, ...]] = (
        ProtocolVersion(
            "verified",
            "Qwen3.5-35B-A3B",
            0.0,
            "WISE Verified of April 2026: binary scores, thinking of the judge off.",
            _anchors(
                "WISE Verified leaderboard, April 2026",
                {
                    "NanoBanana-Pro": 0.876,
                    "GPT-Image-1.5": 0.825,
                    "FLUX.2-dev": 0.565,
                    "Qwen-Image-2512": 0.499,
                    "FLUX.2-klein-9B": 0.44,
                },
            ),
            _IDS,
        ),
        ProtocolVersion(
            "legacy",
            "gpt-4o-2024-05-13",
            0.0,
            "WISE of 2025: consistency, realism and aesthetics.",
            _anchors("WISE leaderboard, 2025", {"GPT4o": 0.8, "Qwen-Image": 0.62, "BAGEL": 0.52, "FLUX.1-dev": 0.5})
            + _anchors(
                "InterleaveThinker, arXiv 2606.13679",
                {
                    "FLUX.2-klein-9B": 0.47,
                    "InterleaveThinker, FLUX.2-klein-9B": 0.73,
                    "Qwen-Image-Edit-2511": 0.6,
                    "InterleaveThinker, Qwen-Image-Edit-2511": 0.72,
                },
            ),
            _IDS,
        ),
    )
    prompt_names: ClassVar[tuple[str, ...]] = ("wise_verified", "wise_legacy")
    one_image: ClassVar[bool] = True
    rules: ClassVar[tuple[str, ...]] = (
        "Of several images the last one is judged.",
        "A missing image scores 0; it is not shown to the judge.",
        "An image without a usable judgment scores 0.",
        "The overall score needs all 1,000 ids; the categories do not.",
    )

    def __init__(self, protocol: ProtocolVersion, prompts: PromptFiles) -> None:
        super().__init__(protocol, prompts)
        self._prompt = f"wise_{protocol.name}"

    def items(self, rows: Sequence[DataRow], files: AnswerFiles) -> list[Item]:  # noqa: ARG002 - requests have no images
        """See `Benchmark.items`. Beside the originals, files with `rewrite` in their names are left out."""
        originals = [row for row in rows if "rewrite" not in row.name]
        found = [self._item(row) for row in originals or rows]
        return sorted(found, key=lambda item: int(item.id))

    def _item(self, row: DataRow) -> Item:
        number = text_field(row, "prompt_id", "id")
        if not number.isdecimal():
            raise InputError(f"prompt_id must be a whole number; got {number!r} in {row.folder}.")
        ends = _ENDS[self.protocol.name]
        group = next((name for name, end in ends.items() if 1 <= int(number) <= end), None)
        if group is None:
            raise InputError(f"prompt_id must be between 1 and {_IDS}; got {number}.")
        prompt = text_field(row, "Prompt", "prompt")
        fields: dict[str, JsonValue] = {"prompt": prompt, "explanation": text_field(row, *_EXPLANATION, default="")}
        return Item(str(int(number)), group, (prompt,), fields)

    def answers(self, files: AnswerFiles, items: Sequence[Item]) -> tuple[dict[str, BenchmarkAnswer], int]:
        """See `Benchmark.answers`: images `<id>.png`."""
        found = {item.id: files.image(item.id, f"images/{item.id}") for item in items}
        return {name: BenchmarkAnswer((image,)) for name, image in found.items() if image is not None}, 0

    def questions(self, item: Item, answer: BenchmarkAnswer) -> list[Asked]:
        """See `Benchmark.questions`: one, if there is an image."""
        if not answer.images:
            return []
        shown = {name: str(value) for name, value in item.fields.items()}
        question = JudgeQuestion("wise-1", (self._prompts.fill(self._prompt, **shown), answer.images[-1]))
        return [Asked("image", question)]

    def read(self, key: str, text: str) -> JsonValue:  # noqa: ARG002 - there is one question
        """See `Benchmark.read`: JSON, or the lines that the published prompts ask for."""
        answer = answer_lines(text)
        return _verified(answer) if self.protocol.name == "verified" else _legacy(answer)

    def score(self, item: Item, answer: BenchmarkAnswer, replies: Replies) -> ItemScore:
        """See `Benchmark.score`: the WiScore, 0..1."""
        reply = replies.get("image")
        notes = image_notes(answer)
        if isinstance(reply, dict):
            parts: dict[str, float | None] = {name: _number(reply[name]) for name in _PARTS}
            value = sum(weight * _number(reply[name]) for name, weight in _PARTS.items()) / 2
            return ItemScore(item.id, item.group, {"wiscore": value, **parts}, value, "", notes)
        value = _number(reply) if reply is not None else 0.0
        return ItemScore(item.id, item.group, {"wiscore": value}, value, "", notes)

    def figures(self, scores: Sequence[ItemScore], complete: bool) -> list[Figure]:
        """See `Benchmark.figures`: the overall score and the categories, 0..1."""
        by_group: dict[str, list[float]] = {name: [] for name in _ENDS[self.protocol.name]}
        for score in scores:
            by_group[score.group].append(score.main or 0.0)
        found = [Figure(name, mean(values), 1) for name, values in by_group.items() if values]
        if complete and len(scores) == _IDS:
            return [Figure("overall", stratified_mean(by_group, _WEIGHTS[self.protocol.name]), 1), *found]
        reason = f"needs all {_IDS} ids; this run has {len(scores)}"
        return [Figure("overall", None, 1, reason), Figure("mean", mean([s.main or 0.0 for s in scores]), 1), *found]


def _verified(text: str) -> JsonValue:
    if "{" in text:
        score = number_in(one_of(object_in(text), "score"), "score", 0, 1)
        if score not in {0.0, 1.0}:
            raise ModelAnswerError("score must be 0 or 1.")
        return score
    found = {match[1] or match[2] for match in _VERIFIED_LINE.finditer(text)}
    if len(found) != 1:
        raise ModelAnswerError("There must be one score, 0 or 1.")
    return float(found.pop())


def _legacy(text: str) -> JsonValue:
    if "{" in text:
        answer = object_in(text)
        return {name: number_in(one_of(answer, name), name, 0, 2) for name in _PARTS}
    plain = _LEGACY_LINES.findall(text)
    if len(plain) == len(_PARTS):
        return dict(zip(_PARTS, map(float, plain), strict=True))
    scores: dict[str, JsonValue] = {}
    for name in _PARTS:
        found = re.search(rf"{name}\W{{0,8}}([012])\b", text, re.IGNORECASE)
        if found is None:
            raise ModelAnswerError(f"The score of {name} is missing.")
        scores[name] = float(found[1])
    return scores


def _number(value: JsonValue) -> float:
    return float(value) if isinstance(value, int | float) else 0.0
