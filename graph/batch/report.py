"""The reports of a batch: `report.csv`, a contact sheet in `index.html`, and for sweeps `settings.csv`.

They are replaced as a whole, so that a reader finds a complete report at every moment of a run.
"""

import csv
import io
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from pathlib import Path
from typing import TYPE_CHECKING

from interleavethinker.tools.errors import StoreError
from interleavethinker.tools.files import atomic_write
from interleavethinker.tools.plain_text import one_line, without_controls
from interleavethinker.tools.prices import dollar_amount

from .results import BatchResult

if TYPE_CHECKING:
    from jinja2 import Template

__all__ = ["SettingRow", "contact_sheet", "report_csv", "setting_rows", "write_report"]

_FORMULA = ("=", "+", "-", "@", "\t", "\r", "\uff1d", "\uff0b", "\uff0d", "\uff20")  # also in full width
"""Beginnings of cells that spreadsheet programs compute."""
_TONES = {"done": "good", "failed": "bad", "refused": "bad", "cancelled": "bad", "not started": "calm"}
_MOST_IMAGES = 24
"""Images of one answer on the contact sheet; a tile says how many more there are."""


@dataclass(frozen=True)
class SettingRow:
    """The results of all requests that a sweep ran with the same values."""

    setting: str
    requests: int
    done: int
    steps: int
    accepted_steps: int
    calls: int
    seconds: float
    dollars: float

    @property
    def accepted(self) -> str:
        """Share of the steps whose image was accepted, or a dash without steps."""
        return f"{self.accepted_steps / self.steps:.0%}" if self.steps else "–"


def write_report(results: Sequence[BatchResult], folder: Path) -> None:
    """Writes the reports of a batch into its folder.

    Raises:
        StoreError: They cannot be written.
    """
    try:
        atomic_write(folder / "report.csv", report_csv(results).encode(errors="replace"))
        if rows := setting_rows(results):
            atomic_write(folder / "settings.csv", _settings_csv(rows).encode(errors="replace"))
        atomic_write(folder / "index.html", contact_sheet(results).encode(errors="replace"))
    except OSError as error:
        raise StoreError(f"The report of the batch cannot be written to {folder}: {error.strerror}.") from error


def report_csv(results: Iterable[BatchResult]) -> str:
    """Returns the report as CSV: one line for each request, with a header.

    Texts that a spreadsheet program would take for a formula get an apostrophe in front.
    """
    return _csv(map(_row, results), list(_row(BatchResult(name="", text=""))))


def setting_rows(results: Iterable[BatchResult]) -> list[SettingRow]:
    """Returns a sweep's results by setting, in the order in which the settings first occur; empty without a sweep."""
    groups: dict[str, list[BatchResult]] = {}
    for one in results:
        if one.settings:
            groups.setdefault(_words(one.settings), []).append(one)
    return [
        SettingRow(
            setting=setting,
            requests=len(group),
            done=sum(one.status == "done" for one in group),
            steps=sum(one.steps for one in group),
            accepted_steps=sum(one.accepted_steps for one in group),
            calls=sum(one.calls for one in group),
            seconds=sum(one.seconds for one in group),
            dollars=sum(one.dollars for one in group),
        )
        for setting, group in groups.items()
    ]


def contact_sheet(results: Sequence[BatchResult]) -> str:
    """Returns a page with the images of all answers, which link to the storyboards. No scripts; images beside it."""
    counts: dict[str, int] = {}
    for one in results:
        counts[one.status] = counts.get(one.status, 0) + 1
    return _template().render(
        tiles=list(map(_tile, results)),
        counts=[(word, number, _TONES.get(word, "fair")) for word, number in counts.items()],
        summary=_summary(results),
        settings=setting_rows(results),
    )


def _summary(results: Sequence[BatchResult]) -> list[str]:
    seconds = sum(one.seconds for one in results)
    dollars = sum(one.dollars for one in results)
    cost = [dollar_amount(dollars)] if dollars else []
    return [*cost, f"{sum(one.calls for one in results)} generator calls", f"{seconds:.1f} s of work"]


def _tile(result: BatchResult) -> Mapping[str, object]:
    images = [f"{result.name}/images/{name[:16]}.png" for name in result.images]
    word = result.document_status if result.status == "done" and result.document_status else result.status
    tone = "fair" if word in {"complete with known faults", "incomplete"} else _TONES.get(result.status, "fair")
    return {
        "result": result,
        "text": result.text.strip() or "(images only)",
        "images": images[:_MOST_IMAGES],
        "more": max(0, len(images) - _MOST_IMAGES),
        "status": word,
        "tone": tone,
        "settings": _words(result.settings),
    }


def _row(result: BatchResult) -> dict[str, object]:
    return {
        "name": result.name,
        "text": result.text,
        "settings": _words(result.settings),
        "profile": result.profile,
        "seed": "" if result.seed is None else result.seed,
        "trajectory": result.trajectory or "",
        "status": result.status,
        "stop_reason": result.stop_reason.value if result.stop_reason else "",
        "document_status": result.document_status,
        "steps": result.steps,
        "accepted_steps": result.accepted_steps,
        "images": len(result.images),
        "calls": result.calls,
        "seconds": f"{result.seconds:.3f}",
        "dollars": f"{result.dollars:.4f}",
        "error": result.error,
        "storyboard": result.page,
    }


def _settings_csv(rows: Iterable[SettingRow]) -> str:
    names = ["setting", "requests", "done", "steps", "accepted_steps", "calls", "seconds", "dollars"]
    return _csv(({name: getattr(row, name) for name in names} for row in rows), names)


def _csv(rows: Iterable[Mapping[str, object]], names: Sequence[str]) -> str:
    text = io.StringIO()
    writer = csv.DictWriter(text, names, lineterminator="\n")
    writer.writeheader()
    writer.writerows({name: _cell(value) for name, value in row.items()} for row in rows)
    return text.getvalue()


def _cell(value: object) -> object:
    if not isinstance(value, str):
        return value
    text = one_line(value)
    return f"'{text}" if text.startswith(_FORMULA) else text


def _words(settings: Iterable[tuple[str, str]]) -> str:
    return ", ".join(f"{name}={value}" for name, value in settings)


@cache
def _template() -> "Template":
    from jinja2 import Environment, FunctionLoader, StrictUndefined

    loader = FunctionLoader(_source)
    environment = Environment(
        autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True, loader=loader,
        finalize=lambda value: without_controls(value) if type(value) is str else value,
    )  # fmt: skip
    return environment.get_template("contact_sheet.html.jinja")


def _source(name: str) -> str:
    package = "export" if name.startswith("storyboard.") else "batch"
    return (files(f"interleavethinker.graph.{package}") / name).read_text(encoding="utf-8")
