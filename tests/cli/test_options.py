"""Invalid options of the agent's commands are refused before any work, with a clear message; JSON output."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from interleavethinker.cli import exit_codes as exits
from interleavethinker.cli.options import limits_with, with_drift_guard
from interleavethinker.graph import Limits
from interleavethinker.tools.errors import InputError

STORY = "a big red ball on the left, at night. then make the ball blue"

Run = Callable[..., tuple[int, str, str]]


def as_json(run: Run, *words: str, code: int = exits.OK) -> Any:
    found, out, err = run(*words, "--json")
    assert found == code, err
    return json.loads(out)


def waiting(run: Run) -> str:
    """Returns the ID of a trajectory whose plan waits for approval; no image is generated."""
    result = as_json(run, "run", STORY, "--profile", "cells.toml", "--approve-plan", code=exits.WAITING)
    return str(result["id"])


def test_a_folder_that_cannot_be_written_is_refused_before_any_work(run: Run, tmp_path: Path) -> None:
    (tmp_path / "existing").write_text("in the way")
    for out in ("existing", "existing/deeper"):
        words = ("run", STORY, "--profile", "cells.toml", "--out", out)
        assert "--out must be a folder" in as_json(run, *words, code=exits.BAD_INPUT)["error"]["message"]
    (tmp_path / "runs").write_text("in the way")
    assert run("run", STORY, "--profile", "cells.toml")[0] == exits.BAD_INPUT
    assert as_json(run, "list") == []


def test_a_failed_export_still_reports_id_and_status(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_: object) -> Path:
        raise InputError("The disk is full.")

    monkeypatch.setattr("interleavethinker.graph.export.export.export", fail)
    words = ("run", STORY, "--profile", "cells.toml")
    result = as_json(run, *words, code=exits.BAD_INPUT)
    assert (result["status"], result["storyboard"], result["error"]["message"]) == ("done", None, "The disk is full.")
    code, out, err = run(*words)
    assert code == exits.BAD_INPUT
    assert out.startswith("Trajectory: ")
    assert "The disk is full." in err


@pytest.mark.parametrize(
    ("option", "value"),
    [
        ("--time-limit", "0"),
        ("--time-limit", "-1"),
        ("--time-limit", "nan"),
        ("--time-limit", "inf"),
        ("--look-ahead", "65"),
        ("--max-attempts", "101"),
        ("--max-calls", "99999999999999999999999"),
        ("--seed", "99999999999999999999999"),
        ("--seed", str(2**31)),
    ],
)
def test_an_option_out_of_range_is_bad_input(run: Run, option: str, value: str) -> None:
    error = as_json(run, "run", STORY, "--profile", "cells.toml", option, value, code=exits.BAD_INPUT)["error"]
    assert option in error["message"]
    if option == "--seed":
        assert option in as_json(run, "branch", "x", "1", option, value, code=exits.BAD_INPUT)["error"]["message"]
    assert as_json(run, "list") == []


def test_an_unknown_action_of_the_drift_guard_is_named_with_the_known_ones(run: Run) -> None:
    code, _, err = run("run", STORY, "--on-drift", "stop")
    assert code == exits.BAD_INPUT
    assert "Invalid value for '--on-drift': 'stop' is not one of 'nothing', 'note', 'redraw', 'restart'." in err


def test_the_error_about_a_time_limit_gives_its_unit_and_the_value(run: Run) -> None:
    error = as_json(run, "run", STORY, "--time-limit", "-1", code=exits.BAD_INPUT)["error"]
    assert error["message"] == "--time-limit must be positive (seconds); got -1."


def test_limits_out_of_range_are_bad_input() -> None:
    with pytest.raises(InputError, match="look_ahead: Input should be less than or equal to 64"):
        limits_with(Limits(), look_ahead=65)


@pytest.mark.parametrize(
    ("plan", "complaint"),
    [
        ("[{}]", "Step 1 of the plan plan.json is empty"),
        ('[{"prompt": "a cat"}, {"instruction": " "}]', "Step 2 of the plan plan.json is empty"),
        ('[{"instruction": "A cat.", "prompt": ""}]', "empty prompt"),
        ('[{"words": "a cat"}]', "0.words: Extra inputs are not permitted"),
        ("no JSON", "is not a JSON list of steps"),
    ],
)
def test_every_step_of_an_edited_plan_must_have_content(run: Run, tmp_path: Path, plan: str, complaint: str) -> None:
    name = waiting(run)
    (tmp_path / "plan.json").write_text(plan)
    message = as_json(run, "approve", name, "--plan", "plan.json", code=exits.BAD_INPUT)["error"]["message"]
    assert complaint in message
    assert "pydantic" not in message
    assert as_json(run, "show", name)["status"] == "waiting"


@pytest.mark.parametrize(
    ("words", "length"),
    [(("run", "x", "--image"), 2**25), (("run", "x", "--profile"), 2**20), (("approve", "last", "--plan"), 2**20)],
)
def test_a_file_without_an_end_is_refused_and_not_read_to_its_end(
    words: tuple[str, ...], length: int, run: Run, tmp_path: Path
) -> None:
    waiting(run)
    with (tmp_path / "endless.toml").open("wb") as file:
        file.truncate(length + 1)
    code, _, errors = run(*words, "endless.toml")
    assert code == exits.BAD_INPUT
    assert f"endless.toml is too large: more than {length / 2**20:g} MiB" in " ".join(errors.split())


def test_nothing_is_deleted_if_one_of_the_ids_is_unknown(run: Run) -> None:
    name = waiting(run)
    assert run("delete", name, "nosuch")[0] == exits.FAILURE
    assert [entry["id"] for entry in as_json(run, "list")] == [name]
    assert run("delete", name, name)[1].startswith("Deleted 1 trajectory and ")
    assert as_json(run, "list") == []


@pytest.mark.parametrize("command", ["show", "resume", "pause", "cancel", "approve", "export", "delete"])
def test_an_empty_id_matches_no_trajectory_not_even_the_only_one(run: Run, command: str) -> None:
    name = waiting(run)
    code, _, err = run(command, "")
    assert code == exits.BAD_INPUT
    assert "The trajectory ID is empty." in err
    assert as_json(run, "show", name)["status"] == "waiting"


def test_commands_that_only_record_a_request_support_json(run: Run) -> None:
    name = waiting(run)
    approved = as_json(run, "approve", name, "--no-run")
    assert (approved["id"], approved["status"]) == (name, "waiting")
    done = as_json(run, "resume", name)
    child = as_json(run, "branch", done["id"], "2", "--no-run")["id"]
    assert (as_json(run, "pause", child)["id"], as_json(run, "pause", child)["status"]) == (child, "paused")
    assert as_json(run, "cancel", child)["status"] == "cancelled"
    nothing = {"recent_images": 0, "exports": [], "server_images": 0}
    assert as_json(run, "delete", child) == {"deleted": [child], "images_removed": 0, "left": nothing}
    assert run("branch", name, "2", "--no-run")[1].strip() in {entry["id"] for entry in as_json(run, "list")}


def test_recording_a_verdict_supports_json(run: Run) -> None:
    as_json(run, "run", STORY, "--profile", "cells.toml")
    (parent,) = as_json(run, "list")
    image = next(Path("runs", parent["id"], "images").iterdir())
    child = as_json(run, "branch", parent["id"], "1", "--image", str(image), "--no-run")["id"]
    judged = as_json(run, "judge", child, "--accept", "--no-run")
    assert (judged["id"], judged["attempts"]) == (child, 1)


def test_a_branch_with_other_limits_continues_after_a_reached_limit(run: Run) -> None:
    words = ("--profile", "cells.toml", "--max-calls", "1", "--max-attempts", "4")
    ended = as_json(run, "run", STORY, *words)
    assert (ended["stop_reason"], ended["finished_steps"]) == ("max_calls", 1)
    child = as_json(run, "branch", ended["id"], "2", "--max-calls", "7", "--time-limit", "600")
    assert (child["stop_reason"], child["finished_steps"]) == ("complete", 2)
    assert child["images"][0] == ended["images"][0]
    limits = as_json(run, "show", child["id"])["limits"]
    assert (limits["max_calls"], limits["time_limit"], limits["max_attempts"]) == (7, 600, 4)


def test_the_drift_guard_of_a_profile_is_changed_field_by_field() -> None:
    noted = with_drift_guard(Limits(), "note", None)
    assert (noted.drift.action, noted.drift.threshold) == ("note", 0.5)
    assert with_drift_guard(noted, None, 0.2).drift.threshold == 0.2
    assert with_drift_guard(noted, None, None) == noted
    with pytest.raises(InputError, match="no effect without --on-drift"):
        with_drift_guard(Limits(), None, 0.2)


@pytest.mark.parametrize(
    "words",
    [
        ["run", "x", "--out", ""],
        ["run", "x", "--out="],
        ["run", "x", "-o", ""],
        ["run", "x", "--image", ""],
        ["run", "x", "--profile", ""],
        ["list", "--workspace", ""],
        ["export", "last", "--out", ""],
        ["batch", ""],
        ["image-server", "--store", ""],
        ["image-server", "--images", ""],
        ["trajectory-server", "--images", ""],
        ["trajectory-server", "--profile", ""],
        ["approve", "last", "--plan", ""],
        ["data", "prompts", "--from", "", "out"],
        ["data", "prompts", ""],
        ["doctor", "--profile", ""],
    ],
    ids=" ".join,
)
def test_an_empty_path_is_refused_and_not_taken_for_the_current_folder(home: Path, run: Run, words: list[str]) -> None:
    before = sorted(home.iterdir())
    code, _, err = run(*words)
    assert (code, "is empty. Give a path" in err) == (2, True), err
    assert sorted(home.iterdir()) == before, "nothing was written"


@pytest.mark.parametrize(
    "words",
    [
        ["image-server", "--transport", "http", "--host", ""],
        ["trajectory-server", "--transport", "http", "--host="],
        ["image-server", "--transport", "http", "--host", " "],
        ["image-server", "--transport", "http", "--allow-host", ""],
        ["trajectory-server", "--connect", ""],
        ["image-server", "--model", ""],
        ["image-server", "--device", ""],
        ["doctor", "--server", ""],
        ["connect", "--name", ""],
        ["profiles", "show", ""],
        ["profiles", "new", "mine", "--from", ""],
        ["export", "last", "--task", ""],
    ],
    ids=" ".join,
)
def test_an_empty_name_or_address_is_refused(home: Path, run: Run, words: list[str]) -> None:
    before = sorted(home.iterdir())
    code, _, err = run(*words)
    assert (code, "is empty. Give a value, or leave it out." in " ".join(err.split())) == (2, True), err
    assert sorted(home.iterdir()) == before, "nothing was written"


def test_an_empty_text_that_is_no_path_is_left_alone(run: Run) -> None:
    assert run("list", "--grep", "")[0] == 0


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["run", "x", "--max-cost", "abc"], "'--max-cost': not a number"),
        (["run", "x", "--seed", "1.5"], "'--seed': not a whole number"),
        (["run", "x", "--max-calls", "0"], "'--max-calls': must be at least 1"),
        (["image-server", "--port", "99999"], "'--port': must be at most 65535"),
    ],
)
def test_a_number_that_cannot_be_used_is_told_in_words_of_this_program(run: Run, words: list[str], said: str) -> None:
    code, _, err = run(*words)
    assert (code, said in err, "Input should" in err) == (exits.BAD_INPUT, True, False), err
