"""Named images and local edits on the command line, with a real image server."""

import json
from collections.abc import Callable
from pathlib import Path

import pytest
from PIL import Image, ImageChops

from interleavethinker.cli import exit_codes as exits
from interleavethinker.microworld.scenes.scene import Scene, SceneObject, render, to_image

Run = Callable[..., tuple[int, str, str]]


@pytest.fixture
def profile(home: Path) -> str:
    to_image(render(Scene("meadow").put(4, SceneObject("cat", "red", "small")))).save(home / "tom.png")
    words = 'reference_words = "interleavethinker.microworld.agents.references:describe"\n'
    (home / "words.toml").write_text(words + (home / "cells.toml").read_text())
    return "words.toml"


def test_a_named_image_reaches_prompts_and_exports(run: Run, home: Path, profile: str) -> None:
    request = "@cat on the left. Then make the background night."
    code, _, err = run("run", request, "--image", "cat: the hero=tom.png", "--profile", profile, "--out", "out")
    assert code == exits.OK, err
    record = json.loads((home / "out" / "trajectory.json").read_text())
    assert "small red cat" in record["attempts"][0]["prompt"]
    assert record["attempts"][0]["source"] is None
    assert record["request"]["parts"][0]["name"] == "cat"
    page = (home / "out" / "index.html").read_text()
    assert "@cat: the hero" in page


@pytest.mark.parametrize(
    ("request_", "image", "words"),
    [
        ("@cta on the left", "cat=tom.png", "Did you mean @cat"),
        ("@cat on the left", "cat=missing.png", "missing.png"),
        ("@bird on the left", "bird=tom.png", "a small red cat"),
        ("@image2 on the left", "image2=tom.png", "is not like image2"),
    ],
)
def test_a_name_that_cannot_be_used_is_refused_before_any_work(
    run: Run, profile: str, request_: str, image: str, words: str
) -> None:
    code, _, err = run("run", request_, "--image", image, "--profile", profile)
    assert code == exits.BAD_INPUT
    assert words in " ".join(err.split())
    assert json.loads(run("list", "--json")[1]) == []


def judged_with(run: Run, home: Path, *region: str) -> tuple[Image.Image, Image.Image]:
    """Returns the image of a first step that a person rejects, and the image that replaces it."""
    request = "a big red ball on the left, at night"
    assert run("run", request, "--profile", "cells.toml", "--out", "first")[0] == exits.OK
    (name,) = (entry["id"] for entry in json.loads(run("list", "--json")[1]))
    (image,) = (home / "first" / "images").iterdir()
    child = run("branch", name, "1", "--image", str(image), "--no-run")[1].strip()
    words = ("--reject", "--prompt", "a small green tree on the right, at night", *region)
    code, _, err = run("judge", child, *words, "--out", "second")
    assert code == exits.OK, err
    rejected, local = json.loads((home / "second" / "trajectory.json").read_text())["attempts"]
    assert local["source"] == rejected["image"]
    assert local["mask"] == rejected["verdict"]["mask"]
    assert "changes only a region" in (home / "second" / "index.html").read_text()
    shown = [Image.open(home / "second" / "images" / f"{one['image'][:16]}.png") for one in (rejected, local)]
    return shown[0].convert("RGB"), shown[1].convert("RGB")


@pytest.mark.parametrize("words", ["50%,0,50%,100%", "mask"])
def test_a_rejected_region_is_made_again_and_everything_else_stays_pixel_by_pixel(
    run: Run, home: Path, words: str
) -> None:
    mask = Image.new("L", (96, 96))
    mask.paste(255, (48, 0, 96, 96))
    mask.save(home / "mask.png")
    region = ("--mask", "mask.png") if words == "mask" else ("--region", words)
    before, after = judged_with(run, home, *region)
    changed = ImageChops.difference(before, after).getbbox()
    assert changed is not None, "the right half has another picture"
    assert changed[0] >= 48


def test_a_region_that_cannot_be_used_is_refused_and_records_no_verdict(run: Run, home: Path) -> None:
    Image.new("L", (8, 8), 255).save(home / "small.png")
    assert run("run", "a big red ball on the left", "--profile", "cells.toml", "--out", "first")[0] == exits.OK
    (image,) = (home / "first" / "images").iterdir()
    child = run("branch", "last", "1", "--image", str(image), "--no-run")[1].strip()
    for region, words in [
        (("--region", "50%"), "48,0,48,96"),
        (("--region", "90%,0,50%,100%"), "96 x 96"),
        (("--region", "0,0,9,9", "--mask", "small.png"), "Give a region or a mask"),
        (("--mask", "small.png"), "96 x 96"),
        (("--mask", "nowhere.png"), "nowhere.png"),
    ]:
        code, _, err = run("judge", child, "--reject", *region)
        assert code == exits.BAD_INPUT
        assert words in " ".join(err.split())
    assert run("judge", child, "--accept", "--region", "0,0,9,9")[0] == exits.BAD_INPUT
    (kept,) = json.loads(run("show", child, "--json")[1])["attempts"]
    assert (kept["verdict"] or {}).get("success") is not False
