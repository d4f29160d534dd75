"""The report as one self-contained HTML page: figures, plots, and examples of the best and the worst answers.

Examples are chosen by score alone: the best and the worst of the answers that are there.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import cache
from importlib.resources import files
from typing import TYPE_CHECKING, Any

from markupsafe import Markup

from interleavethinker.evaluation.judges.questions import ImageFile
from interleavethinker.evaluation.svg import Bar, bar_chart
from interleavethinker.tools.errors import InputError, StoreError
from interleavethinker.tools.images.png import canonical_png, data_uri, preview

from .benchmark import Item, Piece
from .judging import JudgedItem
from .run import BenchmarkRun

if TYPE_CHECKING:
    from jinja2 import Template

__all__ = ["html_report", "page_template", "svg_plots"]

Report = Mapping[str, Any]
_EXAMPLES = 4
_PREVIEW_BYTES, _PREVIEW_SIDE = 30_000, 256


def html_report(report: Report, run: BenchmarkRun) -> str:
    """Returns the page as HTML. Blocks: reads the images of the examples."""
    scored = [one for one in run.judged if one.score.main is not None and not one.score.skipped]
    order = sorted(scored, key=lambda one: one.score.main or 0.0)
    present = [one for one in order if not run.answers[one.score.id].missing]
    bad = present[:_EXAMPLES]
    good = [one for one in reversed(present) if one not in bad][:_EXAMPLES]
    items = {item.id: item for item in run.items}
    notes = [(one.score.id, note) for one in run.judged for note in one.score.notes]
    return page_template(
        "report"
    ).render(
        report=report,
        plots=[Markup(plot) for plot in svg_plots(report).values()],  # noqa: S704 - our own SVG
        successes=[_example(items[one.score.id], one, run) for one in good],
        failures=[_example(items[one.score.id], one, run) for one in bad],
        notes=notes[:100],
    )


def svg_plots(report: Report) -> dict[str, str]:
    """Returns the plots as SVG by name: all figures, and the first one beside the published ones."""
    bars = [_bar(figure) for figure in report["figures"]]
    plots = {"figures": bar_chart(bars)}
    first = report["figures"][0]
    published = [one for one in report["anchors"] if first["name"] in one["values"]]
    if published:
        factor = 100 / first["maximum"]
        others = [(one["model"], one["values"][first["name"]] * factor) for one in published]
        ours = Bar("this run", *_scaled(first))
        rows = [(ours.value or 0.0, ours), *((value, Bar(name, value, value, value)) for name, value in others)]
        plots["published"] = bar_chart([bar for _, bar in sorted(rows, key=lambda row: -row[0])])
    return plots


def _bar(figure: Report) -> Bar:
    return Bar(figure["name"], *_scaled(figure))


def _scaled(figure: Report) -> tuple[float | None, float, float]:
    """Returns value and interval on the plots' scale of 0..100."""
    if figure["value"] is None:
        return None, 0.0, 0.0
    factor = 100 / figure["maximum"]
    low, high = max(0.0, figure["low"] * factor), min(100.0, figure["high"] * factor)
    return figure["value"] * factor, low, high


@cache
def page_template(name: str) -> Template:
    """Returns the template of a page of this package."""
    from jinja2 import Environment, StrictUndefined

    source = (files("interleavethinker.evaluation.benchmarks") / f"{name}.html.jinja").read_text(encoding="utf-8")
    environment = Environment(autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True)
    return environment.from_string(source)


def _example(item: Item, judged: JudgedItem, run: BenchmarkRun) -> dict[str, Any]:
    return {
        "id": item.id,
        "group": item.group,
        "score": judged.score.main,
        "values": {name: value for name, value in judged.score.values.items() if value is not None},
        "notes": judged.score.notes,
        "request": _shown(item.request),
        "answer": _shown(run.answers[item.id].pieces),
        "replies": [(key, "unreadable" if reply is None else str(reply)) for key, reply in judged.replies.items()],
    }


def _shown(pieces: Sequence[Piece]) -> list[dict[str, str]]:
    return [{"text": piece} if isinstance(piece, str) else {"image": _thumbnail(piece)} for piece in pieces]


def _thumbnail(image: ImageFile) -> str:
    """Returns a small version of an image as a data URI; empty if it can no longer be read."""
    try:
        return data_uri(*preview(canonical_png(image.read()), _PREVIEW_BYTES, _PREVIEW_SIDE))
    except (InputError, StoreError):
        return ""
