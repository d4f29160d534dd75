"""`interleavethinker doctor`."""

import json
import sys
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

import pytest

from interleavethinker.cli import doctor, main
from interleavethinker.tools.check_result import CheckResult
from interleavethinker.tools.local_extra import LOCAL_LIBRARIES

KLEIN = """
description = "d"
planner = { object = "interleavethinker.microworld.agents.scripted_planner:ScriptedPlanner" }
critic = { object = "interleavethinker.tools.testing.agents:accepting_critic" }
generator = { model = "klein-9b" }
"""


def doctor_checks(capsys: pytest.CaptureFixture[str], *words: str) -> tuple[object, dict[str, dict[str, object]]]:
    """Runs `doctor --json`; returns its exit code and its checks by name."""
    with pytest.raises(SystemExit) as exit_:
        main(["doctor", "--json", *words])
    return exit_.value.code, {check["name"]: check for check in json.loads(capsys.readouterr().out)}


def remove(monkeypatch: pytest.MonkeyPatch, *libraries: str) -> None:
    """Makes libraries look as if they had never been installed."""

    def version_of(name: str) -> str:
        if name in libraries:
            raise PackageNotFoundError(name)
        return version(name)

    monkeypatch.setattr("interleavethinker.cli.doctor.version", version_of)
    for name in libraries:
        monkeypatch.setitem(sys.modules, name, None)


def test_a_complete_installation_reports_each_library_with_its_version(capsys: pytest.CaptureFixture[str]) -> None:
    code, checks = doctor_checks(capsys)
    assert code == 0
    assert {"python", "device", *doctor.LIBRARIES, *LOCAL_LIBRARIES} <= set(checks)
    assert checks["mcp"] == {"name": "mcp", "good": True, "found": version("mcp"), "warning": False}


def test_a_workspace_at_another_kind_of_url_is_a_failure_without_its_password(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("INTERLEAVETHINKER_WORKSPACE", "mysql://user:secret@host/stories")
    code, checks = doctor_checks(capsys)
    assert code == 3
    assert "mysql://" in str(checks["workspace"]["found"])
    assert "secret" not in str(checks)


@pytest.mark.parametrize("library", ["mcp", "diffusers"])
def test_a_missing_library_is_a_failure_that_says_what_to_do(
    library: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    remove(monkeypatch, library)
    code, checks = doctor_checks(capsys)
    assert code == 3
    assert not checks[library]["good"]
    remedy = "make setup" if library == "mcp" else "pip install -c constraints.txt '.[local]'"
    assert remedy in str(checks[library]["found"])


def test_the_list_names_what_the_program_needs() -> None:
    assert {"torch", "diffusers", "transformers", "langgraph", "mcp"} <= {*doctor.LIBRARIES, *LOCAL_LIBRARIES}


def test_a_missing_local_extra_is_only_a_warning_where_the_profile_loads_no_model(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    remove(monkeypatch, *LOCAL_LIBRARIES)
    monkeypatch.setenv("OPENAI_API_KEY", "sk-test")
    path = tmp_path / "hosted.toml"
    path.write_text(KLEIN.replace("klein-9b", "openai:gpt-image-1"))
    code, checks = doctor_checks(capsys, "--profile", str(path))
    assert code == 0
    assert all((checks[name]["good"], checks[name]["warning"]) == (True, True) for name in LOCAL_LIBRARIES)
    assert ".[local]" in str(checks["torch"]["found"])


def test_a_profile_with_an_image_model_by_alias_reports_licence_and_gpu(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    monkeypatch.setattr("torch.cuda.is_available", lambda: False)
    path = tmp_path / "mine.toml"
    path.write_text(KLEIN)
    code, checks = doctor_checks(capsys, "--profile", str(path))
    assert code == 3, "there is no GPU"
    assert "about 36 GiB needed" in str(checks[f"{path} GPU"]["found"])
    assert checks[f"{path} licence"] == {
        "name": f"{path} licence",
        "good": True,
        "found": "klein-9b (black-forest-labs/FLUX.2-klein-9B): FLUX Non-Commercial License: not for commercial use",
        "warning": True,
    }


def test_a_gpu_that_is_too_small_gets_advice_and_is_enough_once_it_is_followed(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    class Gpu:
        total_memory = 23.6 * 2**30

    monkeypatch.setattr("torch.cuda.is_available", lambda: True)
    monkeypatch.setattr("torch.cuda.get_device_properties", lambda _: Gpu)
    monkeypatch.setattr("torch.cuda.get_device_name", lambda _: "A GPU")
    path = tmp_path / "mine.toml"
    path.write_text(KLEIN)
    _, checks = doctor_checks(capsys, "--profile", str(path))
    gpu = checks[f"{path} GPU"]
    assert gpu["good"] is False
    assert 'with arguments = ["--offload", "model"] in [generator], about 20 GiB are enough' in str(gpu["found"])
    path.write_text(KLEIN.replace('model = "klein-9b"', 'model = "klein-9b", arguments = ["--offload", "model"]'))
    _, checks = doctor_checks(capsys, "--profile", str(path))
    assert checks[f"{path} GPU"] == {
        "name": f"{path} GPU",
        "good": True,
        "found": "A GPU, 24 GiB (about 20 GiB needed)",
        "warning": False,
    }


def test_people_see_a_mark_for_each_kind_of_result() -> None:
    results = (CheckResult("a", True, ""), CheckResult("b", True, "", warning=True), CheckResult("c", False, ""))
    assert [doctor._mark(result)[0] for result in results] == ["ok", "!!", "--"]


def test_a_server_that_cannot_be_reached_is_a_failure(capsys: pytest.CaptureFixture[str]) -> None:
    code, checks = doctor_checks(capsys, "--server", "no-such-program --option")
    assert code == 3
    assert "is not found" in str(checks["connection"]["found"])
    assert "settings" not in checks, "only the server is checked"
