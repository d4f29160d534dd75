"""`evaluate microbench` through the real image server: the smallest runs that have everything in them."""

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from interleavethinker.evaluation.microbench import config as microbench_settings

Run = Callable[..., tuple[int, str, str]]


@pytest.fixture
def no_weights(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(microbench_settings, "_AGENTS", {"planner": {}, "critic": {}})


@pytest.mark.usefixtures("no_weights")
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


def test_the_learned_agent_plays_its_rows_and_what_it_answered_is_remembered(run: Run, home: Path) -> None:
    rows = ("--rows", "planner, no critic", "--rows", "full SFT")
    order = ("evaluate", "microbench", *rows, "--n", "3", "--out", "bench")
    code, out, err = run(*order, "--json")
    assert code == 0, err
    report = json.loads(out)
    planned, judged = report["rows"]
    assert (planned["planner"], judged["critics"], judged["stand_ins"]) == ("sft", ["sft"], False)
    assert judged["average"] >= planned["average"] > 50, "pictures are asked for and mended in words that are obeyed"
    answers = {path: path.read_text() for path in (home / "bench" / "answers").iterdir()}
    assert sorted(path.name.split("-")[0] for path in answers) == ["critic", "planner"]
    for path in (home / "bench" / "results").iterdir():
        path.unlink()
    again = json.loads(run(*order, "--json")[1])
    assert [row["average"] for row in again["rows"]] == [row["average"] for row in report["rows"]]
    assert {path: path.read_text() for path in answers} == answers, "nothing is asked twice"
