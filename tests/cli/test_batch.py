"""`batch` and `sweep` with a real image server: one folder and one report, exit codes, continuation."""

import csv
import json
import os
from collections.abc import Callable
from pathlib import Path

import pytest

from interleavethinker.cli import exit_codes as exits
from interleavethinker.microworld.scenes.scene import Scene, SceneObject, render, to_image
from interleavethinker.tools.images.png import image_size

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


def executor_options(name: str) -> tuple[str, ...]:
    if name == "ray" and "RAY_TESTS" not in os.environ:
        pytest.skip("`make ray-test` starts clusters")
    return "--executor", name, "--processes", "2", "--at-once", "2"


@pytest.mark.parametrize("name", ["processes", "ray"])
def test_several_workers_give_the_report_of_one_process(
    run: Run, home: Path, name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("RAY_ADDRESS", raising=False)
    to_image(render(Scene("meadow").put(4, SceneObject("cat", "red", "small")))).save(home / "cat.png")
    lines: list[dict[str, object]] = [
        {"text": "a big red ball on the left, at night. then make the ball blue", "seed": 1},
        {"text": "an elephant", "seed": 2},
        {"text": "<image> make the background night", "images": ["cat.png"], "seed": 3, "profile": "cells.toml"},
    ]
    (home / "mixed.jsonl").write_text("\n".join(map(json.dumps, lines)))
    rows = {}
    for place, options in (("here", ()), ("there", executor_options(name))):
        code, _, err = run("batch", "mixed.jsonl", *OPTIONS, "--out", place, *options)
        assert code == exits.FAILURE, "the elephant is refused, and stops nothing"
        assert "[3/3]" in err
        with (home / place / "report.csv").open() as file:
            rows[place] = [row | {"seconds": "", "trajectory": ""} for row in csv.DictReader(file)]
        assert (home / place / "001" / "index.html").is_file()
        assert not (home / place / ".pause").exists()
    assert rows["here"] == rows["there"]
    assert [row["status"] for row in rows["there"]] == ["done", "refused", "done"]
    documents = [
        [json.loads((home / place / name / "trajectory.json").read_text())["document"] for name in ("001", "003")]
        for place in ("here", "there")
    ]
    assert documents[0] == documents[1]
    before = len(json.loads(run("list", "--json")[1]))
    code, out, _ = run("batch", "mixed.jsonl", *OPTIONS, "--out", "there", "--json", *executor_options(name))
    assert json.loads(out)["counts"] == {"done": 2, "refused": 1}
    assert len(json.loads(run("list", "--json")[1])) == before, "the same command creates nothing again"


def test_an_executor_that_does_not_exist_is_refused_before_anything_is_written(
    run: Run, home: Path, manifest: str
) -> None:
    for options, words in [
        (("--executor", "threads"), "choose from: local, processes, ray"),
        (("--processes", "3"), "--executor processes or ray"),
        (("--executor", "processes", "--gpus", "1"), "--executor ray"),
    ]:
        code, _, err = run("batch", manifest, *OPTIONS, *options)
        assert code == exits.BAD_INPUT
        assert words in " ".join(err.split())
    assert not (home / "runs").exists()


def test_a_batch_a_sweep_and_a_branch_take_the_drift_guard(run: Run, home: Path, manifest: str) -> None:
    drift = ("--on-drift", "note", "--max-drift", "0.2")
    for words in ("batch", manifest), ("sweep", manifest, "--vary", "seed=1,2"):
        code, out, err = run(*words, *OPTIONS, *drift, "--json")
        assert code == exits.OK, err
        for one in json.loads(out)["results"]:
            limits = json.loads(run("show", one["trajectory"], "--json")[1])["limits"]
            assert limits["drift"].items() >= {"action": "note", "threshold": 0.2}.items()
        code, _, err = run(*words, *OPTIONS, "--max-drift", "0.2")
        assert (code, "no effect without --on-drift" in err) == (exits.BAD_INPUT, True)
    code, out, err = run("branch", "last", "1", "--on-drift", "redraw", "--no-run", "--json")
    assert code == exits.OK, err
    guard = json.loads(run("show", "last", "--json")[1])["limits"]["drift"]
    assert guard.items() >= {"action": "redraw", "threshold": 0.2}.items()
    assert (home / "runs").is_dir()


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


def test_images_have_the_size_of_their_line_of_the_command_or_of_the_sweep(run: Run, home: Path) -> None:
    lines = [{"text": "a big red ball on the left", "image_size": "64x32"}, {"text": "a small white cat on the left"}]
    (home / "sized.jsonl").write_text("\n".join(map(json.dumps, lines)))

    def sizes(folder: str) -> dict[str, tuple[int, int]]:
        pages = {path.parent.parent.name: path for path in (home / folder).glob("*/images/*.png")}
        return {name: image_size(path.read_bytes()) for name, path in pages.items()}

    assert run("batch", "sized.jsonl", *OPTIONS, "--size", "32x64", "--out", "batch")[0] == exits.OK
    assert sizes("batch") == {"001": (64, 32), "002": (32, 64)}
    vary = ("--vary", "image_size=48x48,16x16", "--vary", "seed=1")
    assert run("sweep", "sized.jsonl", *OPTIONS, *vary, "--out", "sweep")[0] == exits.OK
    assert set(sizes("sweep").values()) == {(48, 48), (16, 16)}
    (home / "bad.jsonl").write_text('{"text": "a red ball", "image_size": "huge"}\n')
    code, _, err = run("batch", "bad.jsonl", *OPTIONS)
    assert (code, "line 1: image_size: " in err) == (exits.BAD_INPUT, True)


@pytest.mark.parametrize(
    ("vary", "shown"), [("seed", "--vary takes NAME=VALUE"), ("size=1", "cannot be varied"), ("seed=x", "seed: ")]
)
def test_a_sweep_that_cannot_be_run_says_why(run: Run, manifest: str, vary: str, shown: str) -> None:
    code, _, err = run("sweep", manifest, *OPTIONS, "--vary", vary)
    assert code == exits.BAD_INPUT
    assert shown in err
