"""The only way to the terminal: everything that the program prints passes through this module.

Titles, prompts, captions and error messages come from models, servers and files; everything is cleaned
(`tools.plain_text`). A stream that cannot encode a character gets a readable replacement, and a reader that closes the
pipe ends the program quietly. The module knows streams, not commands.
"""

import codecs
import contextlib
import json
import logging
import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING, TextIO

from interleavethinker.tools.plain_text import clean

if TYPE_CHECKING:
    from rich.console import Console

__all__ = [
    "OutputClosedError",
    "console",
    "discard_lost_output",
    "discard_output",
    "echo",
    "echo_json",
    "flush_output",
    "minutes_of",
    "prepare_streams",
]

_ERRORS = "interleavethinker-terminal"
_PLAIN = {
    "…": "...",
    "–": "-",
    "—": "-",
    "−": "-",
    "×": "x",
    "→": "->",
    "·": "-",
    "•": "*",
    "✓": "ok",
    "✗": "no",
    "‘": "'",
    "’": "'",
    "“": '"',
    "”": '"',
    "\u00a0": " ",
    "\ufffd": "?",
}
"""What a stream shows that cannot encode a character of this program's own sentences."""


class OutputClosedError(Exception):
    """The reader of stdout or stderr has closed it, as `head` does."""


def echo(text: object = "", *, err: bool = False, style: str | None = None, end: str = "\n") -> None:
    """Prints one text to stdout or stderr.

    Args:
        text: The text; it is cleaned.
        err: Print to stderr.
        style: Rich style, such as `yellow`; only terminals show it.
        end: What follows the text.

    Raises:
        OutputClosedError: Nobody reads the stream any more.
    """
    if style is not None:
        console(stderr=err).print(str(text), style=style, soft_wrap=True, end=end)
        return
    stream = sys.stderr if err else sys.stdout
    try:
        stream.write(clean(str(text)) + end)
        stream.flush()
    except BrokenPipeError as error:
        raise OutputClosedError from error


def echo_json(value: object, *, indent: int | None = None) -> None:
    """Prints a value to stdout as JSON in ASCII, in which every other character is escaped."""
    echo(json.dumps(value, indent=indent))


def console(*, stderr: bool = False, quiet: bool = False, width: int | None = None) -> "Console":
    """Returns a Rich console whose output is cleaned; it reads neither markup nor emoji names in texts."""
    from ._console import CleanConsole

    return CleanConsole(
        stderr=stderr, quiet=quiet, width=width, markup=False, emoji=False, highlight=False, soft_wrap=False
    )


def prepare_streams() -> None:
    """Opens closed streams, makes stdout and stderr accept every character, and cleans warnings that libraries log."""
    _open_closed_streams()
    codecs.register_error(_ERRORS, _readable)
    for stream in (sys.stdout, sys.stderr):
        reconfigure = getattr(stream, "reconfigure", None)
        if reconfigure is not None:
            reconfigure(errors=_ERRORS)
    if not os.environ.get("COLUMNS", "1").strip().strip("0"):  # Rich would print lines without any character.
        del os.environ["COLUMNS"]
    if logging.lastResort is not None:
        logging.lastResort.setFormatter(_CleanFormatter())


def flush_output() -> None:
    """Writes out everything printed so far.

    Raises:
        OutputClosedError: Nobody reads the stream any more.
    """
    try:
        sys.stdout.flush()
        sys.stderr.flush()
    except BrokenPipeError as error:
        raise OutputClosedError from error


def discard_output() -> None:
    """Sends what is still buffered, and everything printed from now on, nowhere."""
    for stream in (sys.stdout, sys.stderr):
        try:
            stream.flush()
        except OSError:
            _send_nowhere(stream)


def discard_lost_output() -> None:
    """Sends what is printed from now on to a terminal that has been closed nowhere, instead of failing."""
    for stream in (sys.stdout, sys.stderr):
        with contextlib.suppress(OSError, ValueError):  # A stream that is no file stays as it is.
            number = stream.fileno()
            try:
                os.write(number, b"")
            except OSError:
                _send_nowhere(stream)


def _send_nowhere(stream: TextIO) -> None:
    with contextlib.suppress(OSError, ValueError), Path(os.devnull).open("wb") as nowhere:
        os.dup2(nowhere.fileno(), stream.fileno())


def _open_closed_streams() -> None:
    """Connects the standard streams that the caller has closed (`>&-`) to the null device.

    Otherwise the next file that is opened would get the stream's number, and whatever this program or a child process
    writes to that stream would go into the file.
    """
    for number in range(3):
        try:
            os.fstat(number)
        except OSError:
            with contextlib.suppress(OSError):  # Takes the lowest free number, which is this one.
                os.set_inheritable(os.open(os.devnull, os.O_RDWR), True)
    for name, mode in (("stdin", "r"), ("stdout", "w"), ("stderr", "w")):
        if getattr(sys, name) is None:  # Python's own mark of a stream that was closed when it started.
            setattr(sys, name, Path(os.devnull).open(mode, encoding="utf-8"))  # noqa: SIM115 - open until the end


class _CleanFormatter(logging.Formatter):
    def format(self, record: logging.LogRecord) -> str:
        return clean(super().format(record))


def _readable(error: UnicodeError) -> tuple[str | bytes, int]:
    """Replaces characters that a stream cannot encode: by a similar one if we know it, else by their escape."""
    if not isinstance(error, UnicodeEncodeError):
        raise error
    bad = error.object[error.start : error.end]
    shown = "".join(_PLAIN.get(one) or one.encode("ascii", "backslashreplace").decode() for one in bad)
    return shown, error.end


def minutes_of(seconds: float) -> str:
    """Returns a duration as `0:07` or `1:02:03`."""
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02}:{rest:02}" if hours else f"{minutes}:{rest:02}"
