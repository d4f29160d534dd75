"""Evaluates a profile on natural requests and reports the outcomes: as JSON, as Markdown, and as a contact sheet.

The details of single requests are left out on demand, so that the sealed requests can be measured without being read.
"""

from __future__ import annotations

import asyncio
import tempfile
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache, partial
from importlib.resources import files
from pathlib import Path
from typing import TYPE_CHECKING, Any

from interleavethinker.evaluation.markdown_tables import markdown_table
from interleavethinker.evaluation.progress import StageProgress, ignore_progress
from interleavethinker.evaluation.statistics import rate
from interleavethinker.graph.profiles.opening import open_components
from interleavethinker.graph.profiles.profile import load_profile
from interleavethinker.graph.workspace.components import usable_profile
from interleavethinker.graph.workspace.workspace import Workspace
from interleavethinker.tools.errors import InputError
from interleavethinker.tools.images.png import data_uri
from interleavethinker.tools.images.store import ImageStore

from .cases import KINDS_OF_REQUESTS, NaturalRequest, Split, natural_requests
from .judging import OUTCOMES, SUCCESSES
from .running import NaturalResult, plan_requests, run_requests

if TYPE_CHECKING:
    from jinja2 import Template

__all__ = ["NaturalEvalConfig", "contact_sheet", "evaluate_natural", "markdown_report", "natural_report", "spread"]

_HEADS = ("requests", "success", "95 %", *(outcome.replace("_", " ") for outcome in OUTCOMES), "n")


@dataclass(frozen=True)
class NaturalEvalConfig:
    """What to measure."""

    split: Split = "dev"
    profile: str = "micro"
    """A shipped profile, or the path of a TOML file."""
    n: int | None = None
    """Number of requests, spread over the kinds; None: all."""
    seed: int = 0
    at_once: int = 4
    """Number of requests that run concurrently."""
    plans_only: bool = False
    """Measure the planner alone."""
    details: bool = True
    """Report every request, and not only the rates."""


def evaluate_natural(
    config: NaturalEvalConfig, progress: StageProgress = ignore_progress
) -> tuple[dict[str, Any], str | None]:
    """Runs the requests in a temporary workspace.

    Args:
        config: What to measure.
        progress: Called for every finished request.

    Returns:
        The report (see `natural_report`), and the contact sheet as HTML if the details are wanted.

    Raises:
        InputError: The split is unknown.
        ProfileError: The profile cannot be used on this machine.
        ModelError: Weights cannot be loaded.
    """
    requests = spread(natural_requests(config.split), config.n)
    with tempfile.TemporaryDirectory(prefix="interleavethinker-natural-") as folder:
        store = ImageStore(Path(folder) / "images")
        results = asyncio.run(_run(config, requests, Path(folder), progress))
        report = natural_report(config, results)
        return report, contact_sheet(report, requests, results, store) if config.details else None


async def _run(
    config: NaturalEvalConfig, requests: Sequence[NaturalRequest], root: Path, progress: StageProgress
) -> list[NaturalResult]:
    if config.plans_only:
        store = ImageStore(root / "images")
        check = partial(usable_profile, config.profile, store=store)
        async with open_components(load_profile(config.profile), store) as components:
            return await plan_requests(
                components.planner,
                store,
                requests,
                check=check,
                plan_check=components.plan_check,
                seed=config.seed,
                at_once=config.at_once,
                progress=progress,
            )
    async with Workspace.open(root) as workspace:
        return await run_requests(
            workspace,
            requests,
            profile=config.profile,
            seed=config.seed,
            at_once=config.at_once,
            progress=progress,
        )


def spread(requests: Sequence[NaturalRequest], n: int | None) -> list[NaturalRequest]:
    """Returns `n` requests, of every kind in turn; all in the order of the file if `n` is None or larger."""
    if n is None or n >= len(requests):
        return list(requests)
    if n < 1:
        raise InputError(f"At least one request is needed; got {n}.")
    place = Counter[str]()
    turns = []
    for request in requests:
        turns.append((place[request.kind], KINDS_OF_REQUESTS.index(request.kind), request))
        place[request.kind] += 1
    return [request for _, _, request in sorted(turns, key=lambda turn: turn[:2])[:n]]


def natural_report(config: NaturalEvalConfig, results: Sequence[NaturalResult]) -> dict[str, Any]:
    """Returns rates and counts of outcomes, in total and by kind, and the details of every request if wanted."""
    report: dict[str, Any] = {
        "split": config.split,
        "profile": config.profile,
        "plans_only": config.plans_only,
        "seed": config.seed,
        **_figures(results),
        "kinds": {
            kind: _figures([result for result in results if result.kind == kind])
            for kind in KINDS_OF_REQUESTS
            if any(result.kind == kind for result in results)
        },
    }
    if config.details:
        report["requests"] = [result.model_dump(mode="json", exclude={"given", "images"}) for result in results]
    return report


def _figures(results: Sequence[NaturalResult]) -> dict[str, Any]:
    found = rate([result.outcome in SUCCESSES for result in results])
    counts = Counter(result.outcome for result in results)
    return {
        "success": round(found.value, 4),
        "success_low": round(found.low, 4),
        "success_high": round(found.high, 4),
        "n": found.n,
        **{outcome: counts[outcome] for outcome in OUTCOMES},
    }


def markdown_report(report: dict[str, Any]) -> str:
    """Returns the table by kind, and the wrong answers if the report has details."""
    measured = "planner alone" if report["plans_only"] else "whole agent"
    title = f"Natural requests, {report['split']}: profile `{report['profile']}`, {measured}, seed {report['seed']}"
    rows = [("all", report), *report["kinds"].items()]
    lines = [f"# {title}", "", markdown_table(_HEADS, [_row(name, figures) for name, figures in rows])]
    wrong = [result for result in report.get("requests", ()) if result["outcome"] not in SUCCESSES]
    if wrong:
        lines += ["", "## Wrong answers", "", *(line for result in wrong for line in _details(result))]
    return "\n".join(lines) + "\n"


def _row(name: str, figures: dict[str, Any]) -> tuple[str, ...]:
    counts = (str(figures[outcome]) for outcome in OUTCOMES)
    interval = f"{figures['success_low']:.2f}–{figures['success_high']:.2f}"
    return (name, f"{figures['success']:.2f}", interval, *counts, str(figures["n"]))


def _details(result: dict[str, Any]) -> list[str]:
    facts = {
        "plan": " / ".join(result["plan"]),
        "verdicts": " / ".join(_verdicts(attempts) for attempts in result["verdicts"]),
        "answer": result["text"],
        "notes": " ".join(result["notes"]),
        "wrong": "; ".join(result["faults"]),
    }
    lines = (f"  - {name}: {' '.join(text.split())}" for name, text in facts.items() if text)
    return [f"- **{result['id']}**, {result['outcome'].replace('_', ' ')}: {result['request']}", *lines]


def _verdicts(attempts: Sequence[bool | None]) -> str:
    return ", ".join({True: "accepted", False: "rejected", None: "unjudged"}[verdict] for verdict in attempts) or "–"


def contact_sheet(
    report: dict[str, Any], requests: Sequence[NaturalRequest], results: Sequence[NaturalResult], store: ImageStore
) -> str:
    """Returns every request with its images and its judgment as one self-contained HTML page, wrong answers first."""
    expectations = {request.id: request.expect for request in requests}
    ordered = sorted(results, key=lambda result: (result.outcome in SUCCESSES, OUTCOMES.index(result.outcome)))
    return _template().render(
        report=report,
        outcomes=OUTCOMES,
        results=[
            {
                **result.model_dump(mode="json"),
                "given": [data_uri(store.get(sha256)) for sha256 in result.given],
                "images": [data_uri(store.get(sha256)) for sha256 in result.images],
                "verdicts": [_verdicts(attempts) for attempts in result.verdicts],
                "required": [str(image) for image in expectations[result.id].images],
                "answer": expectations[result.id].answer,
                "refusable": expectations[result.id].refusal,
            }
            for result in ordered
        ],
    )


@cache
def _template() -> Template:
    from jinja2 import Environment, StrictUndefined

    source = (files("interleavethinker.evaluation.micro.natural") / "sheet.html.jinja").read_text(encoding="utf-8")
    environment = Environment(autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True)
    return environment.from_string(source)
