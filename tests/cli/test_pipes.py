"""A named pipe among the files that a command names is an error, and not a wait for its writer."""

import os
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

Run = Callable[..., tuple[int, str, str]]

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="has no pipes in folders")


@pytest.mark.parametrize(
    "words",
    [
        ("run", "a red ball", "--profile", "cells.toml", "--image", "pipe"),
        ("run", "a red ball", "--profile", "./pipe.toml"),
        ("batch", "pipe"),
        ("connect", "cursor", "--write", "--file", "pipe"),
        ("micro", "edit", "pipe", "make it blue"),
        ("evaluate", "wise", "--data", "pipe", "--estimate"),
    ],
)
def test_a_pipe_is_refused(run: Run, home: Path, words: tuple[str, ...]) -> None:
    for name in ("pipe", "pipe.toml"):
        os.mkfifo(home / name)
    code, _, err = run(*words)
    assert (code, "is not a regular file" in " ".join(err.split())) == (2, True), err


@pytest.mark.parametrize("make", [os.mkfifo, os.mkdir])
def test_settings_that_are_no_file_are_named(run: Run, home: Path, make: Callable[[Path], None]) -> None:
    (home / "home").mkdir()
    make(home / "home" / "settings.toml")
    for words in (("run", "a red ball"), ("settings", "show"), ("settings", "set", "profile", "micro")):
        code, _, err = run(*words)
        assert (code, "settings.toml" in err) == (2, True), err
