"""`batch` and `sweep` with a real image server: one folder and one report, exit codes, continuation."""

import csv
import json
from collections.abc import Callable
from pathlib import Path

import pytest

from interleavethinker.cli import exit_codes as exits

Run = Callable[..., tuple[int, str, str]]
OPTIONS = ("--profile", "cells.toml")


@pytest.fixture
def manifest(home: Path) -> str:
    lines = [
        {"text": "a big red ball on the left, at night. then make the ball blue"},
        {"text": "a small white kitten on the left", "name": "cat", "seed": 3},
    ]
    (home / "stories.jsonl").write_text("\n".join(map(json.dumps, lines)))
    return "stories.jsonl"


def test_a_batch_from_manifest_to_report_and_again(run: Run, home: Path, manifest: str) -> None:
    code, out, err = run("batch", manifest, *OPTIONS, "--at-once", "2")
    assert code == exits.OK, err
    assert out.splitlines() == ["Report: runs/stories/report.csv", "Contact sheet: runs/stories/index.html"]
    assert "2 requests, at most 2 at once, into runs/stories" in err
    assert "[2/2]" in err
    assert "left" in err.split("[2/2]")[0].split("[1/2]")[1]
    assert "2 done." in err
    with (home / "runs" / "stories" / "report.csv").open() as file:
        rows = list(csv.DictReader(file))
    assert [(row["name"], row["status"], row["calls"]) for row in rows] == [("001", "done", "2"), ("cat", "done", "1")]
    assert (home / "runs" / "stories" / "cat" / "index.html").is_file()

    code, out, _ = run("batch", manifest, *OPTIONS, "--json")
    again = json.loads(out)
    assert (code, again["counts"]) == (exits.OK, {"done": 2})
    assert [one["trajectory"] for one in again["results"]] == [row["trajectory"] for row in rows]
    assert len(json.loads(run("list", "--json")[1])) == 2


def test_a_refused_request_has_its_reason_in_the_report_and_the_exit_code_of_a_failure(run: Run, home: Path) -> None:
    (home / "two.jsonl").write_text('{"text": "an elephant"}\n{"text": "a red ball"}\n')
    code, _, err = run("batch", "two.jsonl", *OPTIONS)
    assert code == exits.FAILURE
    assert "001: refused: " in err
    assert "elephant" in err
    assert "1 refused" in err
    assert "1 done" in err


def test_a_manifest_with_a_mistake_starts_nothing(run: Run, home: Path) -> None:
    (home / "bad.jsonl").write_text('{"text": "a red ball"}\n{"texd": "a red ball"}\n')
    code, _, err = run("batch", "bad.jsonl", *OPTIONS)
    assert code == exits.BAD_INPUT
    assert "line 2: text: " in err or "line 2: texd: " in err
    assert json.loads(run("list", "--json")[1]) == []
    assert not (home / "runs").exists()


def test_plans_of_a_batch_wait_for_approval(run: Run, manifest: str) -> None:
    code, _, err = run("batch", manifest, *OPTIONS, "--approve-plan")
    assert code == exits.WAITING
    assert "Approve plans with" in err
    for one in json.loads(run("list", "--json")[1]):
        assert run("approve", one["id"], "--no-run")[0] == exits.OK
    assert run("batch", manifest, *OPTIONS, "--approve-plan")[0] == exits.OK


def test_a_sweep_varies_what_it_is_told(run: Run, home: Path, manifest: str) -> None:
    code, _, err = run("sweep", manifest, *OPTIONS, "--vary", "seed=1,2", "--vary", "max-attempts=1", "--quiet")
    assert code == exits.OK, err
    with (home / "runs" / "stories-sweep" / "settings.csv").open() as file:
        rows = list(csv.DictReader(file))
    assert [(row["setting"], row["done"]) for row in rows] == [
        ("seed=1, max_attempts=1", "2"),
        ("seed=2, max_attempts=1", "2"),
    ]
    assert (home / "runs" / "stories-sweep" / "cat-2-1" / "index.html").is_file()


@pytest.mark.parametrize(
    ("vary", "shown"), [("seed", "--vary takes NAME=VALUE"), ("size=1", "cannot be varied"), ("seed=x", "seed: ")]
)
def test_a_sweep_that_cannot_be_run_says_why(run: Run, manifest: str, vary: str, shown: str) -> None:
    code, _, err = run("sweep", manifest, *OPTIONS, "--vary", vary)
    assert code == exits.BAD_INPUT
    assert shown in err
