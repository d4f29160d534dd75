"""`interleavethinker doctor`."""

import json
from importlib.metadata import PackageNotFoundError, version

import pytest

from interleavethinker.cli import doctor, main


def lose_diffusers(name: str) -> str:
    if name == "diffusers":
        raise PackageNotFoundError(name)
    return version(name)


def test_a_sound_installation_reports_each_library_with_its_version(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as exit_:
        main(["doctor", "--json"])
    assert exit_.value.code == 0
    findings = {finding["name"]: finding for finding in json.loads(capsys.readouterr().out)}
    assert {"python", "torch", "device"} <= set(findings)
    assert findings["mcp"] == {"name": "mcp", "good": True, "found": version("mcp")}


def test_a_missing_library_is_a_failure_that_says_what_to_do(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("interleavethinker.cli.doctor.version", lose_diffusers)
    with pytest.raises(SystemExit) as exit_:
        main(["doctor"])
    assert exit_.value.code == 3
    assert "make setup" in capsys.readouterr().out


def test_the_list_names_what_the_program_needs() -> None:
    assert {"torch", "diffusers", "transformers", "langgraph", "mcp"} <= set(doctor.LIBRARIES)
