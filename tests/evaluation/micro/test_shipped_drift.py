"""The table in `results/drift` is what the present code renders from the measured data next to it."""

import json
from pathlib import Path

from interleavethinker.evaluation.micro.drift import markdown_report

RESULTS = Path(__file__).parents[3] / "results" / "drift"
REPORT = json.loads((RESULTS / "drift.json").read_text(encoding="utf-8"))


def test_the_shipped_table_is_rendered_from_the_shipped_data() -> None:
    assert (RESULTS / "drift.md").read_text(encoding="utf-8") == markdown_report(REPORT)
    assert (REPORT["config"]["seed"], REPORT["config"]["n"], REPORT["config"]["weaker"]) == (22, 5, True)


def test_no_guard_gains_or_loses_as_the_guide_says() -> None:
    for name in ("redraw", "restart"):
        for difference in ("final_difference", "course_difference"):
            _, low, high = REPORT["guards"][name][difference]
            assert low <= 0 <= high
