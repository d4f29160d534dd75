"""`--size` and `--aspect` on the command line, and a profile's own size, with a real image server."""

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from interleavethinker.cli import exit_codes as exits
from interleavethinker.tools.images.png import image_size

STORY = "a big red ball on the left, at night. then make the ball blue"
Run = Callable[..., tuple[int, str, str]]


def test_a_size_reaches_every_image_and_the_exports(run: Run, home: Path) -> None:
    assert run("run", STORY, "--profile", "cells.toml", "--size", "64x32", "--out", "wide")[0] == exits.OK
    record = json.loads((home / "wide" / "trajectory.json").read_text())
    assert record["image_size"] == "64x32"
    images = [path.read_bytes() for path in (home / "wide" / "images").glob("*.png")]
    assert {image_size(data) for data in images} == {(64, 32)}
    assert "64x32" in (home / "wide" / "document.md").read_text()
    assert "64x32" in (home / "wide" / "index.html").read_text()
    assert "image size 64x32" in run("show", "last")[1]
    run("run", STORY, "--profile", "cells.toml", "--aspect", "16:9", "--out", "shape")
    assert {image_size(path.read_bytes()) for path in (home / "shape" / "images").glob("*.png")} == {(128, 72)}
    code, out, _ = run("branch", "last", "2", "--aspect", "1:1", "--json")
    assert code == exits.OK
    assert json.loads(run("show", json.loads(out)["id"], "--json")[1])["image_size"] == "1:1"


def test_a_profile_has_a_size_that_an_option_replaces(run: Run, home: Path) -> None:
    profile = home / "wide.toml"
    profile.write_text('image_size = "2:1"\n' + (home / "cells.toml").read_text())
    run("run", STORY, "--profile", "wide.toml", "--json")
    assert json.loads(run("show", "last", "--json")[1])["image_size"] == "2:1"
    run("run", STORY, "--profile", "wide.toml", "--size", "32x32", "--json")
    assert json.loads(run("show", "last", "--json")[1])["image_size"] == "32x32"
    profile.write_text('image_size = "wide"\n' + (home / "cells.toml").read_text())
    code, _, err = run("run", STORY, "--profile", "wide.toml")
    assert code != exits.OK
    assert "16:9" in err


@pytest.mark.parametrize(
    ("options", "words"),
    [
        (("--size", "big"), "1024x576"),
        (("--size", "16:9"), "--aspect"),
        (("--aspect", "1024x576"), "--size"),
        (("--aspect", "0:1"), "16:9"),
        (("--size", "8x8"), "16 to 4096"),
        (("--size", "64x32", "--aspect", "16:9"), "not both"),
    ],
)
def test_a_size_that_cannot_be_read_is_refused_before_any_work(run: Run, options: tuple[str, ...], words: str) -> None:
    code, _, err = run("run", STORY, "--profile", "cells.toml", *options)
    assert code == exits.BAD_INPUT
    assert words in err
    assert json.loads(run("list", "--json")[1]) == []
