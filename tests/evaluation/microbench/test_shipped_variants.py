"""The table in `results/micro-variants` is what the present code renders from the measured data next to it."""

import json
import re
from pathlib import Path

from interleavethinker.evaluation.microbench.variants import variants_markdown

ROOT = Path(__file__).parents[3]
RESULTS = ROOT / "results" / "micro-variants"


def test_the_shipped_table_is_rendered_from_the_shipped_data() -> None:
    report = json.loads((RESULTS / "variants.json").read_text(encoding="utf-8"))
    assert (RESULTS / "variants.md").read_text(encoding="utf-8") == variants_markdown(report)
    assert (report["seed"], report["n"]) == (2211, 24)


def test_the_figures_in_the_documentation_are_those_of_the_shipped_data() -> None:
    report = json.loads((RESULTS / "variants.json").read_text(encoding="utf-8"))
    text = (ROOT / "docs" / "micro-world" / "results.md").read_text(encoding="utf-8")
    rows = re.findall(r"^\| N = (\d), T_max = (\d) \| (\S+) \| (\S+) \|$", text, re.MULTILINE)
    cells = {(cell["variants"], cell["max_attempts"]): cell for cell in report["cells"] if not cell["oracle"]}
    assert len(rows) == 4
    for variants, attempts, image, calls in rows:
        cell = cells[int(variants), int(attempts)]
        assert (image, calls) == (f"{cell['image']:.1f}", f"{cell['generator_calls']:.2f}")
