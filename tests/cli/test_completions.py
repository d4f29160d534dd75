"""Completions, asked for as each shell does: through environment variables of the program itself."""

import os
import shutil
import sqlite3
import subprocess
import sys
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import pytest
import typer

from interleavethinker.cli.app import build_app
from interleavethinker.cli.commands import TABLE
from interleavethinker.cli.completions import (
    complete_profiles,
    complete_setting_values,
    complete_trajectories,
    completed_words,
)

Run = Callable[..., tuple[int, str, str]]
PROGRAM = "import sys; from interleavethinker.cli import main; main()"


def completions(shell: str, line: str, home: Path, program: str = PROGRAM) -> str:
    """Returns what the program prints for a line whose end is to be completed."""
    words = line.split()
    position = len(words) if line.endswith(" ") else len(words) - 1
    variables = {
        "_INTERLEAVETHINKER_COMPLETE": f"complete_{shell}",
        "COMP_WORDS": line,
        "COMP_CWORD": str(position),
        "_TYPER_COMPLETE_ARGS": line,
        "_TYPER_COMPLETE_FISH_ACTION": "get-args",
        "INTERLEAVETHINKER_HOME": str(home / "home"),
    }
    if shell == "bash":
        del variables["_TYPER_COMPLETE_ARGS"]
    done = subprocess.run(
        [sys.executable, "-c", program],
        env=os.environ | variables,
        cwd=home,
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stderr == ""
    return done.stdout


def words_of(shell: str, line: str, home: Path) -> set[str]:
    lines = completions(shell, line, home).splitlines()
    if shell == "zsh":
        return {line.split('"')[1] for line in lines if '"' in line}
    return {line.split("\t")[0] for line in lines}


SHELLS = ("bash", "zsh", "fish")


@pytest.mark.parametrize("shell", SHELLS)
def test_commands_options_and_values_are_completed(shell: str, home: Path) -> None:
    assert words_of(shell, "interleavethinker ", home) == {entry.name for entry in TABLE}
    assert words_of(shell, "interleavethinker res", home) == {"resume"}
    assert words_of(shell, "interleavethinker run --max-", home) == {
        *("--max-attempts", "--max-calls", "--max-cost", "--max-drift")
    }
    assert words_of(shell, "interleavethinker profiles ", home) == {"list", "show", "new"}
    assert {"done", "failed"} <= words_of(shell, "interleavethinker list --status ", home)


@pytest.mark.parametrize("shell", SHELLS)
def test_profiles_are_completed_shipped_ones_the_users_and_files(shell: str, home: Path) -> None:
    mine = home / "home" / "profiles" / "mine.toml"
    mine.parent.mkdir(parents=True)
    mine.write_text("")
    expected = {"api", "klein", "klein-vllm", "micro", "mine", "released", "cells.toml"}
    for line in ("run --profile ", "doctor --profile ", "settings set profile "):
        assert words_of(shell, f"interleavethinker {line}", home) == expected
    assert words_of(shell, "interleavethinker profiles show m", home) == {"micro", "mine"}
    assert words_of(shell, "interleavethinker run --profile ce", home) == {"cells.toml"}


@pytest.mark.parametrize("line", ["run --profile ", "profiles show ", "settings set profile ", "show "])
def test_a_completion_loads_neither_langgraph_nor_langchain(line: str, home: Path) -> None:
    watched = "import atexit, sys; atexit.register(lambda: print('loaded', *sys.modules, file=sys.__stdout__))"
    printed = completions("bash", f"interleavethinker {line}", home, f"{watched}; {PROGRAM}")
    first, loaded = printed.split("loaded ")
    assert first.split()
    assert not {"langgraph", "langchain_core"} & set(loaded.split())


@pytest.mark.parametrize("shell", SHELLS)
def test_trajectory_ids_are_completed_with_harmless_titles(shell: str, run: Run, home: Path) -> None:
    run("run", "a big red ball on the left, at night", "--profile", "cells.toml", "--quiet")
    database = home / "home" / "trajectories.sqlite"
    with closing(sqlite3.connect(database)) as connection, connection:
        (name,) = connection.execute("SELECT id FROM trajectories").fetchone()
        title = "red \\$(touch owned) `touch owned` '\"; touch owned; \x1b[2J"
        connection.execute("UPDATE trajectories SET title = ?", (title,))
    for command in ("show", "resume", "open", "delete", "branch"):
        assert words_of(shell, f"interleavethinker {command} ", home) == {name, "last"}
    assert words_of(shell, f"interleavethinker show {name[:5]}", home) == {name}
    printed = completions(shell, "interleavethinker show ", home)
    assert not set("\\$`;\x1b") & set(printed)
    database.write_bytes(b"no database")
    assert words_of(shell, "interleavethinker show ", home) == {"last"}


@pytest.mark.skipif(shutil.which("bash") is None, reason="bash")
def test_bash_itself_completes_with_the_installed_script(home: Path, tmp_path: Path) -> None:
    # Without this variable, typer looks for a shell among the parents of the process, and a CI job may have none.
    named = os.environ | {"_TYPER_COMPLETE_TEST_DISABLE_SHELL_DETECTION": "1"}
    script = subprocess.run(
        [sys.executable, "-c", PROGRAM, "--show-completion", "bash"],
        env=named,
        capture_output=True,
        text=True,
        check=True,
    ).stdout
    program = tmp_path / "bin" / "interleavethinker"
    program.parent.mkdir()
    program.write_text(f'#!/bin/sh\nexec "{sys.executable}" -c "{PROGRAM}" "$@"\n')
    program.chmod(0o755)
    code = (
        f"{script}\nCOMP_WORDS=(interleavethinker profiles sh); COMP_CWORD=2\n"
        '_interleavethinker_completion interleavethinker\necho "${COMPREPLY[@]}"'
    )
    path = f"{program.parent}{os.pathsep}{os.environ['PATH']}"
    variables = os.environ | {"PATH": path, "INTERLEAVETHINKER_HOME": str(home / "home")}
    done = subprocess.run(["bash", "--norc", "-c", code], env=variables, capture_output=True, text=True, check=True)
    assert done.stdout == "show\n"


def test_completions_in_this_process(run: Run, home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    run("run", "a big red ball on the left, at night", "--profile", "cells.toml", "--quiet")
    context = typer.Context(typer.main.get_command(build_app(["list"])))
    ((name, title), last) = complete_trajectories(context, "")
    assert (title[:13], last[0]) == ("a big red bal", "last")
    assert complete_trajectories(context, name[:5]) == [(name, title)]
    context.params["folder"] = str(home / "elsewhere")
    assert [word for word, _ in complete_trajectories(context, "")] == ["last"]
    (home / "b;c.toml").write_text("")
    assert complete_profiles("ce") == [("cells.toml", "file")]
    assert complete_profiles(f"{home}/ce") == [(f"{home}/cells.toml", "file")]
    assert ("micro", "shipped") in complete_profiles("")
    assert complete_profiles("b") == []
    context.params["name"] = "profile"
    assert ("micro", "shipped") in complete_setting_values(context, "mi")
    context.params["name"] = "home"
    assert complete_setting_values(context, "mi") == []
    assert completed_words() is None
    monkeypatch.setenv("_INTERLEAVETHINKER_COMPLETE", "complete_bash")
    monkeypatch.setenv("COMP_WORDS", "interleavethinker show l")
    monkeypatch.delenv("_TYPER_COMPLETE_ARGS", raising=False)
    assert completed_words() == ["show", "l"]
