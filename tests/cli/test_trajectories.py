"""The agent's commands, from request to deletion, with a real image server of colored cells."""

import json
import os
import signal
import sqlite3
import subprocess
import sys
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from interleavethinker.cli import exit_codes as exits
from interleavethinker.microworld.language.parser import parse
from interleavethinker.microworld.scenes.scene import render, to_image
from interleavethinker.tools.images.png import encode_png

STORY = "a big red ball on the left, at night. then make the ball blue. then add a small green tree on the right"

Run = Callable[..., tuple[int, str, str]]


def as_json(run: Run, *words: str, code: int = exits.OK) -> Any:
    found, out, err = run(*words, "--json")
    assert found == code, err
    return json.loads(out)


def test_a_trajectory_from_request_to_deletion(run: Run, home: Path) -> None:
    code, out, err = run("run", STORY, "--profile", "cells.toml", "--seed", "1")
    assert code == exits.OK
    assert "Scripted." in err
    assert "step 3, attempt 1: add a small green tree on the right" in err
    (listed,) = as_json(run, "list")
    name = listed["id"]
    assert f"Storyboard: runs/{name}/index.html" in out
    assert (home / "runs" / name / "index.html").is_file()
    assert listed["status"] == "done"

    shown = as_json(run, "show", name)
    assert len({attempt["seed"] for attempt in shown["attempts"]}) == 3
    assert "1. A big red ball" in run("show", name)[1]

    child = as_json(run, "branch", name, "2", "--prompt", "make the ball pink", "--out", "other")
    assert child["images"][0] == shown["document"]["blocks"][1]["sha256"]
    assert (home / "other" / "index.html").is_file()
    record = as_json(run, "show", child["id"])
    assert record == json.loads((home / "other" / "trajectory.json").read_text())
    assert (record["parent"], record["parent_step"], record["parent_iteration"]) == (name, 1, 0)
    assert [ancestor["id"] for ancestor in record["lineage"]] == [name]
    assert {key: child[key] for key in ("id", "status", "seed", "stop_reason")}.items() <= record.items()

    assert as_json(run, "export", child["id"], "--out", "third")["storyboard"] == "third/index.html"
    assert as_json(run, "export", child["id"], "--out", "one", "--single-file")["storyboard"] == "one/index.html"
    assert [path.name for path in (home / "one").iterdir()] == ["index.html"]
    assert run("delete", name)[0] == exits.OK
    assert [entry["id"] for entry in as_json(run, "list")] == [child["id"]]
    assert as_json(run, "show", child["id"])["stop_reason"] == "complete"


def test_a_plan_waiting_for_approval_has_its_own_exit_code_and_can_be_replaced(run: Run, home: Path) -> None:
    waiting = as_json(run, "run", STORY, "--profile", "cells.toml", "--approve-plan", code=exits.WAITING)
    assert (waiting["status"], waiting["attempts"]) == ("waiting", 0)
    plan = home / "plan.json"
    plan.write_text(json.dumps([{"prompt": "a cat", "instruction": "Just a cat."}]))
    done = as_json(run, "approve", waiting["id"], "--plan", str(plan))
    assert (done["status"], done["steps"]) == ("done", 1)
    error = as_json(run, "approve", waiting["id"], code=exits.FAILURE)
    assert error["error"]["code"] == "trajectory"


@pytest.mark.parametrize("folder", ["runs", "full"])
def test_a_full_disk_during_a_run_is_reported_as_a_failure(run: Run, home: Path, folder: str) -> None:
    words = ("run", STORY, "--profile", "cells.toml", "--approve-plan")
    name = as_json(run, *words, code=exits.WAITING)["id"]
    with closing(sqlite3.connect(home / "home" / "trajectories.sqlite")) as database:
        full = "BEGIN SELECT RAISE(FAIL, 'database or disk is full'); END"
        database.execute(f"CREATE TRIGGER full BEFORE INSERT ON checkpoints {full}")
        database.execute(f"CREATE TRIGGER mark BEFORE UPDATE ON trajectories WHEN NEW.status = 'failed' {full}")
    (home / "full" / "index.html").mkdir(parents=True)  # The exports cannot be written either.
    result = as_json(run, "approve", name, "--out", folder, code=exits.FAILURE)
    assert (result["status"], result["error"]["code"]) == ("failed", "store")
    assert "disk is full" in result["reason"]
    assert (result["storyboard"] is None) == (folder == "full")
    code, out, err = run("resume", name, "--out", folder)
    assert code == exits.FAILURE
    assert "disk is full" in err
    assert "Paused" not in err
    assert ("Storyboard" in out) == (folder == "runs")


def test_limits_and_request_images(run: Run, home: Path) -> None:
    from PIL import Image

    from interleavethinker.tools.images.png import encode_png

    (home / "mine.png").write_bytes(encode_png(Image.new("RGB", (96, 96), "white")))
    words = ("run", "add a red ball on the left. then add a cat on the right <image>", "--image", "mine.png")
    done = as_json(run, *words, "--profile", "cells.toml", "--max-calls", "1")
    assert (done["stop_reason"], done["attempts"]) == ("max_calls", 1)
    parts = as_json(run, "show", done["id"])["request"]["parts"]
    assert [part["kind"] for part in parts] == ["text", "image"]
    assert run("run", "<image> <image>", "--image", "mine.png", "--profile", "cells.toml")[0] == exits.BAD_INPUT
    assert run("run", "x", "--image", "nowhere.png", "--profile", "cells.toml")[0] == exits.BAD_INPUT


def test_a_request_outside_the_micro_world_is_refused_with_a_hint_and_creates_no_trajectory(run: Run) -> None:
    error = as_json(run, "run", "a dog on the moon", "--profile", "cells.toml", code=exits.BAD_INPUT)["error"]
    assert "'dog'" in error["message"]
    assert "`klein`" in error["message"]
    assert as_json(run, "list") == []


@pytest.mark.parametrize("command", ["show", "resume", "pause", "cancel", "approve", "export", "delete"])
def test_the_error_about_an_unknown_trajectory_refers_to_list(run: Run, command: str) -> None:
    error = as_json(run, command, "zzz", code=exits.FAILURE) if command in {"show", "resume", "export"} else None
    code, _, err = run(command, "zzz")
    assert code == exits.FAILURE
    assert "`list` shows all IDs" in err
    assert error is None or error["error"]["code"] == "unknown_trajectory"


def test_judge_requires_a_verdict(run: Run) -> None:
    code, _, err = run("judge", "zzz")
    assert code == exits.BAD_INPUT
    assert "--accept or --reject" in err


def test_words_for_the_next_attempt_go_with_a_rejection(run: Run) -> None:
    code, _, err = run("judge", "zzz", "--accept", "--prompt", "a blue ball")
    assert code == exits.BAD_INPUT
    assert "--prompt goes with --reject" in err


def spawn(home: Path, *words: str, **variables: str) -> "subprocess.Popen[str]":
    environment = os.environ | {"PYTHONUNBUFFERED": "1"} | variables
    command = [sys.executable, "-m", "interleavethinker.cli", *words]
    return subprocess.Popen(
        command, cwd=home, env=environment, text=True, stdout=subprocess.PIPE, stderr=subprocess.PIPE
    )


@pytest.mark.skipif(sys.platform == "win32", reason="signals")
@pytest.mark.parametrize("how", ["interrupt", "kill", "pause"])
def test_a_stopped_trajectory_resumes_and_generates_nothing_twice(run: Run, home: Path, how: str) -> None:
    (held := home / "held").touch()  # The first run is held at its second image, the resuming one is not.
    server = [sys.executable, str(Path(__file__).with_name("held_server.py")), str(home / "images"), str(held)]
    profile = (home / "cells.toml").read_text()
    (home / "held.toml").write_text(profile.replace('{ model = "cells" }', f"{{ command = {json.dumps(server)} }}"))
    story = STORY + "".join(f". then make the ball {c}. then make the ball {d}" for c, d in [("red", "pink")] * 3)
    process = spawn(home, "run", story, "--profile", "held.toml", "--seed", "5")
    assert process.stderr is not None
    for line in process.stderr:
        if "step 2, attempt 1" in line:
            break
    (entry,) = as_json(run, "list")
    assert entry["status"] == "running"
    busy = as_json(run, "resume", entry["id"], code=exits.FAILURE)
    assert busy["error"]["code"] == "busy"
    if how == "pause":
        assert run("pause", entry["id"])[0] == exits.OK
    else:
        process.send_signal(signal.SIGINT if how == "interrupt" else signal.SIGKILL)
    held.unlink()
    process.communicate(timeout=240)
    assert process.returncode == (-signal.SIGKILL if how == "kill" else exits.INTERRUPTED)
    (entry,) = as_json(run, "list")
    assert entry["status"] == ("interrupted" if how == "kill" else "paused")
    before = as_json(run, "show", entry["id"])["attempts"]
    assert before
    done = as_json(run, "resume", entry["id"])
    assert (done["stop_reason"], done["steps"]) == ("complete", 9)
    attempts = as_json(run, "show", entry["id"])["attempts"]
    # The last image before the stop is judged only now. Equal durations show that no image was generated again.
    kept = ("image", "seed", "seconds", "cached")
    assert [[one[k] for k in kept] for one in attempts[: len(before)]] == [[one[k] for k in kept] for one in before]
    assert len(attempts) == 9, "one attempt per step, since everything is accepted"


def test_a_refused_request_ends_with_the_planners_words_and_without_advice_to_resume(run: Run, home: Path) -> None:
    scene = parse("a big red ball on the left, at night").target
    (home / "ball.png").write_bytes(encode_png(to_image(render(scene))))
    code, _, err = run("run", "remove the tree", "--image", "ball.png", "--profile", "cells.toml")
    assert code == exits.BAD_INPUT
    assert "The request cannot be carried out: " in err
    assert "tree" in err
    assert "esume" not in err


def test_a_run_says_whether_the_document_was_checked(run: Run, home: Path) -> None:
    assert home.is_dir()
    code, _, err = run("run", "--profile", "cells.toml")
    assert code == exits.OK
    assert "Complete, not checked." in err


def test_a_limit_that_stopped_a_trajectory_is_raised_by_resume(run: Run) -> None:
    code, _, err = run("run", STORY, "--profile", "cells.toml", "--max-calls", "1")
    assert code == exits.OK
    assert "Raise the limit and go on with: interleavethinker resume" in err
    before = as_json(run, "last")
    assert (before["stop_reason"], len(before["attempts"])) == ("max_calls", 1)
    code, _, err = run("resume", "last", "--max-calls", "9", "--max-drift", "0.2")
    assert (code, "no effect without --on-drift" in err) == (exits.BAD_INPUT, True)
    assert as_json(run, "last")["limits"] == before["limits"], "nothing was changed"
    guarded = ("--on-drift", "redraw", "--max-drift", "0.2")
    done = as_json(run, "resume", "last", "--max-calls", "9", "--look-ahead", "2", *guarded)
    assert (done["stop_reason"], done["attempts"]) == ("complete", 3)
    limits = as_json(run, "last")["limits"]
    assert (limits["look_ahead"], limits["drift"]["action"], limits["drift"]["threshold"]) == (2, "redraw", 0.2)
    assert as_json(run, "last")["attempts"][0] == before["attempts"][0]
    error = as_json(run, "resume", "last", "--max-calls", "10", code=exits.FAILURE)
    assert "has ended (complete)" in error["error"]["message"]
    assert run("resume", "last", "--max-cost", "0")[0] == exits.BAD_INPUT


def test_the_prices_of_hosted_models_are_shown_with_the_users_own(run: Run, home: Path) -> None:
    shown = run("prices")[1]
    assert "gpt-5-mini" in shown
    assert "image $0.042, image 1536x1024 $0.063, image 1024x1536 $0.063, input image $0.002" in shown
    (home / "home").mkdir(exist_ok=True)
    (home / "home" / "prices.toml").write_text('["mine"]\nimage = 0.25\n')
    assert as_json(run, "prices")["prices"]["mine"] == {"image": 0.25}
    (home / "home" / "prices.toml").write_text("[")
    assert run("prices")[0] == exits.BAD_INPUT


def test_an_estimate_calls_and_records_nothing_and_stands_below_a_waiting_plan(
    run: Run, home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", "unused")
    estimate = as_json(run, "run", "Fold a boat, in 4 steps", "--profile", "api", "--max-attempts", "2", "--estimate")
    assert (estimate["images"], estimate["most_calls"], estimate["unpriced"]) == (4, 8, [])
    assert 0 < estimate["low"] < estimate["high"]
    assert (
        "4 images, in at most 8 generator calls: $"
        in run("run", "Fold a boat, in 4 steps", "--profile", "api", "--max-attempts", "2", "--estimate")[1]
    )
    assert as_json(run, "list") == []
    hosted = (
        (home / "cells.toml")
        .read_text()
        .replace(
            'critic = { object = "interleavethinker.tools.testing.agents:accepting_critic" }',
            'critic = { model = "openai:own" }',
        )
    )
    (home / "hosted.toml").write_text(hosted)
    refused = as_json(run, "run", STORY, "--profile", "hosted.toml", "--max-cost", "1", code=exits.BAD_INPUT)
    assert "--max-cost needs the price of openai:own" in refused["error"]["message"]
    (home / "home").mkdir(exist_ok=True)
    (home / "home" / "prices.toml").write_text('["own"]\ninput = 10\noutput = 100\n')
    code, _, err = run("run", STORY, "--profile", "hosted.toml", "--max-cost", "1", "--approve-plan")
    assert code == exits.WAITING, err
    assert "Estimated cost of 3 images, in at most 15 generator calls: $0.18 to $0.90." in err


def test_an_answer_is_exported_as_one_file_of_a_chosen_form(run: Run, home: Path) -> None:
    assert run("run", STORY, "--profile", "cells.toml")[0] == exits.OK
    name = as_json(run, "last")["id"]
    for form, magic in (("docx", b"PK"), ("zip", b"PK"), ("gif", b"GIF89a"), ("webp", b"RIFF")):
        assert as_json(run, "export", "last", "--format", form, "--out", "files")["file"] == f"files/{name}.{form}"
        assert (home / "files" / f"{name}.{form}").read_bytes().startswith(magic)
    assert run("export", "last", "--format", "tex")[0] == exits.BAD_INPUT
    assert run("export", "last", "--out", "plain", "--no-provenance")[0] == exits.OK
    (image, *_) = sorted((home / "plain" / "images").iterdir())
    assert b"iTXt" not in image.read_bytes()


def test_an_export_without_one_of_its_images_says_so(run: Run, home: Path) -> None:
    assert run("run", STORY, "--profile", "cells.toml")[0] == exits.OK
    blocks = as_json(run, "show", "last")["document"]["blocks"]
    shown = next(block["sha256"] for block in blocks if block["sha256"])
    for path in list(home.rglob(f"*{shown}*")):  # in the workspace, and in the image server's store
        path.unlink()
    for words in (("--format", "gif"), ()):
        code, _, err = run("export", "last", "--out", "again", *words)
        assert code == exits.OK
        assert "1 image is missing or damaged in the workspace and cannot be shown: step 1, attempt 1" in err
    assert "Complete with known faults" in (home / "again" / "document.md").read_text()


def test_variants_and_the_choice_of_another_one(run: Run) -> None:
    made = as_json(run, "run", "a big red ball on the left, at night", "--profile", "cells.toml", "--variants", "3")
    record = as_json(run, "show", made["id"])
    assert [attempt["variant"] for attempt in record["attempts"]] == [True, True, True]
    child = as_json(run, "branch", made["id"], "1", "--attempt", "1", "--choose")
    shown = as_json(run, "show", child["id"])
    assert len(shown["attempts"]) == 3
    assert child["images"] == [shown["attempts"][0]["image"]]
    assert run("branch", made["id"], "1", "--attempt", "9", "--choose")[0] == exits.BAD_INPUT
    assert run("branch", made["id"], "1", "--choose", "--seed", "3")[0] == exits.BAD_INPUT
    for wrong in ("0", "17", "x"):
        assert run("run", "x", "--variants", wrong)[0] == exits.BAD_INPUT
