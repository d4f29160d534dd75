"""Text from outside as text that every later border accepts: valid Unicode, without words that stand for nothing.

Titles, prompts, captions and error messages come from models, servers and files. `clean` removes whatever in them could
move a terminal's cursor, recolor the screen, open a link, set the window's title or reverse the reading direction; the
command line and the exports use it. Pure functions of strings; the data types and the readers of models' answers use
them, too.
"""

import contextlib
import json
import re
import unicodedata

__all__ = [
    "MAX_PROMPT",
    "clean",
    "means_nothing",
    "one_line",
    "quantity",
    "quotation",
    "text_or_none",
    "valid_unicode",
    "with_escaped_controls",
    "without_control_tokens",
    "without_controls",
]

MAX_PROMPT = 8000
"""Most characters of a prompt that this project's image server accepts."""

_LONGEST_NOTHING = 40
"""Longer texts say something; bounding the length keeps the check independent of a text's size."""
_FRAME = " \t\r\n.,:;…'\"`“”‘’«»()[]{}<>*_-–—~|\\/"
_NOTHING = {
    *("", "none", "null", "nil", "n/a", "n.a", "na", "nan", "undefined", "not applicable"),
    *("none needed", "none required", "not needed", "no prompt", "no text", "no caption", "nothing"),
}
_SEQUENCE = re.compile(
    r"(?:\x1b[\]PX^_]|[\x90\x98\x9d-\x9f])[^\x07\x1b\x9c]*(?:\x07|\x1b\\|\x9c)"  # OSC, DCS, SOS, PM, APC
    r"|(?:\x1b\[|\x9b)[0-?]*[ -/]*[@-~]"  # CSI
    r"|\x1b[ -/]*[0-~]"
)
_LINE_BREAKS = dict.fromkeys(map(ord, "\r\x0b\x0c\x85\u2028\u2029"), "\n")
_CONTROLS = [
    *(code for code in range(0x20) if chr(code) not in "\n\t"),  # C0
    *range(0x7F, 0xA0),  # DEL and C1
]
_HIDDEN = [
    *(0x00AD, 0x061C, 0x180E, 0x200B, 0x200E, 0x200F, 0x2028, 0x2029, 0xFEFF),  # invisible, or a direction mark
    *range(0x202A, 0x202F),  # overrides of the reading direction
    *range(0x2060, 0x2070),  # invisible operators, and isolates of the reading direction
    *range(0xFFF9, 0xFFFC),  # interlinear annotation
    *(0xFFFE, 0xFFFF),  # no characters at all, which XML refuses
    *range(0xE0000, 0xE0080),  # tags
]
_WITHOUT_CONTROLS = dict.fromkeys(_CONTROLS) | _LINE_BREAKS
_CLEANED = dict.fromkeys([*_CONTROLS, *_HIDDEN]) | _LINE_BREAKS
_ESCAPED = {code: json.dumps(chr(code))[1:-1] for code in (*_CONTROLS, *_HIDDEN)}
_CONTROL_TOKEN = re.compile(r"<\|[A-Za-z0-9_ .:/-]{1,64}\|>")


def valid_unicode(text: str) -> str:
    r"""Returns the text without surrogates, which no encoder takes.

    JSON escapes bring pairs in, which are joined. Where the locale is not UTF-8, Python reads the bytes of command-line
    arguments as lone surrogates (PEP 383): together they are decoded as UTF-8. Every other one becomes U+FFFD.

    Examples:
        >>> valid_unicode("caf\udcc3\udca9")
        'café'
        >>> valid_unicode("a cat \ud83d\ude00") == "a cat \U0001f600"
        True
    """
    try:
        text.encode()
    except UnicodeEncodeError:
        with contextlib.suppress(UnicodeError):
            return text.encode(errors="surrogateescape").decode()
        return text.encode("utf-16-le", "surrogatepass").decode("utf-16-le", "replace")
    return text


def clean(text: str) -> str:
    r"""Returns the text without escape sequences, control characters, and marks that change the reading direction.

    Line breaks and tabs stay; a lone carriage return becomes a line break.

    Examples:
        >>> clean("a \x1b[31mred\x1b[0m ball\x1b]0;title\x07")
        'a red ball'
    """
    if text.isascii() and text.isprintable():
        return text
    return _SEQUENCE.sub("", text).replace("\r\n", "\n").translate(_CLEANED)


def one_line(text: str) -> str:
    """Returns the cleaned text on one line, so that it cannot look like further lines of somebody else's."""
    return " ".join(clean(text).split())


def without_controls(text: str) -> str:
    """Returns the text without escape sequences and control characters, for pages that confine reading directions."""
    if text.isascii() and text.isprintable():
        return text
    return _SEQUENCE.sub("", text).replace("\r\n", "\n").translate(_WITHOUT_CONTROLS)


def with_escaped_controls(json_text: str) -> str:
    """Returns JSON of equal meaning in which every character that `clean` would remove is written as an escape."""
    return json_text if json_text.isascii() else json_text.translate(_ESCAPED)


def means_nothing(text: str) -> bool:
    r"""Whether a text is empty or only says that there is none: "None", "N/A", "null", "...", "-".

    Characters that are removed before a text is shown do not count.

    Examples:
        >>> [means_nothing(word) for word in ("None.", "(n/a)", "…", " ", "a cat", "No!", "\u200b")]
        [True, True, True, True, False, False, True]
    """
    text = clean(text)
    if len(text) > _LONGEST_NOTHING or not text.strip():
        return not text.strip()
    return unicodedata.normalize("NFKC", text).casefold().strip(_FRAME) in _NOTHING


def quantity(number: int, noun: str, plural: str = "") -> str:
    """Returns a number with its noun, whose plural takes an `s` unless it is given.

    Examples:
        >>> quantity(1, "copy", "copies"), quantity(0, "item")
        ('1 copy', '0 items')
    """
    return f"{number} {noun if number == 1 else plural or noun + 's'}"


def quotation(text: str, longest: int) -> str:
    r"""Returns words from outside for a message: one line of printable characters, cut after `longest` of them.

    Examples:
        >>> quotation("I cannot\n help \x1b[31mwith that.", 100), quotation("a long answer", 6)
        ('I cannot help with that.', 'a long…')
    """
    plain = clean(without_control_tokens(valid_unicode(text)))
    line = " ".join("".join(c if c.isprintable() else " " for c in plain[: 20 * longest]).split())
    return line if len(line) <= longest else line[:longest].rstrip() + "…"


def text_or_none(text: str | None) -> str | None:
    """Returns valid Unicode, or None if the text is blank."""
    return None if text is None or not text.strip() else valid_unicode(text)


def without_control_tokens(text: str) -> str:
    """Returns the text without tokens such as `<|im_end|>`, which a generator's tokenizer would obey, not read."""
    return _CONTROL_TOKEN.sub("", text)
