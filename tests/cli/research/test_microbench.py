"""`evaluate microbench` with the real image server: small runs that cover every part."""

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from interleavethinker.evaluation.microbench import config as config_module

Run = Callable[..., tuple[int, str, str]]


@pytest.fixture
def no_weights(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(config_module, "_AGENTS", {"planner": {}, "critic": {}})


@pytest.mark.usefixtures("no_weights")
def test_experiments_run_against_the_image_server_and_write_three_reports(run: Run, home: Path) -> None:
    chosen = ("--experiment", "generator alone", "--experiment", "oracle planner", "--experiment", "full RL")
    code, out, err = run("evaluate", "microbench", *chosen, "--n", "4", "--out", "bench", "--json")
    assert code == 0, err
    report = json.loads(out)
    alone, oracle = report["experiments"]
    assert alone["average"] < oracle["average"]
    assert report["skipped"][0]["name"] == "full RL"
    assert report["robustness"] is None
    assert json.loads((home / "bench" / "microbench.json").read_text()) == report
    assert "generator alone" in (home / "bench" / "microbench.md").read_text()
    assert "<svg" in (home / "bench" / "microbench.html").read_text()
    assert "generator alone" in (home / "bench" / "average.svg").read_text()
    assert "oracle planner: 4 of 4" in err
    code, out, _ = run(
        "evaluate", "microbench", "--rows", "generator alone", "--rows", "oracle planner", "--n", "4", "--out", "bench"
    )
    assert (code, "generator alone" in out) == (0, True)


def test_an_unknown_experiment_is_an_input_error(run: Run) -> None:
    code, _, err = run("evaluate", "microbench", "--experiment", "magic", "--n", "4")
    assert code == 2
    assert "generator alone" in err


def test_learned_agents_run_their_experiments_and_their_answers_are_cached(run: Run, home: Path) -> None:
    chosen = ("--experiment", "planner, no critic", "--experiment", "full SFT")
    command = ("evaluate", "microbench", *chosen, "--n", "3", "--out", "bench")
    code, out, err = run(*command, "--json")
    assert code == 0, err
    report = json.loads(out)
    planned, judged = report["experiments"]
    assert (planned["planner"], judged["critics"], judged["scripted_baseline"]) == ("sft", ["sft"], False)
    assert judged["average"] >= planned["average"] > 50, (
        "the planner's and critic's prompts are ones that the generator follows"
    )
    answers = {path: path.read_text() for path in (home / "bench" / "answers").iterdir()}
    assert sorted(path.name.split("-")[0] for path in answers) == ["critic", "planner"]
    for path in (home / "bench" / "results").iterdir():
        path.unlink()
    again = json.loads(run(*command, "--json")[1])
    assert [row["average"] for row in again["experiments"]] == [row["average"] for row in report["experiments"]]
    assert {path: path.read_text() for path in answers} == answers, "no answer is computed twice"
