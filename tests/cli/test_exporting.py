"""What the command line does with files that it would replace: it names them, before any work where it can."""

import json
from collections.abc import Callable
from pathlib import Path

from interleavethinker.cli import exit_codes as exits

STORY = "a big red ball on the left, at night. then make the ball blue"
Run = Callable[..., tuple[int, str, str]]


def test_edited_files_and_other_trajectories_exports_are_replaced_with_force_only(run: Run, home: Path) -> None:
    assert run("run", STORY, "--profile", "cells.toml", "--out", "answer")[0] == exits.OK
    code, _, err = run("run", STORY, "--profile", "cells.toml", "--out", "answer")
    assert code == exits.BAD_INPUT
    assert "holds the exports of the trajectory" in " ".join(err.split())
    assert len(json.loads(run("list", "--json")[1])) == 1, "nothing was begun"

    document = home / "answer" / "document.md"
    assert run("export", "last", "--out", "answer")[0] == exits.OK
    document.write_text(document.read_text() + "\nMy own words.\n")
    code, _, err = run("export", "last", "--out", "answer")
    assert code == exits.BAD_INPUT
    assert "document.md was edited after it had been exported" in " ".join(err.split())
    assert "--force" in err
    assert document.read_text().endswith("My own words.\n")
    assert run("export", "last", "--out", "answer", "--force")[0] == exits.OK
    assert "My own words." not in document.read_text()
