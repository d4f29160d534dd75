"""UEval: open and closed questions whose answers have text and images, judged by rubrics, one call for each rubric.

- Protocol `official`: as the published script asks and averages.
- Protocol `paper`: the requests lack the words "both visually and textually", as in the paper's runs.
- Protocol `lmms-eval`: the judge explains each verdict; unusable judgments leave the denominator; an item without
  rubrics of a kind scores 0 for it; all averages are unweighted means over the tasks.

Text rubrics are judged from the question and the answer's text. Image rubrics of open tasks are judged from the
question, the text and all images; those of closed tasks from the question and the images. The rate of a kind is the
share of its rubrics that are met; "not sure" counts as not met.

Decided differently from the published script: item ids are compared as text, while the script finds no answer to an
item whose id is a number; a judgment that stays unusable counts as not met, while the script drops the whole item.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar

from pydantic import JsonValue

from interleavethinker.evaluation.judges.questions import JudgeQuestion
from interleavethinker.evaluation.statistics import mean, stratified_mean
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
from .frame import PromptedBenchmark, unreadable
from .prompt_files import PromptFiles
from .readings import object_in, one_of

__all__ = ["UEval"]

_OPEN, _CLOSED = ("art", "life", "tech", "exercise"), ("space", "textbook", "diagram", "paper")
_PHRASE = " both visually and textually"
_YES, _NO = {"true", "yes", "y", "1"}, {"false", "no", "n", "0"}
_PAPER = "InterleaveThinker, arXiv 2606.13679, with FLUX.2-klein-9B"
_ANCHORS = tuple(
    Anchor(name, {"average": average, "text": text, "image": image}, _PAPER)
    for name, text, image, average in (
        ("generator alone", 0.0, 36.4, 18.2),
        ("planner, no critic", 58.5, 61.8, 60.2),
        ("full SFT", 58.6, 70.4, 64.5),
        ("full RL", 58.6, 74.0, 66.3),
        ("Gemini-2.5-Pro in both roles", 74.8, 79.9, 77.4),
    )
) + tuple(
    Anchor(name, {"average": average}, "arXiv 2606.13679")
    for name, average in (("Nano Banana Pro", 76.1), ("GPT-5-Thinking", 66.4), ("Nano Banana", 66.0), ("BAGEL", 31.0))
)


class UEval(PromptedBenchmark):
    """UEval under one protocol."""

    name: ClassVar[str] = "ueval"
    title: ClassVar[str] = "UEval"
    protocols: ClassVar[tuple[ProtocolVersion, ...]] = (
        ProtocolVersion("official", "gemini-2.5-pro", None, "Asked and averaged as in UEval's script.", _ANCHORS, 1000),
        ProtocolVersion(
            "paper",
            "gemini-2.5-pro",
            None,
            "As official, but the requests lack the words “both visually and textually”.",
            _ANCHORS,
            1000,
        ),
        ProtocolVersion(
            "lmms-eval",
            "gemini-2.5-pro",
            None,
            "Averaged as in lmms-eval's task `ueval`: figures of the official protocol are not comparable.",
            (),
            1000,
        ),
    )
    prompt_names: ClassVar[tuple[str, ...]] = ("ueval_text", "ueval_image_open", "ueval_image_closed", "ueval_explain")
    one_image: ClassVar[bool] = False
    rules: ClassVar[tuple[str, ...]] = (
        "A missing answer is judged as an empty one: its rubrics are asked about, without text and images.",
        "“Not sure” counts as not met.",
        "A rubric without a usable judgment counts as not met; under lmms-eval it leaves the denominator.",
        "An item without rubrics of a kind has no rate of that kind; under lmms-eval the rate is 0.",
        "An item's average is the mean of its rates; the headline is the unweighted mean over the tasks.",
    )

    def __init__(self, protocol: ProtocolVersion, prompts: PromptFiles) -> None:
        super().__init__(protocol, prompts)
        self._lmms = protocol.name == "lmms-eval"

    def items(self, rows: Sequence[DataRow], files: AnswerFiles) -> list[Item]:  # noqa: ARG002 - requests have no images
        """See `Benchmark.items`. Reads the current form and both older ones."""
        return [self._item(row) for row in rows]

    def _item(self, row: DataRow) -> Item:
        task = text_field(row, "task", "task_type").strip().lower()
        prompt = text_field(row, "prompt")
        request = prompt.replace(_PHRASE, "") if self.protocol.name == "paper" else prompt
        # The script derives the type from the task and takes unknown tasks for open ones; lmms-eval reads the field.
        kind = "closed" if task in _CLOSED else "open"
        if self._lmms:
            kind = text_field(row, "question_type", default="open")
        fields: dict[str, JsonValue] = {
            "question": prompt,
            "kind": kind,
            "text": [*_rubrics(row, "text_rubrics")],
            "image": [*_rubrics(row, "image_rubrics")],
        }
        return Item(text_field(row, "id"), task, (request,), fields)

    def answers(self, files: AnswerFiles, items: Sequence[Item]) -> tuple[dict[str, BenchmarkAnswer], int]:  # noqa: ARG002
        """See `Benchmark.answers`: records with `id`, `text_answer`, `image_answer`; the last of an id counts.

        The published script that calls Gemini writes `gemini_text_ans` and `gemini_image_ans`; those are read too.
        """
        found: dict[str, BenchmarkAnswer] = {}
        rows = [row for row in files.rows() if row.fields.get("id") is not None]
        for row in rows:
            text, listed = _answer(row, "text") or "", _answer(row, "image") or []
            paths = [str(path) for path in (listed if isinstance(listed, list) else [listed]) if path]
            images = [files.resolve(path, row.folder) for path in paths]
            pieces: list[Piece] = [str(text)] if text else []
            lost = [path for path, image in zip(paths, images, strict=True) if image is None]
            problem = unreadable(lost)
            pieces += [image for image in images if image is not None]
            found[str(row.fields["id"])] = BenchmarkAnswer(tuple(pieces), problem)
        return found, len(rows) - len(found)

    def questions(self, item: Item, answer: BenchmarkAnswer) -> list[Asked]:
        """See `Benchmark.questions`: one for each rubric."""
        shown = {"question": str(item.fields["question"]), "answer": answer.text}
        asked = []
        for kind in ("text", "image"):
            name = "ueval_text" if kind == "text" else f"ueval_image_{item.fields['kind']}"
            images = answer.images if kind == "image" else ()
            for number, rubric in enumerate(_texts(item.fields[kind])):
                text = self._prompts.fill(name, rubric=rubric, **shown)
                text += "\n\n" + self._prompts.fill("ueval_explain") if self._lmms else ""
                asked.append(Asked(f"{kind}/{number}", JudgeQuestion("ueval-1", (text, *images))))
        return asked

    def read(self, key: str, text: str) -> JsonValue:  # noqa: ARG002 - all answers have the same form
        """See `Benchmark.read`: true, false, or the judge's own word, such as "not sure"."""
        met = one_of(object_in(text), "criteria_met")
        word = str(met).strip().lower()
        return True if word in _YES else False if word in _NO else word

    def score(self, item: Item, answer: BenchmarkAnswer, replies: Replies) -> ItemScore:
        """See `Benchmark.score`: the rates of both kinds and their mean, 0..100."""
        values = {kind: self._rate(item, kind, replies) for kind in ("text", "image")}
        rates = [rate for rate in values.values() if rate is not None]
        average = sum(rates) / len(rates) if rates else None
        notes = (answer.problem,) if answer.problem else ()
        skipped = "" if rates else "it has no rubrics"
        return ItemScore(item.id, item.group, {"average": average, **values}, average, skipped, notes)

    def _rate(self, item: Item, kind: str, replies: Replies) -> float | None:
        judged = [replies.get(f"{kind}/{number}") for number in range(len(_texts(item.fields[kind])))]
        if self._lmms:
            judged = [reply for reply in judged if reply is not None]
        if not judged:
            return 0.0 if self._lmms else None
        return 100 * sum(reply is True for reply in judged) / len(judged)

    def figures(self, scores: Sequence[ItemScore], complete: bool) -> list[Figure]:  # noqa: ARG002
        """See `Benchmark.figures`: the mean over tasks, the mean rates of text and image, and each task's mean."""
        found = []
        for metric in ("average", "text", "image"):
            by_task: dict[str, list[float]] = {}
            for score in scores:
                value = score.values[metric]
                if value is not None:
                    by_task.setdefault(score.group, []).append(value)
            pooled = [value for values in by_task.values() for value in values]
            over_tasks = metric == "average" or self._lmms
            estimate = stratified_mean(by_task) if over_tasks else mean(pooled)
            found.append(
                Figure(metric, estimate if pooled else None, 100, "" if pooled else "no item has such rubrics")
            )
            if metric == "average":
                order = sorted(by_task, key=lambda task: ((*_OPEN, *_CLOSED, task).index(task), task))
                tasks = [Figure(task, mean(by_task[task]), 100) for task in order]
        return [*found, *tasks]


def _answer(row: DataRow, kind: str) -> JsonValue:
    """Returns the answer's text or images, under the name of the submissions or that of a published generator."""
    fields = row.fields
    if f"{kind}_answer" in fields:
        return fields[f"{kind}_answer"]
    return next((value for name, value in fields.items() if name.endswith(f"_{kind}_ans")), None)


def _rubrics(row: DataRow, name: str) -> list[str]:
    """Returns rubrics that are texts, or objects with the text in `criterion`."""
    listed = row.fields.get(name) or []
    if not isinstance(listed, list):
        raise InputError(f"{name} of item {row.fields.get('id')!r} must be a list; got {type(listed).__name__}.")
    texts = [str(rubric.get("criterion") or "") if isinstance(rubric, dict) else str(rubric or "") for rubric in listed]
    return [text for text in texts if text]


def _texts(value: JsonValue) -> list[str]:
    return [str(text) for text in value] if isinstance(value, list) else []
