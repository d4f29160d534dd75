"""What a report says of its origin: the command, the commit and the date."""

import shlex
import subprocess
import sys
import time
from importlib.resources import files
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pydantic import JsonValue

__all__ = ["run_record", "source_commit"]


def run_record() -> "dict[str, JsonValue]":
    """Returns the field `run` of a report."""
    return {
        "command": shlex.join(["interleavethinker", *sys.argv[1:]]),
        "commit": source_commit(),
        "date": time.strftime("%Y-%m-%d", time.gmtime()),
    }


def source_commit() -> str | None:
    """Returns the source checkout's commit; None for an installed package."""
    folder = str(files("interleavethinker.evaluation"))
    try:
        git = subprocess.run(
            ["git", "-C", folder, "rev-parse", "--short", "HEAD"], capture_output=True, text=True, check=False
        )
    except FileNotFoundError:  # git is not installed
        return None
    return git.stdout.strip() or None
