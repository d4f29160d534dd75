"""Builds the program for one command line: the requested command, and a stub for every other one.

The module knows the table of commands, not what they do. It imports only the requested command's file, which keeps
`--help` and small commands fast.
"""

import atexit
import contextlib
import errno
import gc
import os
import sys
from collections.abc import Sequence
from importlib import import_module
from importlib.metadata import version
from typing import Annotated, NoReturn

import typer

from interleavethinker.tools.errors import InterleaveError, StoreError
from interleavethinker.tools.exhaustion import DISK_FULL, exhausted
from interleavethinker.tools.local_extra import missing_module
from interleavethinker.tools.tracing.startup import start_tracing, traces_wanted

from .commands import TABLE, CommandSpec
from .completions import completed_words
from .exit_codes import FAILURE, INTERRUPTED, OK, OUTPUT_CLOSED, report
from .terminal import OutputClosedError, discard_output, echo, flush_output, prepare_streams
from .value_checks import check_values_of

__all__ = ["build_app", "main"]

_FULL = {*DISK_FULL, errno.EFBIG}
"""What a stream or file raises for which the disk, the user's share of it or the largest allowed file is full."""

_YOUNG_OBJECTS = 20_000
"""New objects after which this process looks for garbage among them, instead of Python's 700. Imports make hundreds of
thousands that stay: looking through them again and again took a seventh of the time that imports need."""


def main(arguments: Sequence[str] | None = None) -> None:
    """Runs one command line, by default the arguments of this process, and exits with a code from `exit_codes`."""
    words = list(sys.argv[1:] if arguments is None else arguments)
    if arguments is None:
        gc.set_threshold(_YOUNG_OBJECTS, *gc.get_threshold()[1:])
    prepare_streams()
    try:
        code = _run(words)
        flush_output()
    except OutputClosedError:
        code = OUTPUT_CLOSED
    except BaseExceptionGroup as group:
        code = _report_exhausted(group, words) if group.split(OutputClosedError)[0] is None else OUTPUT_CLOSED
    except (OSError, ImportError, MemoryError, RuntimeError) as error:
        if not isinstance(error, OSError) or error.errno not in _FULL:
            code = _report_exhausted(error, words)
        else:
            with contextlib.suppress(OSError):  # stderr may go to the same place.
                report(StoreError(f"Cannot write the output: {error.strerror}."), as_json=False)
            discard_output()
            code = FAILURE
    except SystemExit as exit_:  # Typer prints its help itself.
        if not isinstance(exit_.__context__, BrokenPipeError):
            raise
        code = OUTPUT_CLOSED
    if code == OUTPUT_CLOSED:
        discard_output()
    if arguments is None and "torch" in sys.modules:
        _exit_at_once(code)
    sys.exit(code)


def _report_exhausted(error: BaseException, words: Sequence[str]) -> int:
    """Reports a limit of the system that was reached, and returns the exit code; raises any other error again."""
    cause = exhausted(error)
    if cause is None:
        raise error
    said = f"The command ended because {cause}."
    try:
        return report(StoreError(said), as_json="--json" in words)
    except (OSError, ImportError, MemoryError):  # There is not even enough for the terminal's colors.
        os.write(2, f"error: {said}\n".encode())
        return FAILURE


def _exit_at_once(code: int) -> NoReturn:
    """Ends this process without taking the interpreter apart, which lasts more than a second with torch in it."""
    atexit._run_exitfuncs()  # noqa: SLF001 - multiprocessing ends its processes in this way, too
    sys.stderr.flush()
    os._exit(code)


def build_app(words: Sequence[str]) -> typer.Typer:
    """Returns the program with the requested command loaded: the first word that is not an option."""
    requested = next((word for word in words if not word.startswith("-")), None)
    app = typer.Typer(
        name="interleavethinker",
        callback=_root,
        no_args_is_help=True,
        pretty_exceptions_enable=False,
    )
    for entry in TABLE:
        if entry.name == requested:
            _add(app, entry)
            check_values_of(app)
        else:
            app.command(entry.name, help=entry.help, rich_help_panel=entry.panel)(_stub)
    return app


def _run(words: Sequence[str]) -> int:
    """Runs one command line and returns its exit code; only a defect raises an error."""
    try:
        typed = completed_words()  # A shell that asks for completions passes them in the environment.
        code = build_app(words if typed is None else typed)(
            list(words), prog_name="interleavethinker", standalone_mode=False
        )
    except (InterleaveError, typer.TyperException, typer.Abort) as error:
        return report(error, as_json="--json" in words)
    except ExceptionGroup as group:
        # Task groups wrap the errors of their tasks. The first expected error is reported; a defect is raised again.
        expected, defects = group.split(InterleaveError)
        if expected is None or defects is not None:
            raise
        return report(_first(expected), as_json="--json" in words)
    except ModuleNotFoundError as error:
        if (missing := missing_module(error)) is None:
            raise
        return report(missing, as_json="--json" in words)
    except KeyboardInterrupt:
        return INTERRUPTED
    return code if isinstance(code, int) else OK


def _first(group: ExceptionGroup[InterleaveError]) -> InterleaveError:
    error = group.exceptions[0]
    return _first(error) if isinstance(error, ExceptionGroup) else error


def _print_version(wanted: bool) -> None:
    if wanted:
        echo(f"interleavethinker {version('interleavethinker')}")
        raise typer.Exit


def _root(
    _version: Annotated[
        bool, typer.Option("--version", callback=_print_version, is_eager=True, help="Print the version and exit.")
    ] = False,
) -> None:
    """Answers with interleaved text and images, from any image generator.

    Examples:
    interleavethinker run "a red ball on the left, then make it blue"
    interleavethinker list
    interleavethinker doctor --profile klein

    Exit codes: 0 success, 2 invalid input, 3 failure,
    4 waiting for a person, 130 interrupted.
    With --json, errors are printed to stdout as JSON.
    """


def _add(app: typer.Typer, entry: CommandSpec) -> None:
    if entry.service and traces_wanted(os.environ):
        start_tracing(entry.service)
    file, _, attribute = entry.target.partition(":")
    command = getattr(import_module(f"interleavethinker.cli.{file}"), attribute)
    if isinstance(command, typer.Typer):
        app.add_typer(command, name=entry.name, rich_help_panel=entry.panel)
    else:
        app.command(entry.name, rich_help_panel=entry.panel)(command)


def _stub() -> None:
    """Represents a command in `--help` that this command line does not run."""
