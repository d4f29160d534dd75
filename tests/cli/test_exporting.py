"""What the command line does with files that it would replace: it names them, before any work where it can."""

import json
import zipfile
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


def test_an_option_that_a_format_would_ignore_is_refused(run: Run) -> None:
    assert run("run", STORY, "--profile", "cells.toml", "--max-calls", "1")[0] == exits.OK
    for words, said in (
        (["--format", "gif", "--single-file"], "--single-file is for the storyboard"),
        (["--format", "lmms-eval", "--single-file"], "--single-file is for the storyboard"),
        (["--format", "docx", "--no-provenance"], "leave out --no-provenance"),
        (["--task", "ueval"], "--task is for --format lmms-eval"),
    ):
        code, _, err = run("export", "last", *words)
        assert (code, said in " ".join(err.split())) == (exits.BAD_INPUT, True), err


def test_an_archive_without_provenance_has_none_in_its_images(run: Run, home: Path) -> None:
    assert run("run", STORY, "--profile", "cells.toml", "--max-calls", "1")[0] == exits.OK
    images = []
    for words in ([], ["--no-provenance"]):
        code, out, err = run("export", "last", "--format", "zip", "--out", str(home / f"zip{len(words)}"), *words)
        assert code == exits.OK, err
        with zipfile.ZipFile(out.partition("File: ")[2].strip()) as archive:
            images += [archive.read(name) for name in archive.namelist() if "/images/" in name]
    assert [b"iTXt" in image for image in images] == [True, False]
