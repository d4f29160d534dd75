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
    assert "checklists" in err


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


@pytest.mark.usefixtures("no_weights")
def test_extensions_have_a_report_of_their_own_and_run_beside_the_experiments_of_the_tables(
    run: Run, home: Path
) -> None:
    chosen = ("--experiment", "consistency", "--characters", "1", "--out", "bench")
    code, out, err = run("evaluate", "microbench", *chosen, "--json")
    assert code == 0, err
    report = json.loads(out)
    assert list(report["extensions"]) == ["consistency"]
    assert report["run"]["command"].startswith("interleavethinker")
    assert json.loads((home / "bench" / "extensions.json").read_text()) == report
    assert "Consistent characters" in (home / "bench" / "extensions.md").read_text()
    assert "<svg" in (home / "bench" / "extensions.html").read_text()
    assert "referenced" in (home / "bench" / "consistency.svg").read_text()
    assert not (home / "bench" / "microbench.json").exists()
    code, out, err = run("evaluate", "microbench", *chosen, "--experiment", "generator alone", "--n", "1", "--json")
    assert code == 0, err
    both = json.loads(out)
    assert both["extensions"]["extensions"] == report["extensions"], "a finished experiment is not run again"
    assert both["microbench"]["experiments"][0]["name"] == "generator alone"


def test_an_extensions_report_replaces_no_file_of_somebody_else(run: Run, home: Path) -> None:
    (home / "drift.svg").write_text("mine")
    code, _, err = run("evaluate", "microbench", "--experiment", "extensions", "--out", ".")
    assert (code, "drift.svg is a file that no report wrote" in err) == (2, True)
    code, _, err = run("evaluate", "microbench", "--experiment", "drift", "--robustness")
    assert (code, "--robustness needs an experiment of the paper's tables" in err) == (2, True)
