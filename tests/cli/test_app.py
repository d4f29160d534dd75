"""The program's frame: fast start, command lookup, and one way to report errors."""

import inspect
import json
import os
import subprocess
import sys
from collections.abc import Iterator
from importlib.metadata import version
from pathlib import Path
from typing import Any

import pytest
import typer
from rich.text import Text

from interleavethinker.cli import app, main
from interleavethinker.cli import commands as table
from interleavethinker.cli import exit_codes as exits
from interleavethinker.cli.commands import TABLE, CommandSpec
from interleavethinker.cli.options import RENAMED_OPTIONS
from interleavethinker.tools.errors import GeneratorError, InputError, InterleaveError, ProfileError, TrajectoryError

HEAVY = {"diffusers", "langchain", "langgraph", "mcp", "numpy", "PIL", "torch", "transformers"}


def run(*words: str) -> int:
    with pytest.raises(SystemExit) as exit_:
        main(words)
    assert isinstance(exit_.value.code, int)
    return exit_.value.code


def install(monkeypatch: pytest.MonkeyPatch, command: object) -> None:
    """Adds the command `interleavethinker probe` for one test."""
    monkeypatch.setattr(app, "TABLE", (*TABLE, CommandSpec("probe", "doctor:probe", "Probes.", "Tests")))
    monkeypatch.setattr("interleavethinker.cli.doctor.probe", command, raising=False)


def raising(error: BaseException) -> object:
    def probe(_json: bool = typer.Option(False, "--json")) -> None:
        raise error

    return probe


def test_help_lists_all_commands_and_imports_none() -> None:
    code = "import sys; from interleavethinker.cli import main\ntry: main(['--help'])\nfinally: print(*sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True)
    help_, modules = done.stdout.rsplit("\n", 2)[0], set(done.stdout.splitlines()[-1].split())
    assert all(entry.name in help_ for entry in TABLE)
    assert not HEAVY & modules
    assert not {f"interleavethinker.cli.{entry.target.partition(':')[0]}" for entry in TABLE} & modules


@pytest.mark.parametrize("entry", TABLE, ids=lambda entry: entry.name)
def test_every_command_in_the_table_has_help(entry: CommandSpec, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(entry.name, "--help") == exits.OK
    assert f"interleavethinker {entry.name}" in capsys.readouterr().out


@pytest.mark.parametrize("entry", TABLE, ids=lambda entry: entry.name)
def test_help_of_a_command_loads_no_model_library(entry: CommandSpec) -> None:
    code = (
        f"import sys; from interleavethinker.cli.app import build_app\nbuild_app([{entry.name!r}])\nprint(*sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True)
    assert not {"diffusers", "torch", "transformers"} & set(done.stdout.split())


def test_a_command_hardly_looks_for_garbage_while_it_imports(tmp_path: Path) -> None:
    code = """
import atexit, gc, sys
from interleavethinker.cli import main
rounds = []
gc.callbacks.append(lambda phase, _: rounds.append(phase) if phase == "start" else None)
atexit.register(lambda: print(len(rounds), flush=True))
sys.argv[1:] = ["list", "--json"]
main()
"""
    done = subprocess.run(
        [sys.executable, "-c", code],
        check=True, capture_output=True, text=True, env=os.environ | {"INTERLEAVETHINKER_HOME": str(tmp_path)},
    )  # fmt: skip
    assert int(done.stdout.splitlines()[-1]) < 100


def commands_below(command: Any) -> Iterator[Any]:
    if isinstance(command, typer.core.TyperGroup):
        for child in command.commands.values():
            yield from commands_below(child)
    else:
        yield command


@pytest.mark.parametrize("entry", TABLE, ids=lambda entry: entry.name)
def test_help_fits_a_terminal_of_80_columns(entry: CommandSpec) -> None:
    """Typer keeps the line breaks of a docstring from its second paragraph on."""
    root = typer.main.get_command(app.build_app([entry.name]))
    assert isinstance(root, typer.core.TyperGroup)
    for command in commands_below(root.commands[entry.name]):
        _, *paragraphs = inspect.cleandoc(command.help or "").split("\n\n")
        assert command.help, f"{command.name} has no help"
        assert all(len(line) <= 78 for line in "\n".join(paragraphs).splitlines()), command.name


@pytest.mark.parametrize("entry", TABLE, ids=lambda entry: entry.name)
def test_help_shows_everything_that_it_has_in_brackets(entry: CommandSpec) -> None:
    """Rich reads a word in brackets as a style, and prints nothing for it."""
    root = typer.main.get_command(app.build_app([entry.name]))
    assert isinstance(root, typer.core.TyperGroup)
    for command in commands_below(root.commands[entry.name]):
        texts = [command.help, *(getattr(parameter, "help", None) for parameter in command.params)]
        for text in texts:
            assert Text.from_markup(text or "").plain == (text or ""), command.name


def test_command_names_are_unique() -> None:
    names = [entry.name for entry in table.TABLE]
    assert len(names) == len(set(names))


def test_version_prints_the_installed_version(capsys: pytest.CaptureFixture[str]) -> None:
    assert run("--version") == exits.OK
    assert capsys.readouterr().out == f"interleavethinker {version('interleavethinker')}\n"


def test_no_command_shows_the_help_and_is_bad_input(capsys: pytest.CaptureFixture[str]) -> None:
    assert run() == exits.BAD_INPUT
    assert "doctor" in capsys.readouterr().out


def test_an_unknown_command_is_bad_input_and_suggests_the_nearest_name(capsys: pytest.CaptureFixture[str]) -> None:
    assert run("docto") == exits.BAD_INPUT
    captured = capsys.readouterr()
    assert "Did you mean 'doctor'?" in captured.err
    assert not captured.out


def test_an_unknown_option_refers_to_the_help_of_its_command(capsys: pytest.CaptureFixture[str]) -> None:
    assert run("doctor", "--jsno") == exits.BAD_INPUT
    assert "Try 'interleavethinker doctor --help'." in capsys.readouterr().err


@pytest.mark.parametrize(
    ("error", "code"),
    [
        (InputError("The image is 90 megapixels; at most 40 are read."), exits.BAD_INPUT),
        (ProfileError("[no] such profile"), exits.BAD_INPUT),
        (GeneratorError("The server went away."), exits.FAILURE),
        (TrajectoryError("Another process holds it.", code="busy"), exits.FAILURE),
    ],
)
def test_an_error_gives_its_message_and_exit_code(
    error: InterleaveError, code: int, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    install(monkeypatch, raising(error))
    assert run("probe") == code
    captured = capsys.readouterr()
    assert captured.err == f"error: {error}\n"
    assert not captured.out
    assert run("probe", "--json") == code
    captured = capsys.readouterr()
    assert json.loads(captured.out) == {"error": {"code": error.code, "message": str(error)}}
    assert not captured.err


def test_an_error_inside_exception_groups_is_reported(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    inner = ExceptionGroup("tasks", [InputError("too large")])
    install(monkeypatch, raising(ExceptionGroup("tasks", [inner])))
    assert run("probe") == exits.BAD_INPUT
    assert capsys.readouterr().err == "error: too large\n"


def test_a_defect_next_to_an_expected_error_keeps_its_traceback(monkeypatch: pytest.MonkeyPatch) -> None:
    install(monkeypatch, raising(ExceptionGroup("tasks", [InputError("too large"), ZeroDivisionError("a defect")])))
    with pytest.raises(ExceptionGroup):
        main(["probe"])


def test_a_usage_error_is_json_with_the_json_option(capsys: pytest.CaptureFixture[str]) -> None:
    assert run("doctor", "--jsno", "--json") == exits.BAD_INPUT
    assert json.loads(capsys.readouterr().out)["error"]["code"] == "usage"


@pytest.mark.parametrize(("old", "new"), RENAMED_OPTIONS.items())
@pytest.mark.parametrize("value", ["", "=7"])
def test_the_error_about_an_old_option_gives_its_new_name(
    old: str, new: str, value: str, capsys: pytest.CaptureFixture[str]
) -> None:
    command = ["run", "a red ball"] if new != "--no-run" else ["branch", "some-id", "1"]
    assert run(*command, f"{old}{value}", "--json") == exits.BAD_INPUT
    assert json.loads(capsys.readouterr().out)["error"] == {
        "code": "usage",
        "message": f"{old} was renamed to {new}.",
    }


def test_a_command_that_never_had_an_old_option_does_not_name_a_new_one(capsys: pytest.CaptureFixture[str]) -> None:
    assert run("run", "a red ball", "--stay", "--json") == exits.BAD_INPUT
    assert "renamed" not in json.loads(capsys.readouterr().out)["error"]["message"]


@pytest.mark.parametrize("option", RENAMED_OPTIONS.values())
def test_the_new_name_of_an_option_exists(option: str, capsys: pytest.CaptureFixture[str]) -> None:
    run("branch", "--help")
    assert option in capsys.readouterr().out


@pytest.mark.parametrize("error", [KeyboardInterrupt(), typer.Abort(), EOFError()])
def test_an_interruption_exits_with_130(error: BaseException, monkeypatch: pytest.MonkeyPatch) -> None:
    install(monkeypatch, raising(error))
    assert run("probe") == exits.INTERRUPTED


def test_a_command_can_choose_its_exit_code(monkeypatch: pytest.MonkeyPatch) -> None:
    install(monkeypatch, raising(typer.Exit(7)))
    assert run("probe") == 7


def test_a_defect_keeps_its_traceback(monkeypatch: pytest.MonkeyPatch) -> None:
    install(monkeypatch, raising(ZeroDivisionError("a defect")))
    with pytest.raises(ZeroDivisionError, match="a defect"):
        main(["probe"])


def test_a_command_group_is_reached_by_its_name(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    group = typer.Typer()

    @group.callback()
    def probes() -> None:
        """Probes, in detail."""

    @group.command()
    def only() -> None:
        typer.echo("reached")

    install(monkeypatch, group)
    assert run("probe", "only") == exits.OK
    assert capsys.readouterr().out == "reached\n"
    assert run("probe", "--help") == exits.OK
    assert "Probes, in detail." in capsys.readouterr().out


def test_a_closed_stdout_causes_no_traceback() -> None:
    code = "from interleavethinker.cli import main; main(['--help'])"
    with subprocess.Popen(
        [sys.executable, "-c", code], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout is not None
        assert process.stderr is not None
        process.stdout.close()
        assert "Traceback" not in process.stderr.read()


def test_the_program_runs_as_a_module() -> None:
    command = [sys.executable, "-m", "interleavethinker.cli", "--version"]
    done = subprocess.run(command, check=True, capture_output=True, text=True)
    assert done.stdout == f"interleavethinker {version('interleavethinker')}\n"


@pytest.mark.parametrize(("words", "code"), [(["profiles", "list", "--json"], 0), (["profiles", "show", "nothing"], 2)])
def test_a_process_with_torch_ends_at_once_with_its_output_its_code_and_its_exit_functions(
    words: list[str], code: int
) -> None:
    script = f"""
import atexit, sys, types
from interleavethinker.cli import main

class Remains:
    def __del__(self):
        print("taken apart", file=sys.stderr)

sys.modules["torch"] = types.ModuleType("torch")
sys.modules["torch"].remains = Remains()
atexit.register(lambda: print("exit function", file=sys.stderr))
sys.argv = ["interleavethinker", *{words!r}]
main()
"""
    done = subprocess.run(
        [sys.executable, "-P", "-c", script], capture_output=True, text=True, timeout=120, check=False
    )
    assert done.returncode == code
    assert "micro" in (done.stderr if code else done.stdout)
    assert done.stderr.endswith("exit function\n")


def test_a_library_of_an_extra_that_is_not_installed_is_named_with_the_command_that_installs_it(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    install(monkeypatch, raising(ModuleNotFoundError("No module named 'numpy.linalg'", name="numpy.linalg")))
    assert run("probe") == 2
    assert "needs numpy, which is not installed. Install it with: pip install" in " ".join(
        capsys.readouterr().err.split()
    )
    install(
        monkeypatch, raising(ModuleNotFoundError("No module named 'interleavethinker.x'", name="interleavethinker.x"))
    )
    with pytest.raises(ModuleNotFoundError):
        run("probe")
