"""Exit codes, and the one place where an error becomes a message.

| code | meaning |
| --- | --- |
| 0 | done |
| 1 | a defect of this program: a traceback follows |
| 2 | bad input: an option, a file, a profile or a request that cannot be used as it is |
| 3 | failure: a generator, a model, a store or a trajectory could not do what was asked |
| 4 | a trajectory waits for a person: its plan must be approved |
| 130 | interrupted (Ctrl-C, or a question left unanswered); a trajectory so left can be resumed |

People read a red message on stderr. A command run with `--json` prints `{"error": {"code", "message"}}` to stdout
instead, so that stdout is JSON whatever happens.
"""

import json
import sys

import typer

from interleavethinker.tools.errors import InputError, InterleaveError, ProfileError

__all__ = ["BAD_INPUT", "FAILURE", "INTERRUPTED", "OK", "WAITING", "code_of", "report"]

OK = 0
BAD_INPUT = 2
FAILURE = 3
WAITING = 4
INTERRUPTED = 130


def report(error: InterleaveError | typer.TyperException | typer.Abort, *, as_json: bool) -> int:
    """Tells the user about an error and returns the exit code that goes with it."""
    if isinstance(error, typer.Abort):
        _show("Aborted.", code="aborted", as_json=as_json)
        return INTERRUPTED
    if isinstance(error, typer.TyperException):
        return _report_usage(error, as_json=as_json)
    _show(str(error), code=error.code, as_json=as_json)
    return code_of(error)


def code_of(error: InterleaveError) -> int:
    """Returns the exit code that goes with an error."""
    return BAD_INPUT if isinstance(error, InputError | ProfileError) else FAILURE


def _report_usage(error: typer.TyperException, *, as_json: bool) -> int:
    message = error.format_message()
    if message:  # Empty when a group was called without a command: its help is on the screen by then.
        command = getattr(getattr(error, "ctx", None), "command_path", "interleavethinker")
        hint = "" if as_json else f"\nTry '{command} --help'."
        _show(message + hint, code="usage", as_json=as_json)
    return BAD_INPUT


def _show(message: str, *, code: str, as_json: bool) -> None:
    if as_json:
        sys.stdout.write(json.dumps({"error": {"code": code, "message": message}}) + "\n")
        return
    from rich.console import Console  # Not at the top: a run without errors does not pay for it.
    from rich.text import Text

    Console(stderr=True, soft_wrap=True).print(Text.assemble(("error: ", "bold red"), (message, "red")))
