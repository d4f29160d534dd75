"""MicroBench's report as one self-contained page: plots, figures, and storyboards of what went well and what did not.

Storyboards are of the best row that was run, chosen by their scores alone: the best and the worst answers that took
several attempts or failed, so that one sees the loop at work.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import cache
from importlib.resources import files
from typing import TYPE_CHECKING, Any

from markupsafe import Markup

from interleavethinker.tools.images.png import data_uri
from interleavethinker.tools.images.store import ImageStore
from interleavethinker.tools.types import ImagePart

from .benchmark import Outcome
from .dataset import Item
from .experiments import ROWS
from .report_markdown import order_of
from .runner import Result
from .svg import Bar, Curve, bars, curves

if TYPE_CHECKING:
    from jinja2 import Template

__all__ = ["page", "plots"]

Report = Mapping[str, Any]
_BEST_ROWS = ("full RL", "full SFT", "T_max = 5", "planner + reseed", "oracle planner", "oracle critic")
_TABLES = ("rows", "controls", "reward_noise")
_EXAMPLES = 4


def page(outcome: Outcome) -> str:
    """The page as HTML."""
    report: Report = outcome.report
    shown = next((name for name in (*_BEST_ROWS, *outcome.results) if name in outcome.results), None)
    good, bad = _chosen(outcome.results[shown]) if shown else ((), ())
    items = {item.number: item for item in outcome.arena.items}
    store = outcome.arena.store
    return _template().render(
        report=report,
        **{part: [{**row, "order": order_of(row)} for row in report[part]] for part in _TABLES},
        row_plots={name: Markup(plot) for name, plot in _row_plots(report).items()},  # noqa: S704 - our own SVG
        gains=[("all", gain["image"]), *gain["families"].items()] if (gain := report["whose_gain"]) else [],
        curve_plots=[Markup(plot) for plot in _curve_plots(report).values()],  # noqa: S704
        shown=shown,
        successes=[_story(items[one.number], one, store) for one in good],
        failures=[_story(items[one.number], one, store) for one in bad],
    )


def plots(report: Report) -> dict[str, str]:
    """The page's plots as SVG, by name."""
    return {**_row_plots(report), **_curve_plots(report)}


@cache
def _template() -> Template:
    from jinja2 import Environment, StrictUndefined

    source = (files("interleavethinker.evaluation.microbench") / "report.html.jinja").read_text(encoding="utf-8")
    environment = Environment(autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True)
    return environment.from_string(source)


def _bars(report: Report, measure: str) -> list[Bar]:
    low, high = ("low", "high") if measure == "average" else (f"{measure}_low", f"{measure}_high")
    found = {row["name"]: row for row in report["rows"]}
    skipped = {row["name"] for row in report["skipped"]}
    lines = []
    for row in ROWS:
        mark = None if row.paper is None else getattr(row.paper, measure)
        one = found.get(row.name)
        if one is not None and one[measure] is not None:
            lines.append(Bar(row.name, one[measure], one[low], one[high], mark))
        elif row.name in skipped:
            lines.append(Bar(row.name, None, mark=mark))
    return lines


def _row_plots(report: Report) -> dict[str, str]:
    return {measure: bars(_bars(report, measure)) for measure in ("average", "image")}


def _curve_plots(report: Report) -> dict[str, str]:
    """For each error the image score and the generator calls as functions of its rate."""
    part = report["brittleness"]
    if not part:
        return {}
    most = max(point["generator_calls"] for point in part["points"])
    found = {}
    for error in dict.fromkeys(point["error"] for point in part["points"]):
        points = [point for point in part["points"] if point["error"] == error]
        images, calls = [], []
        for variant in dict.fromkeys(point["variant"] for point in points):
            own = [point for point in points if point["variant"] == variant]
            images.append(Curve(variant, tuple((one["rate"], one["image"], one["low"], one["high"]) for one in own)))
            spent = tuple((one["rate"], *[one["generator_calls"]] * 3) for one in own)
            calls.append(Curve(variant, spent))
        found[error] = curves(error, images, 100, "image score")
        found[f"{error}, calls"] = curves(error, calls, max(1.0, round(most + 0.5)), "calls")
    return found


def _chosen(results: Sequence[Result]) -> tuple[Sequence[Result], Sequence[Result]]:
    """The best answers that needed several attempts, and the worst ones."""
    drawn = [result for result in results if result.scores.image is not None]
    worked = [result for result in drawn if len(result.attempts) > len(result.plan) and result.scores.average >= 80]
    good = sorted(worked or drawn, key=lambda result: (-result.scores.average, -result.calls, result.number))
    bad = sorted(drawn, key=lambda result: (result.scores.average, -result.calls, result.number))
    return good[:_EXAMPLES], [one for one in bad if one.scores.average < 80][:_EXAMPLES]


def _story(item: Item, result: Result, store: ImageStore) -> Report:
    """What the page shows of one answer."""
    steps = []
    for index, step in enumerate(result.plan):
        tries = [
            {
                "picture": data_uri(store.get(attempt.image)),
                "prompt": attempt.prompt,
                "kept": attempt.image == result.kept[index],
                "verdict": _verdict(None if attempt.verdict is None else attempt.verdict.success),
            }
            for attempt in result.attempts
            if attempt.step == index
        ]
        steps.append({"words": step.instruction or step.auxiliary_text or step.prompt or "", "tries": tries})
    parts = [
        {"picture": data_uri(store.get(part.sha256))} if isinstance(part, ImagePart) else {"text": part.text}
        for part in item.request.parts
    ]
    wanted = [step.prompt or step.auxiliary_text or "" for step in item.scenario.steps]
    scores = {"text": result.text, "image": result.scores.image}
    return {
        "parts": parts,
        "steps": steps,
        "wanted": wanted,
        "failure": result.failure,
        "family": item.family,
        **scores,
    }


def _verdict(success: bool | None) -> str:
    return {True: "accepted", False: "rejected", None: "unjudged"}[success]
