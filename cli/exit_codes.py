"""Exit codes, and the only place where errors become messages.

| code | meaning |
| --- | --- |
| 0 | success |
| 1 | a defect of this program, with a traceback |
| 2 | invalid input: an option, a file, a profile or a request |
| 3 | failure: a generator, a model, a store or a trajectory operation failed |
| 4 | the trajectory is waiting for a person to approve its plan |
| 130 | interrupted by Ctrl-C or aborted at a prompt; the trajectory can be resumed |
| 141 | the reader of the output closed it, as `head` does |

Without `--json` the message goes to stderr in red. With `--json` the program prints
`{"error": {"code", "message"}}` to stdout, so that stdout is JSON in every case; a refused request may have a
`suggestion` there, a text that would be accepted instead.
"""

import re
from collections.abc import Mapping

import typer

from interleavethinker.tools.errors import InputError, InterleaveError, ProfileError
from interleavethinker.tools.plain_text import clean

from .options import RENAMED_OPTIONS
from .terminal import console, echo_json

__all__ = ["BAD_INPUT", "FAILURE", "INTERRUPTED", "OK", "OUTPUT_CLOSED", "WAITING", "code_of", "report"]

_PYDANTIC = tuple(
    (re.compile(found), ours)
    for found, ours in (
        ("Value error, ", ""),  # before an error of ours
        (r"Input should be a valid number, .*", "not a number"),
        (r"Input should be a valid integer, .*", "not a whole number"),
        (r"Input should be greater than or equal to (\S+)", r"must be at least \1"),
        (r"Input should be less than or equal to (\S+)", r"must be at most \1"),
        (r"Input should be ", "must be "),
    )
)
"""What Typer passes on of pydantic's words, and what a person is told instead."""
OK = 0
BAD_INPUT = 2
FAILURE = 3
WAITING = 4
INTERRUPTED = 130
OUTPUT_CLOSED = 141


def report(error: InterleaveError | typer.TyperException | typer.Abort, *, as_json: bool) -> int:
    """Prints an error and returns its exit code."""
    if isinstance(error, typer.Abort):
        _show({"code": "aborted", "message": "Aborted."}, as_json=as_json)
        return INTERRUPTED
    if isinstance(error, typer.TyperException):
        return _report_usage(error, as_json=as_json)
    _show(error.data, as_json=as_json)
    return code_of(error)


def code_of(error: InterleaveError) -> int:
    """Returns the exit code of an error."""
    return BAD_INPUT if isinstance(error, InputError | ProfileError) else FAILURE


def _report_usage(error: typer.TyperException, *, as_json: bool) -> int:
    message = error.format_message()
    for found, ours in _PYDANTIC:
        message = found.sub(ours, message)
    option = getattr(error, "option_name", "")
    context = getattr(error, "ctx", None)
    known = {name for option_of in (context.command.params if context else ()) for name in option_of.opts}
    if RENAMED_OPTIONS.get(option) in known:
        message = f"{option} was renamed to {RENAMED_OPTIONS[option]}."
    if message:  # Empty if a group was called without a command; its help has been printed in that case.
        command = getattr(getattr(error, "ctx", None), "command_path", "interleavethinker")
        hint = "" if as_json else f"\nTry '{command} --help'."
        _show({"code": "usage", "message": message + hint}, as_json=as_json)
    return BAD_INPUT


def _show(error: Mapping[str, str], *, as_json: bool) -> None:
    if as_json:
        echo_json({"error": error})
        return
    from rich.text import Text  # Imported here, so that a run without errors starts faster.

    text = Text.assemble(("error: ", "bold red"), (clean(error["message"]), "red"))
    console(stderr=True).print(text, soft_wrap=True)
