"""The extensions' report as Markdown and as one self-contained HTML page, a table per experiment; plots as SVG."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from typing import TYPE_CHECKING, Any

from markupsafe import Markup

from interleavethinker.evaluation.markdown_tables import markdown_table
from interleavethinker.evaluation.microbench.report_markdown import difference_cell
from interleavethinker.evaluation.microbench.report_tables import NOT_MEASURED, ReportTable
from interleavethinker.evaluation.svg import Bar, bar_chart

if TYPE_CHECKING:
    from jinja2 import Template

__all__ = ["extensions_html", "extensions_markdown", "extensions_plots"]

Report = Mapping[str, Any]


@dataclass(frozen=True)
class _Text:
    """What a reader needs to understand an experiment's table."""

    title: str
    question: str
    note: str


_TEXTS = {
    "consistency": _Text(
        "Consistent characters",
        "Does a referenced object keep its color and size in later images?",
        "{n} characters with a reference image and {later_images} later images each, every one a scene of its own. The "
        "scripted planner words the request, the generator makes one attempt, and there is no critic. Intervals have "
        "characters as their samples, because the images of one character are not independent.",
    ),
    "variants": _Text(
        "Variants or refined prompts",
        "At equal numbers of generator calls, are several first attempts or refined prompts worth more?",
        "{n} held-out requests with {images_per_request:.1f} images on average, planner `{planner}`, critic "
        "`{critic}`. A step may take N first attempts, of which the critic chooses, and T_max in a row: N + T_max - 1 "
        "calls. Differences are to N = 1 with as many calls allowed.",
    ),
    "checklists": _Text(
        "Checklist verdicts",
        "Does a checklist name what failed, and what does a prompt gain that names only that?",
        "{n} of {first_attempts} first attempts failed. Each is retried with {retry_seeds} seeds, the same for every "
        "prompt. What failed is named as far as the generator's prompt holds it. The scripted critic gives the "
        "checklists; it reads images as the scorer does, so its errors are about the words of a prompt. The learned "
        "critic gives none.",
    ),
    "drift": _Text(
        "Drift guard",
        "Does the guard keep images right over a long chain of edits?",
        "{n} chains of {edits} edits, {generator} generator, threshold {threshold:g}, at most {max_attempts} attempts "
        "per step. Plans are the references, and the critic is the scripted one. Each image is scored against the "
        "scene that all edits so far ask for.",
    ),
}


def extensions_markdown(report: Report) -> str:
    """Returns the report as Markdown, with a section and a table for each experiment."""
    parts = [f"# MicroBench: extensions\n\n{_head(report)}"]
    for name, result in report["extensions"].items():
        table = _table(name, result)
        parts.append(f"## {table.title}\n\n{table.note}\n\n{markdown_table(table.heads, table.lines)}")
        if result["rates"]:
            parts.append("\n".join(f"- {line}" for line in _rates(result)))
    return "\n\n".join(parts) + "\n"


def extensions_plots(report: Report) -> dict[str, str]:
    """Returns for each experiment its main measure as SVG."""
    return {name: bar_chart([_bar(row) for row in result["rows"]]) for name, result in report["extensions"].items()}


def extensions_html(report: Report) -> str:
    """Returns the report as one HTML page, with the plots in it."""
    plots = extensions_plots(report)
    parts = [
        {"table": _table(name, result), "rates": list(_rates(result)), "plot": Markup(plots[name])}  # noqa: S704 - our own SVG
        for name, result in report["extensions"].items()
    ]
    return _template().render(head=_head(report), parts=parts)


@cache
def _template() -> Template:
    from jinja2 import Environment, StrictUndefined

    source = files("interleavethinker.evaluation.microbench.extensions") / "report.html.jinja"
    environment = Environment(autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True)
    return environment.from_string(source.read_text(encoding="utf-8"))


def _head(report: Report) -> str:
    run = report.get("run") or {}
    command = run.get("command", "interleavethinker evaluate microbench --experiment extensions")
    return (
        f"`{command}`, commit {run.get('commit') or 'unknown'}, seed {report['seed']}, {run.get('date', '')}. Measures "
        "are 0–100 with 95 % intervals. Differences are paired. A difference is better or worse if its interval "
        "excludes zero, for gains and losses alike, and undecided otherwise. It is firm if it also exceeds the minimum "
        "detectable effect of this sample (MDE, 80 % power)."
    )


def _table(name: str, result: Report) -> ReportTable:
    text, rows = _TEXTS[name], result["rows"]
    measures, counts = list(rows[0]["measures"]), list(rows[0]["counts"])
    compared = list(dict.fromkeys(measure for row in rows for measure in row["differences"]))
    lines = tuple(
        (
            row["name"],
            *(_interval(row["measures"][measure]) for measure in measures),
            *(f"{row['counts'][count]:.2f}" for count in counts),
            *(_difference(row["differences"].get(measure)) for measure in compared),
        )
        for row in rows
    )
    heads = (f"n = {result['n']:,} {result['unit']}", *measures, *counts, *(f"difference: {one}" for one in compared))
    note = text.note.format(n=result["n"], **result["settings"])
    return ReportTable(text.title, f"{text.question} {note} {result['seconds']:.0f} s.", heads, lines)


def _difference(one: Report | None) -> str:
    return NOT_MEASURED if one is None else difference_cell(one, f" to {one['reference']}")


def _rates(result: Report) -> Sequence[str]:
    return [f"{name}: {_interval(one)} % of {one['n']}" for name, one in result["rates"].items()]


def _interval(one: Report) -> str:
    return f"{one['value']:.1f} [{one['low']:.1f}, {one['high']:.1f}]"


def _bar(row: Report) -> Bar:
    main = next(iter(row["measures"].values()))
    return Bar(row["name"], main["value"], main["low"], main["high"])
