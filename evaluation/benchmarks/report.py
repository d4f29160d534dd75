"""The report of a run: one JSON object with everything that a figure needs to be quoted, and its Markdown.

A figure is named with its benchmark, protocol, judge, prompts and date; beside it stand the published figures, and how
many items were missing, asked about again or unreadable, and how each of them counted.
"""

from __future__ import annotations

import json
import platform
import time
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from importlib.metadata import PackageNotFoundError, version
from typing import Any

from pydantic import JsonValue

from interleavethinker.evaluation.statistics import Estimate
from interleavethinker.tools.plain_text import quantity, quotation

from .benchmark import Figure
from .run import BenchmarkRun

__all__ = ["answer_records", "as_report", "markdown_report", "score_lines"]

Report = Mapping[str, Any]
_VERSIONS = ("interleavethinker", "langchain-core", "langgraph", "pillow")
_NOTED = 20
"""Items that the Markdown names with their notes."""


def as_report(run: BenchmarkRun, command: str = "", commit: str | None = None) -> dict[str, Any]:
    """Returns the report as JSON.

    Args:
        run: The run.
        command: The command line that made it.
        commit: The commit of the source checkout; None if there is none.
    """
    config, protocol = run.config, run.benchmark.protocol
    figures = run.benchmark.figures([one.score for one in run.counted], run.complete)
    left_out = ["Items without an answer are left out of all figures."] if config.leave_out_missing else []
    answers = [run.answers[item.id] for item in run.items]
    own = config.answers is None
    return {
        "benchmark": run.benchmark.name,
        "title": run.benchmark.title,
        "protocol": {"name": protocol.name, "note": protocol.note, "judge": protocol.judge},
        "judge": {
            "model": config.judge,
            "options": config.options_for(run.benchmark),
            "prompts": "this project's wording" if not run.prompts.replaced else f"files in {config.prompts}",
            "prompts_digest": run.prompts.digest,
            "differs": not config.judge.endswith(protocol.judge),
        },
        "data": {"source": config.data, "digest": run.data_digest, "items": len(run.data_ids)},
        "answers": {
            "source": f"profile {config.profile}" if own else config.answers,
            "experiment": config.experiment if own else None,
            "seed": config.seed if own else None,
            "missing": "left out" if config.leave_out_missing else "failures",
        },
        "counts": {
            "items": len(run.items),
            "missing": sum(answer.missing for answer in answers),
            "incomplete": sum(bool(answer.problem) and not answer.missing for answer in answers),
            "skipped": sum(bool(one.score.skipped) for one in run.judged),
            "questions": sum(one.questions for one in run.judged),
            "reasked": sum(one.reasked for one in run.judged),
            "unreadable": sum(one.unreadable for one in run.judged),
            "duplicate_items": run.duplicates,
            "replaced_answers": run.replaced,
            "unknown_answers": run.unknown,
        },
        "rules": [*left_out, *run.benchmark.rules],
        "figures": [_figure(figure) for figure in figures],
        "anchors": [{"model": one.model, "values": dict(one.values), "source": one.source} for one in protocol.anchors],
        "cost": asdict(run.usage),
        "run": {
            "command": command,
            "commit": commit,
            "date": time.strftime("%Y-%m-%d", time.gmtime()),
            "versions": _versions(),
        },
    }


def score_lines(run: BenchmarkRun) -> list[str]:
    """Returns the scores of each item as lines of JSON, for `--compare`."""
    counted = {one.score.id for one in run.counted}
    return [
        json.dumps(
            {
                "id": one.score.id,
                "group": one.score.group,
                "main": one.score.main,
                "values": dict(one.score.values),
                "skipped": one.score.skipped or ("" if one.score.id in counted else "there is no answer"),
                "notes": list(one.score.notes),
                "replies": dict(one.replies),
            },
            ensure_ascii=False,
        )
        for one in run.judged
    ]


def answer_records(run: BenchmarkRun) -> list[dict[str, JsonValue]]:
    """Returns all answers in the form of UEval's submissions, with each item's position in the data."""
    positions = {name: number for number, name in enumerate(run.data_ids)}
    return [
        {
            "id": item.id,
            "position": positions[item.id],
            "text_answer": run.answers[item.id].text,
            "image_answer": [str(image.path.absolute()) for image in run.answers[item.id].images],
        }
        for item in run.items
    ]


def markdown_report(report: Report, notes: Sequence[tuple[str, str]] = ()) -> str:
    """Returns the report as Markdown.

    Args:
        report: The report of `as_report`.
        notes: Items and what must be known about their answers.
    """
    judge, counts, run, answers = report["judge"], report["counts"], report["run"], report["answers"]
    experiment = f", experiment “{answers['experiment']}”" if answers["experiment"] else ""
    options = ", ".join(f"{name} = {value}" for name, value in judge["options"].items()) or "default options"
    differs = (
        f" The published figures were judged by {report['protocol']['judge']}: compare with care."
        if judge["differs"]
        else ""
    )
    asked = (
        f"{report['protocol']['note']} Answers: {answers['source']}{experiment}. Judge: {judge['model']} ({options}), "
        f"prompts: {judge['prompts']} ({judge['prompts_digest']}).{differs}"
    )
    counted = (
        f"{counts['items']} of {quantity(report['data']['items'], 'item')}; {quantity(counts['missing'], 'answer')} "
        f"missing, {counts['incomplete']} incomplete, {quantity(counts['skipped'], 'item')} skipped. "
        f"{quantity(counts['questions'], 'question')}, {counts['reasked']} asked again, {counts['unreadable']} "
        f"unreadable. {quantity(counts['duplicate_items'], 'duplicate item')}, "
        f"{quantity(counts['replaced_answers'], 'answer')} replaced by a later one, "
        f"{quantity(counts['unknown_answers'], 'answer')} to unknown items."
    )
    made = (
        f"Data: {report['data']['source']} ({report['data']['digest']}). {run['date']}, commit "
        f"{run['commit'] or 'unknown'}, {', '.join(f'{name} {number}' for name, number in run['versions'].items())}. "
        f"Judge calls of this run: {report['cost']['calls']}, {quantity(report['cost']['cached'], 'question')} "
        f"from the cache, {report['cost']['input_tokens']} tokens in, {report['cost']['output_tokens']} out."
    )
    lines = [
        f"# {report['title']}, protocol {report['protocol']['name']}",
        "",
        asked,
        "",
        "| figure | value | 95 % interval | items | published |",
        "| --- | ---: | --- | ---: | --- |",
        *(_line(figure, report["anchors"]) for figure in report["figures"]),
        "",
        counted,
        "",
        *(f"- {rule}" for rule in report["rules"]),
        "",
        made,
        *(["", f"`{run['command']}`"] if run["command"] else []),
    ]
    if notes:
        lines += [
            "",
            "## Notes on answers",
            "",
            *(f"- {name}: {quotation(note, 200)}" for name, note in notes[:_NOTED]),
        ]
        lines += [f"- … and {len(notes) - _NOTED} more, in `scores.jsonl`"] if len(notes) > _NOTED else []
    return "\n".join(lines) + "\n"


def _figure(figure: Figure) -> dict[str, JsonValue]:
    one = figure.estimate
    interval = None if one is None else _interval(one, figure.maximum)
    return {
        "name": figure.name,
        "value": None if one is None else round(one.value, 4),
        "low": None if interval is None else interval[0],
        "high": None if interval is None else interval[1],
        "n": 0 if one is None else one.n,
        "maximum": figure.maximum,
        "reason": figure.reason,
    }


def _interval(one: Estimate, maximum: float) -> tuple[float, float]:
    """Returns the interval within the figure's scale; one item says nothing about others, so it gives all of it."""
    if one.n < 2:
        return 0.0, maximum
    return round(max(0.0, one.low), 4), round(min(maximum, one.high), 4)


def _line(figure: Report, anchors: Sequence[Report]) -> str:
    published = [
        f"{one['model']} {one['values'][figure['name']]:g}" for one in anchors if figure["name"] in one["values"]
    ]
    if figure["value"] is None:
        return f"| {figure['name']} | – | {figure['reason']} | {figure['n']} | {'; '.join(published)} |"
    digits = 3 if figure["maximum"] <= 1 else 2 if figure["maximum"] <= 10 else 1
    value, low, high = (f"{figure[key]:.{digits}f}" for key in ("value", "low", "high"))
    return f"| {figure['name']} | {value} | [{low}, {high}] | {figure['n']} | {'; '.join(published)} |"


def _versions() -> dict[str, str]:
    found = {"python": platform.python_version()}
    for name in _VERSIONS:
        try:
            found[name] = version(name)
        except PackageNotFoundError:
            continue
    return found
