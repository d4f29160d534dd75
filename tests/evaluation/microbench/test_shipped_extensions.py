"""The report in `results/extensions` is rendered from its data by the present code, and the documentation quotes it."""

import json
import re
from pathlib import Path

import pytest

from interleavethinker.evaluation.microbench.extensions.report import (
    extensions_html,
    extensions_markdown,
    extensions_plots,
)

ROOT = Path(__file__).parents[3]
RESULTS = ROOT / "results" / "extensions"
REPORT = json.loads((RESULTS / "extensions.json").read_text(encoding="utf-8"))


def test_the_shipped_report_is_rendered_from_the_shipped_data() -> None:
    assert (RESULTS / "extensions.md").read_text(encoding="utf-8") == extensions_markdown(REPORT)
    assert (RESULTS / "extensions.html").read_text(encoding="utf-8") == extensions_html(REPORT)
    plots = {f"{name}.svg": plot for name, plot in extensions_plots(REPORT).items()}
    assert {path.name: path.read_text(encoding="utf-8") for path in RESULTS.glob("*.svg")} == plots


def test_it_was_measured_as_the_log_fixed_it_before_the_run() -> None:
    log = (ROOT / "results" / "training-log.md").read_text(encoding="utf-8")
    section = log.split("MicroBench's extensions")[1].split("\n## ")[0]
    parts = REPORT["extensions"]
    assert f"--seed {REPORT['seed']} " in section
    assert f"`--experiment consistency --characters {parts['consistency']['n']}`" in section
    assert f"`--experiment checklists --n {parts['checklists']['settings']['first_attempts']}`" in section
    assert f"`--experiment drift --chains {parts['drift']['n']}`" in section
    assert f"{parts['drift']['n']} chains of {parts['drift']['settings']['edits']} edits" in section


@pytest.mark.parametrize(
    ("page", "heading"),
    [("docs/micro-world/results.md", "## Beyond the paper"), ("docs/guides/benchmarks.md", "## Drift")],
)
def test_the_documentation_quotes_its_figures(page: str, heading: str) -> None:
    text = (ROOT / page).read_text(encoding="utf-8").split(heading)[1].split("\n## ")[0].replace("−", "-")
    quoted = re.findall(r"(?<![\d.])([+-]?\d+\.\d) \[([+-]?\d+\.\d), ([+-]?\d+\.\d)\]", text)
    assert quoted
    known = set()
    for part in REPORT["extensions"].values():
        for row in part["rows"]:
            known |= {_figures(one) for one in (*row["measures"].values(), *row["differences"].values())}
        known |= {_figures(one) for one in part["rates"].values()}
    assert [one for one in quoted if tuple(map(float, one)) not in known] == []


def _figures(one: dict[str, float]) -> tuple[float, ...]:
    return tuple(float(f"{one[key]:.1f}") for key in ("value", "low", "high"))
