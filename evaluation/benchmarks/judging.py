"""Asks a judge about all answers of a benchmark, many at once, and scores them.

Every answer of the judge is on disk when it counts, so the same call after a kill repeats none of them. If a call
fails for good, the calls in flight still finish and are saved before the error is raised.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial

from pydantic import JsonValue

from interleavethinker.evaluation.judges.chat import ChatJudge, Judgment
from interleavethinker.evaluation.progress import StageProgress, ignore_progress
from interleavethinker.tools.errors import InterleaveError, ModelError

from .benchmark import Asked, Benchmark, BenchmarkAnswer, Item, ItemScore

__all__ = ["JudgedItem", "judge_answers"]


@dataclass(frozen=True)
class JudgedItem:
    """An item with its scores and what became of its questions."""

    score: ItemScore
    questions: int
    reasked: int
    """Questions whose first answer was unusable."""
    unreadable: int
    """Questions without a usable answer."""
    replies: Mapping[str, JsonValue]
    """What was read from each answer; None if unreadable."""


async def judge_answers(
    benchmark: Benchmark,
    items: Sequence[Item],
    answers: Mapping[str, BenchmarkAnswer],
    judge: ChatJudge,
    *,
    at_once: int = 16,
    progress: StageProgress = ignore_progress,
) -> list[JudgedItem]:
    """Judges and scores all items, in order.

    Args:
        benchmark: The benchmark.
        items: The items.
        answers: The answer to each item, by its id.
        judge: The judge, which limits the calls.
        at_once: How many items are in progress.
        progress: Called for every judged item.

    Raises:
        ModelError: The judge's model failed or could not be reached.
        StoreError: An image is missing, or an answer cannot be saved.
    """
    found: dict[int, JudgedItem] = {}
    failures: list[InterleaveError] = []
    waiting = iter(enumerate(items))

    async def work(jobs: Iterator[tuple[int, Item]]) -> None:
        for number, item in jobs:
            if failures:
                return
            try:
                found[number] = await _judge_item(benchmark, item, answers[item.id], judge)
            except InterleaveError as error:
                failures.append(error)
                return
            progress("judging", len(found), len(items))

    async with asyncio.TaskGroup() as group:
        for _ in range(min(len(items), at_once)):
            group.create_task(work(waiting))
    if failures:
        if isinstance(failures[0], ModelError):
            hint = "What was judged is kept: run the same command again to resume."
            raise ModelError(f"{failures[0]} {hint}", code=failures[0].code) from failures[0]
        raise failures[0]
    return [found[number] for number in range(len(items))]


async def _judge_item(benchmark: Benchmark, item: Item, answer: BenchmarkAnswer, judge: ChatJudge) -> JudgedItem:
    judgments = await _ask_all(benchmark, benchmark.questions(item, answer), judge)
    replies = {key: judgment.value for key, judgment in judgments.items()}
    further = await _ask_all(benchmark, benchmark.further_questions(item, answer, replies), judge)
    judgments |= further
    replies |= {key: judgment.value for key, judgment in further.items()}
    return JudgedItem(
        benchmark.score(item, answer, replies),
        len(judgments),
        sum(judgment.answers > 1 for judgment in judgments.values()),
        sum(judgment.value is None for judgment in judgments.values()),
        replies,
    )


async def _ask_all(
    benchmark: Benchmark, questions: Sequence[Asked], judge: ChatJudge
) -> dict[str, Judgment[JsonValue]]:
    """Asks the questions about one item together; if one fails, the others finish first."""
    asking = [judge.ask(asked.question, partial(benchmark.read, asked.key)) for asked in questions]
    results = await asyncio.gather(*asking, return_exceptions=True)
    judgments: dict[str, Judgment[JsonValue]] = {}
    for asked, result in zip(questions, results, strict=True):
        if isinstance(result, BaseException):
            raise result
        judgments[asked.key] = result
    return judgments
