"""`evaluate microbench` through the real image server: the smallest run that has everything in it."""

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from interleavethinker.evaluation import microbench_settings

Run = Callable[..., tuple[int, str, str]]


@pytest.fixture(autouse=True)
def no_weights(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(microbench_settings, "_AGENTS", {"planner": {}, "critic": {}})


def test_rows_run_through_the_server_and_leave_a_report_in_three_forms(run: Run, home: Path) -> None:
    rows = ("--rows", "generator alone", "--rows", "oracle planner", "--rows", "full RL")
    code, out, err = run("evaluate", "microbench", *rows, "--n", "4", "--out", "bench", "--json")
    assert code == 0, err
    report = json.loads(out)
    alone, oracle = report["rows"]
    assert alone["average"] < oracle["average"]
    assert report["skipped"][0]["name"] == "full RL"
    assert report["brittleness"] is None
    assert json.loads((home / "bench" / "microbench.json").read_text()) == report
    assert "generator alone" in (home / "bench" / "microbench.md").read_text()
    assert "<svg" in (home / "bench" / "microbench.html").read_text()
    assert "generator alone" in (home / "bench" / "average.svg").read_text()
    assert "oracle planner: 4 of 4" in err
    code, out, _ = run("evaluate", "microbench", *rows[:4], "--n", "4", "--out", "bench")
    assert (code, "generator alone" in out) == (0, True)


def test_an_unknown_row_is_bad_input(run: Run) -> None:
    code, _, err = run("evaluate", "microbench", "--rows", "magic", "--n", "4")
    assert code == 2
    assert "generator alone" in err
