"""`--compare`: paired differences of two runs, the leaderboard page, and runs that must not be compared."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from interleavethinker.cli.research.benchmarks import write_reports
from interleavethinker.evaluation.benchmarks.comparison import compare_runs, comparison_html, comparison_markdown
from interleavethinker.evaluation.benchmarks.run import RunConfig, run_benchmark
from interleavethinker.tools.errors import InputError
from tests.evaluation.benchmarks.judges import ScriptedJudge, write_image, write_json


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
    verdicts = {"better": "worse", "undecided": "undecided"}
    (opposite,) = compare_runs([second, first], "ueval")["differences"]
    assert opposite["verdict"] == verdicts[difference["verdict"]]
    text = comparison_markdown(comparison)
    assert "+50.0" in text
    assert f"] | {difference['verdict']} | 8 |" in text
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


async def test_runs_that_leave_out_missing_answers_have_other_figures_and_no_overall_score(tmp_path: Path) -> None:
    image = write_image(tmp_path / "answers" / "1.png")
    (tmp_path / "answers" / "2.png").symlink_to(image)
    prompts = [{"Prompt": "p", "Explanation": "e", "prompt_id": number} for number in range(1, 1001)]
    data = write_json(tmp_path / "data.json", prompts)
    reports = {}
    for name, leave_out in (("all", False), ("present", True)):
        config = RunConfig("wise", str(data), tmp_path / name, judge="test:judge", answers=str(tmp_path / "answers"))
        judge = ScriptedJudge(answer=lambda _text, _images: "Score: 1")
        run = await run_benchmark(replace(config, leave_out_missing=leave_out), model=judge)
        reports[name], _ = write_reports(run)
    figures = {name: {one["name"]: one["value"] for one in report["figures"]} for name, report in reports.items()}
    assert figures["all"] == {"overall": 0.002, "culture": 0.005} | dict.fromkeys(
        ("time", "space", "biology", "physics", "chemistry"), 0.0
    )
    assert figures["present"] == {"overall": None, "mean": 1.0, "culture": 1.0}
    assert reports["present"]["counts"]["missing"] == 998
    assert "left out" in reports["present"]["rules"][0]
    with pytest.raises(InputError, match=r"the treatment of missing answers differs \(failures and left out\)"):
        compare_runs([tmp_path / "all", tmp_path / "present"], "wise")
