"""The report in `results/microbench` is what the present code renders from the measured data next to it."""

import json
import re
from pathlib import Path

from interleavethinker.evaluation.microbench.report_html import svg_plots
from interleavethinker.evaluation.microbench.report_markdown import markdown_report
from interleavethinker.evaluation.microbench.summary import summary_tables

ROOT = Path(__file__).parents[3]
RESULTS = ROOT / "results" / "microbench"
REPORT = json.loads((RESULTS / "microbench.json").read_text(encoding="utf-8"))


def test_the_shipped_markdown_is_rendered_from_the_shipped_data() -> None:
    assert (RESULTS / "microbench.md").read_text(encoding="utf-8") == markdown_report(REPORT)


def test_the_shipped_plots_are_rendered_from_the_shipped_data() -> None:
    plots = {f"{name.replace(', ', '-').replace(' ', '-')}.svg": plot for name, plot in svg_plots(REPORT).items()}
    assert {path.name: path.read_text(encoding="utf-8") for path in RESULTS.glob("*.svg")} == plots


def test_the_tables_of_readme_and_documentation_are_made_from_the_shipped_data() -> None:
    tables = summary_tables(REPORT)
    assert (RESULTS / "summary.md").read_text(encoding="utf-8") == tables
    assert tables in (ROOT / "README.md").read_text(encoding="utf-8")
    assert '--8<-- "results/microbench/summary.md"' in (ROOT / "docs/micro-world/results.md").read_text(
        encoding="utf-8"
    )


def test_readme_and_documentation_name_the_seed_of_the_tables() -> None:
    for name in ("README.md", "docs/micro-world/results.md"):
        text = " ".join((ROOT / name).read_text(encoding="utf-8").split())
        assert re.search(rf"(from|with) seed {REPORT['seed']}\b", text), name


def test_a_table_compares_experiments_on_the_same_number_of_requests() -> None:
    first, second = summary_tables(REPORT).strip().split("\n\n")
    for table, count in ((first, 308), (second, 1001)):
        assert table.startswith(f"| n = {count:,} |")
        averages = [float(line.split("|")[4].split()[0]) for line in table.splitlines()[2:]]
        shown = {round(row["average"], 1) for row in REPORT["experiments"] if row["n"] == count}
        assert set(averages) <= shown


def test_a_report_with_one_number_of_requests_has_one_table() -> None:
    rows = [{**row, "n": 308} for row in REPORT["experiments"]]
    tables = summary_tables({**REPORT, "experiments": rows, "n_large_sample": 308})
    assert tables.count("| n = 308 |") == 1
