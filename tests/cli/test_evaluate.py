"""`evaluate micro-generator` prints a table for people and the documented keys for programs."""

import json
from pathlib import Path

import pytest

from interleavethinker.cli import main
from interleavethinker.evaluation import micro_generator
from interleavethinker.microworld.gaps import GAPS
from interleavethinker.microworld.language import EDIT_KINDS
from interleavethinker.microworld.renderer import PerfectRenderer


class Standing(PerfectRenderer):
    """Takes the generator's arguments, and does without weights."""

    def __init__(self, checkpoint: Path | None = None, *, weaker: bool = False) -> None:
        self.pipeline = (checkpoint, weaker)


@pytest.fixture(autouse=True)
def standing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(micro_generator, "MicroGenerator", Standing)


def run(*words: str) -> None:
    with pytest.raises(SystemExit) as exit_:
        main(["evaluate", "micro-generator", *words])
    assert exit_.value.code == 0


def test_json_has_the_documented_keys(capsys: pytest.CaptureFixture[str]) -> None:
    run("--n", "7", "--seed", "5", "--json")
    report = json.loads(capsys.readouterr().out)
    assert (report["n"], report["seed"]) == (7, 5)
    assert report["text_to_image"]["exact"] == report["edit"]["exact"] == 1
    assert {kind: figures["exact"] for kind, figures in report["edit"]["kinds"].items()} == dict.fromkeys(EDIT_KINDS, 1)
    assert {gap: figures["exact"] for gap, figures in report["gaps"].items()} == dict.fromkeys(GAPS, 1)
    assert all(figures["exact_reworded"] == 1 for figures in report["gaps"].values())
    assert report["seconds_per_image"] == max(report["seconds"]["draw"], report["seconds"]["edit"]) > 0


def test_the_table_has_a_line_for_everything_that_is_asked(capsys: pytest.CaptureFixture[str]) -> None:
    run("--n", "7")
    printed = capsys.readouterr().out
    for words in ("text to image", "single edits", *EDIT_KINDS, *(f"gap: {gap}, reworded" for gap in GAPS)):
        assert words in printed
    assert "s an edit" in printed
