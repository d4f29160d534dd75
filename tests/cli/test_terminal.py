"""The border between this program and the terminal: foreign text, narrow encodings, closed pipes."""

import ast
import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from interleavethinker.cli import exit_codes as exits
from interleavethinker.cli.terminal import console, echo
from interleavethinker.tools.plain_text import clean, one_line

ROOT = Path(__file__).parents[2]
HOSTILE = (
    "a \x1b[31mred\x1b[0m ball\x1b]0;owned\x07 \x1b]8;;http://evil.example\x1b\\here\x1b]8;;\x1b\\ "
    "\x9b2J\x1bPq\x1b\\ \u202egnp.exe\u202c \u2066x\u2069\x07\x08 [bold]b[/bold] :smile:\r\nerror: done\rover\u200b"
)
"""Colors, a window title, a link, C1 controls, a device string, reading direction, a bell, Rich's markup, lines."""
SAFE = "a red ball here  gnp.exe x [bold]b[/bold] :smile:\nerror: done\nover"
DANGEROUS = {*map(chr, range(32)), *map(chr, range(0x7F, 0xA0)), "\u202e", "\u202c", "\u2066", "\u2069", "\u200b"}

Run = Callable[..., tuple[int, str, str]]


def test_foreign_text_keeps_its_words_and_loses_everything_that_steers_a_terminal() -> None:
    assert clean(HOSTILE) == SAFE
    assert one_line(HOSTILE) == "a red ball here gnp.exe x [bold]b[/bold] :smile: error: done over"
    assert clean("\x1b]0;never closed") == "0;never closed"
    assert clean("Grün 子猫 🐈 naïve\ttab") == "Grün 子猫 🐈 naïve\ttab"


@pytest.mark.parametrize("style", [None, "red"])
def test_whatever_is_printed_is_cleaned(style: str | None, capsys: pytest.CaptureFixture[str]) -> None:
    echo(HOSTILE, style=style)
    assert capsys.readouterr().out == SAFE + "\n"


def test_a_table_with_foreign_text_is_cleaned(capsys: pytest.CaptureFixture[str]) -> None:
    from rich.panel import Panel
    from rich.table import Table
    from rich.text import Text

    table = Table(HOSTILE)
    table.add_row(Text(HOSTILE, style="red"))
    console(width=100).print(table, Panel(HOSTILE, title=HOSTILE))
    assert not (DANGEROUS - {"\n"}) & set(capsys.readouterr().out)


def test_nothing_else_in_the_command_line_writes_to_the_terminal() -> None:
    for path in sorted((ROOT / "cli").rglob("*.py")):
        if path.name in {"terminal.py", "_console.py"}:
            continue
        tree = ast.parse(path.read_text(encoding="utf-8"))
        used = {ast.unparse(node.func) for node in ast.walk(tree) if isinstance(node, ast.Call)}
        writes = {"print", "typer.echo", "typer.secho", "typer.style", "Console"}
        writes |= {f"sys.{stream}.{verb}" for stream in ("stdout", "stderr") for verb in ("write", "writelines")}
        assert not used & writes, path


def test_a_hostile_title_in_an_error_is_cleaned_and_stays_valid_json(run: Run) -> None:
    code, _, err = run("show", HOSTILE)
    assert code == exits.FAILURE
    assert not (DANGEROUS - {"\n"}) & set(err)
    code, out, _ = run("show", HOSTILE, "--json")
    assert out.isascii()
    assert "\x1b" not in out
    assert "red" in json.loads(out)["error"]["message"]


PLANNER = """
from interleavethinker.tools.errors import ModelError
from interleavethinker.tools.types import Plan, Step, Verdict

HOSTILE = {hostile!r}

class Planner:
    def __init__(self, store): pass
    async def plan(self, request, context):
        step = Step(instruction=HOSTILE, prompt=HOSTILE, auxiliary_text=HOSTILE)
        return Plan(steps=(step, step.model_copy(update={{"prompt": "break"}})))

class Critic:
    gives_confidence = True
    def __init__(self, store): self.calls = 0
    async def judge(self, cases):
        self.calls += 1
        if cases[0].prompt == "break":
            raise ModelError("The server said: " + HOSTILE)
        return [Verdict(success=self.calls > 1, refined_prompt=HOSTILE + " again", reasoning=HOSTILE) for _ in cases]
"""


def test_hostile_answers_of_models_reach_the_terminal_without_control_characters(
    run: Run, home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (home / "hostile_agents.py").write_text(PLANNER.format(hostile=HOSTILE))
    monkeypatch.syspath_prepend(home)
    (home / "hostile.toml").write_text(
        f"description = {json.dumps(HOSTILE)}\nnotice = {json.dumps(HOSTILE)}\n"
        'planner = { object = "hostile_agents:Planner" }\ncritic = { object = "hostile_agents:Critic" }\n'
        'generator = { model = "fake" }\nplan_check = "off"\ndocument_check = "off"\n'
    )
    code, out, err = run("run", HOSTILE, "--profile", "hostile.toml")
    assert code == exits.FAILURE
    assert "The server said: a red ball" in err
    for text in (out, err, run("list")[1], *run("show", out.split()[1])[1:]):
        assert not (DANGEROUS - {"\n"}) & set(text)
    listed = run("list", "--json")[1]
    assert listed.isascii()
    assert json.loads(listed)[0]["title"]


def python(code: str, home: Path, **environment: str) -> "subprocess.CompletedProcess[bytes]":
    variables = os.environ | {"INTERLEAVETHINKER_HOME": str(home)} | environment
    return subprocess.run([sys.executable, "-c", code], env=variables, capture_output=True, check=False)


def test_an_encoding_without_the_characters_gets_readable_replacements(tmp_path: Path) -> None:
    code = "from interleavethinker.cli.terminal import echo, prepare_streams; prepare_streams(); "
    done = python(code + "echo('planning … “Grün” ✓ 子'); echo('–', err=True)", tmp_path, PYTHONIOENCODING="ascii")
    assert done.stdout.decode("ascii").strip() == r'planning ... "Gr\xfcn" ok \u5b50'
    assert done.stderr.decode("ascii").strip() == "-"


@pytest.mark.parametrize("words", [["--help"], ["run", "--help"], ["list"], ["doctor"], ["nothing"]])
def test_every_kind_of_output_works_in_ascii(words: list[str], tmp_path: Path) -> None:
    done = python(f"from interleavethinker.cli import main; main({words!r})", tmp_path, PYTHONIOENCODING="ascii")
    assert done.returncode in {exits.OK, exits.BAD_INPUT, exits.FAILURE}
    assert (done.stdout + done.stderr).decode("ascii").strip()
    assert b"Traceback" not in done.stderr


@pytest.mark.skipif(sys.platform == "win32", reason="pipes end in another way")
@pytest.mark.parametrize("words", [["--version"], ["--help"], ["list"], ["list", "--json"], ["show", "x", "--json"]])
def test_a_reader_that_leaves_ends_the_program_quietly(words: list[str], tmp_path: Path) -> None:
    code = f"import sys; sys.stdin.readline(); from interleavethinker.cli import main; main({words!r})"
    with subprocess.Popen(
        [sys.executable, "-c", code],
        env=os.environ | {"INTERLEAVETHINKER_HOME": str(tmp_path)},
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    ) as process:
        assert process.stdin
        assert process.stdout
        assert process.stderr
        process.stdout.close()
        process.stdin.write(b"\n")
        process.stdin.close()
        assert process.stderr.read() == b""
    assert process.returncode == exits.OUTPUT_CLOSED


@pytest.mark.skipif(sys.platform == "win32", reason="closes streams as a POSIX shell does")
@pytest.mark.parametrize("closed", [">&-", "2>&-", "<&-", "<&- >&- 2>&-"])
def test_a_stream_that_the_caller_has_closed_is_no_defect(closed: str, tmp_path: Path) -> None:
    code = (
        "import os, pathlib, sys; from interleavethinker.cli import main\n"
        "try: main(['list'])\n"
        "finally: pathlib.Path('number').write_text(str(os.open('file', os.O_CREAT)))"
    )
    command = ["sh", "-c", f'exec "$0" -c "$1" {closed}', sys.executable, code]
    environment = os.environ | {"INTERLEAVETHINKER_HOME": str(tmp_path)}
    done = subprocess.run(command, env=environment, capture_output=True, cwd=tmp_path, check=False)
    assert done.returncode == exits.OK, done.stderr
    assert b"Traceback" not in done.stderr
    assert int((tmp_path / "number").read_text()) > 2  # No file takes the place of a standard stream.


@pytest.mark.skipif(sys.platform == "win32", reason="arguments are bytes on POSIX systems")
def test_a_request_is_utf_8_whatever_the_locale_is(home: Path) -> None:
    words = ["run", "--queue", "--profile", "free.toml", "un chat été 图"]
    (home / "free.toml").write_text((home / "cells.toml").read_text().replace("request_check", "# "))
    environment = os.environ | {"LC_ALL": "C", "PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0"}
    command = [sys.executable, "-m", "interleavethinker.cli"]
    subprocess.run([*command, *words], env=environment, capture_output=True, check=True)
    listed = subprocess.run([*command, "list", "--json"], env=environment, capture_output=True, check=True)
    assert json.loads(listed.stdout)[0]["title"] == "un chat été 图"


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="no device stands for a full disk")
@pytest.mark.parametrize("unbuffered", ["", "1"])
@pytest.mark.parametrize("words", ["--version", "--help", "list", "list --json", "show x --json"])
def test_output_that_cannot_be_written_is_an_error_and_no_defect(words: str, unbuffered: str, tmp_path: Path) -> None:
    command = [sys.executable, "-m", "interleavethinker.cli", *words.split()]
    environment = os.environ | {"INTERLEAVETHINKER_HOME": str(tmp_path), "PYTHONUNBUFFERED": unbuffered}
    with Path("/dev/full").open("wb") as full:
        done = subprocess.run(command, env=environment, stdout=full, stderr=subprocess.PIPE, check=False)
        silent = subprocess.run(command, env=environment, stdout=full, stderr=full, check=False)
    assert done.stderr.decode() == "error: Cannot write the output: No space left on device.\n"
    assert (done.returncode, silent.returncode) == (exits.FAILURE, exits.FAILURE)


@pytest.mark.parametrize("port", ["70000", "-1"])
def test_a_port_that_does_not_exist_is_a_usage_error(port: str, run: Run) -> None:
    code, out, _ = run("image-server", "--transport", "http", "--port", port, "--json")
    assert (code, json.loads(out)["error"]["code"]) == (exits.BAD_INPUT, "usage")
