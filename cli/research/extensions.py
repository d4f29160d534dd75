"""The extensions of `interleavethinker evaluate microbench`: their files, in the folder of MicroBench's."""

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from interleavethinker.cli.progress import progress_bars

from .reports import as_text, check_reports, write_texts
from .source import run_record

if TYPE_CHECKING:
    from pydantic import JsonValue

    from interleavethinker.evaluation.microbench.extensions.run import ExtensionConfig

__all__ = ["ALL_EXTENSIONS", "check_extensions", "measure_extensions", "split_names"]

ALL_EXTENSIONS = "extensions"
"""The name of all of them together."""


def split_names(given: Sequence[str]) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Returns the names of experiments of the paper's tables, or unknown ones, and those of extensions."""
    from interleavethinker.evaluation.microbench.experiments import EXTENSIONS

    others = tuple(name for name in given if name not in {*EXTENSIONS, ALL_EXTENSIONS})
    return others, tuple(name for name in EXTENSIONS if name in given or ALL_EXTENSIONS in given)


def check_extensions(out: Path, names: Sequence[str]) -> None:
    """Refuses a folder with somebody else's files; see `check_reports`."""
    plots = [f"{name}.svg" for name in names]
    check_reports(out, "extensions.json", {"seed", "extensions"}, ["extensions.md", "extensions.html", *plots])


def measure_extensions(config: "ExtensionConfig", out: Path) -> tuple[dict[str, "JsonValue"], str]:
    """Runs the experiments and writes the report; returns it and its Markdown."""
    from interleavethinker.evaluation.microbench.extensions.report import (
        extensions_html,
        extensions_markdown,
        extensions_plots,
    )
    from interleavethinker.evaluation.microbench.extensions.run import run_extensions

    with progress_bars() as progress:
        report = run_extensions(config, out, progress)
    report["run"] = run_record()
    markdown = extensions_markdown(report)
    texts = {"extensions.json": as_text(report), "extensions.md": markdown, "extensions.html": extensions_html(report)}
    write_texts(out, texts | {f"{name}.svg": plot for name, plot in extensions_plots(report).items()})
    return report, markdown
