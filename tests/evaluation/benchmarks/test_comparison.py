"""`--compare`: paired differences of two runs, the leaderboard page, and runs that must not be compared."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from interleavethinker.cli.research.benchmarks import write_reports
from interleavethinker.evaluation.benchmarks.comparison import compare_runs, comparison_html, comparison_markdown
from interleavethinker.evaluation.benchmarks.run import RunConfig, run_benchmark
from interleavethinker.tools.errors import InputError
from tests.evaluation.benchmarks.judges import ScriptedJudge, write_json


async def finished(folder: Path, name: str, right: set[int], **changes: Any) -> Path:
    """Runs UEval on eight items with one text rubric each, of which these answers are right."""
    rubrics = {"text_rubrics": ["It is right."], "image_rubrics": []}
    items = [{"id": str(number), "prompt": f"Q{number}?", "task": "art"} | rubrics for number in range(8)]
    rows = [{"id": str(number), "text_answer": "right" if number in right else "wrong"} for number in range(8)]
    data = write_json(folder / "data.json", items)
    given = write_json(folder / f"{name}.json", rows)
    config = RunConfig("ueval", str(data), folder / name, judge="test:judge", answers=str(given))
    right_text = "answer:\nright"
    judge = ScriptedJudge(answer=lambda text, _: '{"criteria_met": %s}' % str(right_text in text).lower())  # noqa: UP031
    write_reports(await run_benchmark(replace(config, **changes), model=judge))
    return folder / name


async def test_two_runs_are_compared_item_by_item(tmp_path: Path) -> None:
    first = await finished(tmp_path, "first", {0, 1})
    second = await finished(tmp_path, "second", {0, 2, 3, 4, 5, 6})
    comparison = compare_runs([first, second], "ueval")
    (difference,) = comparison["differences"]
    # Five items are better, one is worse: (5 - 1) / 8.
    assert (difference["value"], difference["n"]) == (50, 8)
    assert difference["low"] < 50 < difference["high"]
    text = comparison_markdown(comparison)
    assert "+50.0" in text
    assert "first" in text.split("second")[0]
    page = comparison_html(comparison)
    assert page.index("full RL") < page.index("first")  # ranked: 75, published 66.3, 25
    assert page.index(">second<") < page.index(">full RL<")


async def test_runs_of_other_protocols_judges_or_benchmarks_are_refused(tmp_path: Path) -> None:
    first = await finished(tmp_path, "first", {0})
    other = await finished(tmp_path, "other", {0}, protocol="lmms-eval")
    with pytest.raises(InputError, match="the protocol differs"):
        compare_runs([first, other], "ueval")
    strict = await finished(tmp_path, "strict", {0}, judge="other:judge")
    with pytest.raises(InputError, match="the judge differs"):
        compare_runs([first, strict], "ueval")
    with pytest.raises(InputError, match="has a run of ueval, not of wise"):
        compare_runs([first, first], "wise")
    with pytest.raises(InputError, match="has no finished run"):
        compare_runs([first, tmp_path], "ueval")
    with pytest.raises(InputError, match="at least twice"):
        compare_runs([first], "ueval")
