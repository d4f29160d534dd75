"""A person's plan with `starts_from` and `size`, on the command line."""

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from interleavethinker.cli import exit_codes as exits

Run = Callable[..., tuple[int, str, str]]
STORY = "a big red ball on the left, at night"


def test_a_longer_plan_of_a_person_runs_side_by_side(run: Run, home: Path) -> None:
    assert run("run", STORY, "--profile", "cells.toml", "--approve-plan")[0] == exits.WAITING
    steps = [
        {"prompt": "a forest"},
        {"prompt": "a city", "starts_from": "nothing", "size": "2:1"},
        {"prompt": "add a fox", "starts_from": 1},
    ]
    (home / "plan.json").write_text(json.dumps(steps))
    code, _, err = run("approve", "last", "--plan", "plan.json", "--out", "out")
    assert code == exits.OK, err
    forest, city, fox = json.loads((home / "out" / "trajectory.json").read_text())["attempts"]
    assert (city["source"], city["size"], fox["source"]) == (None, "2:1", forest["image"])
    assert "edits the image of step 1" in (home / "out" / "index.html").read_text()


@pytest.mark.parametrize(
    ("step", "words"),
    [
        ({"starts_from": "step 5"}, "not an earlier step"),
        ({"starts_from": "reference"}, "the request has no image"),
        ({"starts_from": "the moon"}, "step NUMBER"),
        ({"size": "wide"}, "16:9"),
    ],
)
def test_a_plan_that_cannot_be_carried_out_leaves_the_trajectory_waiting(
    run: Run, home: Path, step: dict[str, str], words: str
) -> None:
    run("run", STORY, "--profile", "cells.toml", "--approve-plan")
    (home / "plan.json").write_text(json.dumps([{"prompt": "a forest"}, {"prompt": "a city"} | step]))
    code, _, err = run("approve", "last", "--plan", "plan.json")
    assert code == exits.BAD_INPUT
    assert words in err
    assert json.loads(run("show", "last", "--json")[1])["status"] == "waiting"
