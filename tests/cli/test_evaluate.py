"""`evaluate micro-generator` prints a table for people and the documented keys for programs."""

import json
from pathlib import Path

import pytest
from PIL import Image

from interleavethinker.cli import main
from interleavethinker.evaluation import micro_generator
from interleavethinker.microworld import generator
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
    monkeypatch.setattr(generator, "MicroGenerator", Standing)


def run(*words: str, command: str = "micro-generator", code: int = 0) -> None:
    with pytest.raises(SystemExit) as exit_:
        main(["evaluate", command, *words])
    assert exit_.value.code == code


def test_json_has_the_documented_keys(capsys: pytest.CaptureFixture[str]) -> None:
    run("--n", "7", "--seed", "5", "--json")
    report = json.loads(capsys.readouterr().out)
    assert (report["n"], report["seed"]) == (7, 5)
    assert report["text_to_image"]["exact"] == report["edit"]["exact"] == 1
    assert {kind: figures["exact"] for kind, figures in report["edit"]["kinds"].items()} == dict.fromkeys(EDIT_KINDS, 1)
    assert {gap: figures["exact"] for gap, figures in report["gaps"].items()} == dict.fromkeys(GAPS, 1)
    assert all(figures["exact_reworded"] == 1 for figures in report["gaps"].values())
    assert report["seconds_per_image"] == max(report["seconds"]["draw"], report["seconds"]["edit"]) > 0


def test_a_kind_without_samples_has_no_figures_rather_than_zeros(capsys: pytest.CaptureFixture[str]) -> None:
    run("--n", "1", "--json")
    kinds = json.loads(capsys.readouterr().out)["edit"]["kinds"]
    assert [kinds[kind]["samples"] for kind in EDIT_KINDS] == [1, 0, 0, 0, 0, 0, 0]
    assert kinds["add"]["exact"] == 1
    assert kinds["remove"]["exact"] is kinds["remove"]["quality_high"] is None
    run("--n", "1")
    assert "–" in capsys.readouterr().out


def test_no_interval_reaches_beyond_the_scale(capsys: pytest.CaptureFixture[str]) -> None:
    run("--n", "7", "--json")
    figures = json.loads(capsys.readouterr().out)["text_to_image"]
    assert figures["quality_low"] <= figures["quality"] <= figures["quality_high"] <= 10


def test_the_gallery_is_a_png_whatever_its_name_and_a_place_that_cannot_be_written_is_a_failure(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "new" / "sheet.picture"
    run("--out", str(out), command="micro-gallery")
    with Image.open(out) as sheet:
        assert (sheet.format, sheet.width > 1000) == ("PNG", True)
    capsys.readouterr()
    run("--out", str(out / "below.png"), command="micro-gallery", code=3)
    assert "below.png" in capsys.readouterr().err


def test_the_table_has_a_line_for_everything_that_is_asked(capsys: pytest.CaptureFixture[str]) -> None:
    run("--n", "7")
    printed = capsys.readouterr().out
    for words in ("text to image", "single edits", *EDIT_KINDS, *(f"gap: {gap}, reworded" for gap in GAPS)):
        assert words in printed
    assert "s an edit" in printed
