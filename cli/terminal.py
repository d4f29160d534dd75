"""The only way to the terminal: everything that the program prints passes through this module.

Titles, prompts, captions and error messages come from models, servers and files. `clean` removes whatever in them
could move the cursor, recolor the screen, open a link, set the window's title or reverse the reading direction. A
stream that cannot encode a character gets a readable replacement, and a reader that closes the pipe ends the program
quietly. The module knows text and streams, not commands.
"""

import codecs
import contextlib
import json
import logging
import os
import re
import sys
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from rich.console import Console

__all__ = [
    "OutputClosedError",
    "clean",
    "console",
    "discard_output",
    "echo",
    "echo_json",
    "flush_output",
    "one_line",
    "prepare_streams",
]

_SEQUENCE = re.compile(
    r"(?:\x1b[\]PX^_]|[\x90\x98\x9d-\x9f])[^\x07\x1b\x9c]*(?:\x07|\x1b\\|\x9c)"  # OSC, DCS, SOS, PM, APC
    r"|(?:\x1b\[|\x9b)[0-?]*[ -/]*[@-~]"  # CSI
    r"|\x1b[ -/]*[0-~]"
)
_HIDDEN = [
    *(code for code in range(0x20) if chr(code) not in "\n\t"),  # C0
    *range(0x7F, 0xA0),  # DEL and C1
    *(0x00AD, 0x061C, 0x180E, 0x200B, 0x200E, 0x200F, 0x2028, 0x2029, 0xFEFF),  # invisible, or a direction mark
    *range(0x202A, 0x202F),  # overrides of the reading direction
    *range(0x2060, 0x2070),  # invisible operators, and isolates of the reading direction
    *range(0xFFF9, 0xFFFC),  # interlinear annotation
    *range(0xE0000, 0xE0080),  # tags
]
_REMOVED = dict.fromkeys(_HIDDEN) | {ord("\r"): "\n", 0x0B: "\n", 0x0C: "\n", 0x85: "\n", 0x2028: "\n", 0x2029: "\n"}
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


def clean(text: str) -> str:
    r"""Returns the text without escape sequences, control characters, and marks that change the reading direction.

    Line breaks and tabs stay; a lone carriage return becomes a line break.

    Examples:
        >>> clean("a \x1b[31mred\x1b[0m ball\x1b]0;title\x07")
        'a red ball'
    """
    if text.isascii() and text.isprintable():
        return text
    return _SEQUENCE.sub("", text).replace("\r\n", "\n").translate(_REMOVED)


def one_line(text: str) -> str:
    """Returns the cleaned text on one line, so that it cannot look like further lines of this program's output."""
    return " ".join(clean(text).split())


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
    """Makes stdout and stderr accept every character, and cleans warnings that libraries log."""
    codecs.register_error(_ERRORS, _readable)
    for stream in (sys.stdout, sys.stderr):
        reconfigure = getattr(stream, "reconfigure", None)
        if reconfigure is not None:
            reconfigure(errors=_ERRORS)
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
        except BrokenPipeError:
            with contextlib.suppress(OSError, ValueError), Path(os.devnull).open("wb") as nowhere:
                os.dup2(nowhere.fileno(), stream.fileno())


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
