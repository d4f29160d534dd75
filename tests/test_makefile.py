"""`make run` hands its prompt on untouched: neither make nor the shell looks into it."""

import os
import shutil
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent

pytestmark = pytest.mark.skipif(shutil.which("make") is None, reason="make is not installed")


def words_of(folder: Path, *variables: str, environment: dict[str, str] | None = None) -> str:
    """What `make run` would give the program, each word in brackets; nothing is installed."""
    program = folder / "program"
    program.write_text("#!/bin/sh\nprintf '<%s>' \"$@\"\n")
    program.chmod(0o755)
    ours = {key: value for key, value in os.environ.items() if not key.startswith(("MAKE", "MFLAGS"))}
    done = subprocess.run(
        ["make", "-s", "-o", ".venv/.installed-dev", "run", "EXTRAS=dev", f"PROGRAM={program}", *variables],
        cwd=ROOT,
        env={**ours, **(environment or {})},
        check=True,
        capture_output=True,
        text=True,
    )
    return done.stdout


@pytest.mark.parametrize(
    "prompt",
    [
        'a "big" ball, it\'s red',
        "$HOME $$ ${x} trailing $",
        "$(shell touch spilt) `touch spilt` $(touch spilt); touch spilt",
        "two\nlines",
        "--help",
        "100% #back\\slash é",
    ],
)
def test_a_prompt_arrives_as_it_is(prompt: str, tmp_path: Path) -> None:
    assert words_of(tmp_path, f"PROMPT={prompt}") == f"<run><--><{prompt}>"
    assert words_of(tmp_path, environment={"PROMPT": prompt}) == f"<run><--><{prompt}>"
    assert not (ROOT / "spilt").exists()


def test_without_a_prompt_the_program_gets_none(tmp_path: Path) -> None:
    assert words_of(tmp_path, "PROMPT=") == "<run>"
