"""`data prompts --write-with`: has missing bank files written, makes requests from all of them, and reports on both."""

from __future__ import annotations

import asyncio
from collections import Counter

from interleavethinker.evaluation.judges.cache import JudgeCache
from interleavethinker.evaluation.judges.chat import ChatJudge
from interleavethinker.tools.chat.loading import load_chat_model
from interleavethinker.tools.errors import InterleaveError
from interleavethinker.training.data.folder import DataFolder
from interleavethinker.training.data.requests import HELD_OUT, add_requests
from interleavethinker.training.data.summary import StageSummary

from .assembly import WrittenRequest, assemble
from .author import BankAuthor
from .banks import BankFiles, Category

__all__ = ["write_requests"]


def write_requests(folder: DataFolder, model: str, count: int, *, held_out: int, seed: int) -> StageSummary:
    """Writes requests that are not there yet, and `banks/report.md`.

    Args:
        folder: The data set; the files are in its folder `banks`.
        model: The chat model, `provider:model`. It is not called if all files exist.
        count: Number of requests for training.
        held_out: Number of further ones for the split `test`.
        seed: Seed of the requests.

    Raises:
        InterleaveError: The model failed, or a file cannot be used.
    """
    banks = BankFiles(folder.root / "banks")
    problems: Counter[str] = Counter()

    def drop(reason: str) -> None:
        problems[reason] += 1

    with folder.stage():
        judge = ChatJudge(load_chat_model(model), name=model, cache=JudgeCache(banks.root / "answers.jsonl"))
        try:
            asyncio.run(BankAuthor(banks, judge, drop).write_missing())
        except InterleaveError as error:
            error.add_note("What was written is kept: run the same command again to resume.")
            raise
        categories = banks.load(drop)
        written = list(assemble(categories, count + held_out, seed))
        banks.write(banks.root / "report.md", _report(categories, written))
        present = sum(row.split == HELD_OUT for row in folder.prompts)
    summary = add_requests(
        folder,
        (
            (f"template {one.template}", {"text": one.text, "family": one.category, "template": one.template})
            for one in written
        ),
        base=folder.root,
        held_out=max(0, held_out - present),
    )
    for reason, number in problems.items():
        summary.drop(reason, number)
    summary.drop("requests that the files have no words for; add entries or templates", count + held_out - len(written))
    return summary


def _report(categories: list[Category], written: list[WrittenRequest]) -> list[str]:
    made = Counter((one.category, one.subcategory) for one in written)
    used = Counter(one.template for one in written)
    templates = sum(len(found) for category in categories for found in category.templates.values())
    banks = sum(len(category.vocabulary) for category in categories)
    total = (
        f"{len(written)} requests from {len(categories)} categories, {len(made)} sub-categories, {banks} vocabulary "
        f"banks and {len(used)} of {templates} templates."
    )
    lines = [
        "# Requests and their sources",
        "",
        total,
        "",
        "| category | sub-category | templates | requests |",
        "| --- | --- | ---: | ---: |",
    ]
    for category in categories:
        for name, found in category.templates.items():
            lines.append(f"| {category.name} | {name} | {len(found)} | {made[category.name, name]} |")
    lines += ["", "| category | bank | entries |", "| --- | --- | ---: |"]
    for category in categories:
        lines += [f"| {category.name} | {name} | {len(entries)} |" for name, entries in category.vocabulary.items()]
    return lines
