"""MicroBench's report as one self-contained HTML page: plots, tables, and storyboards of good and bad answers.

Storyboards come from the best experiment that was run. They are selected by score alone: the best and the worst answers
that took several attempts or failed, because these show the loop at work.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import cache
from importlib.resources import files
from typing import TYPE_CHECKING, Any

from markupsafe import Markup

from interleavethinker.evaluation.svg import Bar, Curve, bar_chart, line_chart
from interleavethinker.tools.images.png import data_uri
from interleavethinker.tools.images.store import ImageStore
from interleavethinker.tools.types import ImagePart

from .benchmark import BenchmarkResult
from .dataset import Item
from .experiments import EXPERIMENTS
from .report_markdown import both_verdicts, paper_order
from .report_tables import document_table, plan_length_table
from .runner import RequestResult

if TYPE_CHECKING:
    from jinja2 import Template

__all__ = ["html_report", "svg_plots"]

Report = Mapping[str, Any]
_BEST_EXPERIMENTS = ("full RL", "full SFT", "T_max = 5", "planner + reseed", "oracle planner", "oracle critic")
_TABLES = ("experiments", "controls", "reward_noise")
_EXAMPLES = 4


def html_report(result: BenchmarkResult) -> str:
    """Returns the page as HTML."""
    report: Report = result.report
    shown = next((name for name in (*_BEST_EXPERIMENTS, *result.results) if name in result.results), None)
    good, bad = _examples(result.results[shown]) if shown else ((), ())
    items = {item.number: item for item in result.runner.items}
    store = result.runner.store
    gains = report["gain_attribution"]
    return _template().render(
        report=report,
        verdict=both_verdicts,
        **{part: [{**row, "order": paper_order(row)} for row in report[part]] for part in _TABLES},
        tables=[table for table in (document_table(report), plan_length_table(report)) if table.lines],
        score_plots={name: Markup(plot) for name, plot in _score_plots(report).items()},  # noqa: S704 - our own SVG
        gains=[("all", gains["image"]), *gains["families"].items()] if gains else [],
        curve_plots=[Markup(plot) for plot in _curve_plots(report).values()],  # noqa: S704
        shown=shown,
        successes=[_storyboard(items[one.number], one, store) for one in good],
        failures=[_storyboard(items[one.number], one, store) for one in bad],
    )


def svg_plots(report: Report) -> dict[str, str]:
    """Returns the page's plots as SVG, by name."""
    return {**_score_plots(report), **_curve_plots(report)}


@cache
def _template() -> Template:
    from jinja2 import Environment, StrictUndefined

    source = (files("interleavethinker.evaluation.microbench") / "report.html.jinja").read_text(encoding="utf-8")
    environment = Environment(autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True)
    return environment.from_string(source)


def _bars(report: Report, measure: str) -> list[Bar]:
    low, high = ("low", "high") if measure == "average" else (f"{measure}_low", f"{measure}_high")
    found = {row["name"]: row for row in report["experiments"]}
    skipped = {row["name"] for row in report["skipped"]}
    bars = []
    for experiment in EXPERIMENTS:
        mark = None if experiment.paper is None else getattr(experiment.paper, measure)
        one = found.get(experiment.name)
        if one is not None and one[measure] is not None:
            bars.append(Bar(experiment.name, one[measure], one[low], one[high], mark))
        elif experiment.name in skipped:
            bars.append(Bar(experiment.name, None, mark=mark))
    return bars


def _score_plots(report: Report) -> dict[str, str]:
    return {measure: bar_chart(_bars(report, measure)) for measure in ("average", "image")}


def _curve_plots(report: Report) -> dict[str, str]:
    """Returns for each error the image score and the generator calls as functions of its rate."""
    part = report["robustness"]
    if not part:
        return {}
    most = max(point["generator_calls"] for point in part["points"])
    plots = {}
    for error in dict.fromkeys(point["error"] for point in part["points"]):
        points = [point for point in part["points"] if point["error"] == error]
        images, calls = [], []
        for variant in dict.fromkeys(point["variant"] for point in points):
            own = [point for point in points if point["variant"] == variant]
            images.append(Curve(variant, tuple((one["rate"], one["image"], one["low"], one["high"]) for one in own)))
            calls.append(Curve(variant, tuple((one["rate"], *[one["generator_calls"]] * 3) for one in own)))
        plots[error] = line_chart(error, images, 100, "image score")
        plots[f"{error}, calls"] = line_chart(error, calls, max(1.0, round(most + 0.5)), "calls")
    return plots


def _examples(results: Sequence[RequestResult]) -> tuple[Sequence[RequestResult], Sequence[RequestResult]]:
    """Returns the best answers that took several attempts, and the worst answers."""
    illustrated = [result for result in results if result.scores.image is not None]
    refined = [
        result for result in illustrated if len(result.attempts) > len(result.plan) and result.scores.average >= 80
    ]
    good = sorted(refined or illustrated, key=lambda result: (-result.scores.average, -result.calls, result.number))
    bad = sorted(illustrated, key=lambda result: (result.scores.average, -result.calls, result.number))
    return good[:_EXAMPLES], [one for one in bad if one.scores.average < 80][:_EXAMPLES]


def _storyboard(item: Item, result: RequestResult, store: ImageStore) -> Report:
    """Returns one answer as the template needs it."""
    steps = []
    for index, step in enumerate(result.plan):
        attempts = [
            {
                "image": data_uri(store.get(attempt.image)),
                "prompt": attempt.prompt,
                "selected": attempt.image == result.selected[index],
                "verdict": _verdict(None if attempt.verdict is None else attempt.verdict.success),
            }
            for attempt in result.attempts
            if attempt.step == index and attempt.image is not None
        ]
        steps.append({"text": step.instruction or step.auxiliary_text or step.prompt or "", "attempts": attempts})
    parts = [
        {"image": data_uri(store.get(part.sha256))} if isinstance(part, ImagePart) else {"text": part.text}
        for part in item.request.parts
    ]
    wanted = [step.prompt or step.auxiliary_text or "" for step in item.scenario.steps]
    scores = {"text": result.text, "image": result.scores.image}
    return {
        "parts": parts,
        "steps": steps,
        "reference": wanted,
        "failure": result.failure,
        "family": item.family,
        **scores,
    }


def _verdict(success: bool | None) -> str:
    return {True: "accepted", False: "rejected", None: "unjudged"}[success]
