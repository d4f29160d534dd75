"""The decorator that gives an async command an open workspace."""

import inspect
from pathlib import Path
from typing import Annotated

import pytest
import typer

from interleavethinker.cli import trajectories
from interleavethinker.cli.commands import TABLE
from interleavethinker.cli.options import Json, TrajectoryId
from interleavethinker.cli.workspace_command import workspace_command
from interleavethinker.graph import Workspace


@workspace_command
async def probe(
    workspace: Workspace, words: Annotated[str, typer.Argument()] = "x", json_output: Json = False
) -> int | None:
    """Probes."""
    summaries = await workspace.list()
    typer.echo(f"{workspace.root.name} {words} {len(summaries)} {json_output}")
    return 7 if words == "seven" else None


def exit_code(**options: object) -> int:
    with pytest.raises(typer.Exit) as exit_:
        probe(**options)
    return exit_.value.exit_code


def test_the_command_opens_the_given_workspace_and_closes_it(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert exit_code(folder=tmp_path / "mine", words="hello", json_output=True) == 0
    assert capsys.readouterr().out == "mine hello 0 True\n"


def test_the_command_exits_with_the_code_that_its_function_returns(tmp_path: Path) -> None:
    assert exit_code(folder=tmp_path, words="seven") == 7
    assert exit_code(folder=tmp_path, words="eight") == 0


def test_typer_sees_the_options_of_the_function_and_workspace_but_not_the_open_workspace() -> None:
    signature = inspect.signature(trajectories.pause)
    assert list(signature.parameters) == ["trajectory", "json_output", "folder"]
    assert signature.parameters["trajectory"].annotation == TrajectoryId
    app = typer.Typer(add_completion=False)
    app.command()(probe)
    command = typer.main.get_command(app)
    assert [option.opts for option in command.params] == [["words"], ["--json"], ["--workspace"]]
    assert command.help == "Probes."


def test_every_command_about_trajectories_takes_a_workspace() -> None:
    for name in ("run", *(one.name for one in TABLE if one.target.startswith("trajectories:")), "resume"):
        file, _, attribute = next(one.target for one in TABLE if one.name == name).partition(":")
        module = __import__(f"interleavethinker.cli.{file}", fromlist=[attribute])
        assert "folder" in inspect.signature(getattr(module, attribute)).parameters, name
