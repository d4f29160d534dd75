"""Progress of long commands: bars on a terminal, plain lines in a log, and one implementation of both."""

import ast
from pathlib import Path

import pytest
from rich.console import Console

from interleavethinker.cli import progress
from interleavethinker.cli.progress import progress_bar, progress_bars, spinner


def test_a_log_gets_a_line_for_each_tenth_of_a_group_and_no_control_codes(capsys: pytest.CaptureFixture[str]) -> None:
    with progress_bars() as report:
        for finished in range(1, 101):
            report("requests", finished, 100)
        report("plots", 3, 3)
    captured = capsys.readouterr()
    assert captured.err.splitlines() == [f"requests: {tenth}0 of 100" for tenth in range(1, 11)] + ["plots: 3 of 3"]
    assert not captured.out


def test_an_empty_group_is_reported_as_finished(capsys: pytest.CaptureFixture[str]) -> None:
    with progress_bars() as report:
        report("requests", 0, 0)
    assert capsys.readouterr().err == "requests: 0 of 0\n"


def test_a_terminal_gets_a_bar_for_each_group(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def terminal(**_: object) -> Console:
        return Console(stderr=True, force_terminal=True, width=120, color_system=None)

    monkeypatch.setattr(progress, "console", terminal)
    with progress_bars() as report:
        report("requests", 2, 4)
        report("plots", 3, 3)
    shown = capsys.readouterr().err
    for words in ("requests", "2/4", "plots", "3/3", "━"):
        assert words in shown
    assert "loading" not in shown.splitlines()[-2]


def test_a_single_bar_reports_its_group(capsys: pytest.CaptureFixture[str]) -> None:
    with progress_bar("trajectories") as report:
        report(5, 5)
    assert capsys.readouterr().err == "trajectories: 5 of 5\n"


def test_a_spinner_is_silent_in_a_log(capsys: pytest.CaptureFixture[str]) -> None:
    with spinner("generating"):
        pass
    assert not capsys.readouterr().err


def test_no_other_command_file_shows_progress_of_its_own() -> None:
    folder = Path(progress.__file__).parent
    for path in folder.glob("*.py"):
        imported = {
            node.module
            for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
            if isinstance(node, ast.ImportFrom)
        }
        assert path.name == "progress.py" or "rich.progress" not in imported, f"{path.name} must use cli/progress.py"
