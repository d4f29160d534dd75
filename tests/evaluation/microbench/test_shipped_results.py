"""The report in `results/microbench` is what the present code renders from the measured data next to it."""

import json
from pathlib import Path

from interleavethinker.evaluation.microbench.report_html import svg_plots
from interleavethinker.evaluation.microbench.report_markdown import markdown_report

RESULTS = Path(__file__).parents[3] / "results" / "microbench"
REPORT = json.loads((RESULTS / "microbench.json").read_text(encoding="utf-8"))


def test_the_shipped_markdown_is_rendered_from_the_shipped_data() -> None:
    assert (RESULTS / "microbench.md").read_text(encoding="utf-8") == markdown_report(REPORT)


def test_the_shipped_plots_are_rendered_from_the_shipped_data() -> None:
    plots = {f"{name.replace(', ', '-').replace(' ', '-')}.svg": plot for name, plot in svg_plots(REPORT).items()}
    assert {path.name: path.read_text(encoding="utf-8") for path in RESULTS.glob("*.svg")} == plots
