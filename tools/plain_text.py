"""Text from outside as text that every later border accepts: valid Unicode, without words that stand for nothing.

Pure functions of strings; the data types and the readers of models' answers use them.
"""

import re
import unicodedata

__all__ = ["MAX_PROMPT", "means_nothing", "quotation", "text_or_none", "valid_unicode", "without_control_tokens"]

MAX_PROMPT = 8000
"""Most characters of a prompt that this project's image server accepts."""

_LONGEST_NOTHING = 40
"""Longer texts say something; bounding the length keeps the check independent of a text's size."""
_FRAME = " \t\r\n.,:;…'\"`“”‘’«»()[]{}<>*_-–—~|\\/"
_NOTHING = {
    *("", "none", "null", "nil", "n/a", "n.a", "na", "nan", "undefined", "not applicable"),
    *("none needed", "none required", "not needed", "no prompt", "no text", "no caption", "nothing"),
}
_ESCAPE_SEQUENCE = re.compile(r"\x1b\[[0-9;?]*[A-Za-z]")
_CONTROL_TOKEN = re.compile(r"<\|[A-Za-z0-9_ .:/-]{1,64}\|>")


def valid_unicode(text: str) -> str:
    r"""Returns the text with pairs of surrogates joined and lone ones replaced by U+FFFD.

    JSON escapes and undecodable command-line arguments bring surrogates in; no encoder takes them.

    Examples:
        >>> valid_unicode("a cat \ud83d\ude00") == "a cat \U0001f600"
        True
    """
    try:
        text.encode()
    except UnicodeEncodeError:
        return text.encode("utf-16-le", "surrogatepass").decode("utf-16-le", "replace")
    return text


def means_nothing(text: str) -> bool:
    """Whether a text is empty or only says that there is none: "None", "N/A", "null", "...", "-".

    Examples:
        >>> [means_nothing(word) for word in ("None.", "(n/a)", "…", " ", "a cat", "No!")]
        [True, True, True, True, False, False]
    """
    if len(text) > _LONGEST_NOTHING or not text.strip():
        return not text.strip()
    return unicodedata.normalize("NFKC", text).casefold().strip(_FRAME) in _NOTHING


def quotation(text: str, longest: int) -> str:
    r"""Returns words from outside for a message: one line of printable characters, cut after `longest` of them.

    Examples:
        >>> quotation("I cannot\n help \x1b[31mwith that.", 100), quotation("a long answer", 6)
        ('I cannot help with that.', 'a long…')
    """
    plain = _ESCAPE_SEQUENCE.sub("", without_control_tokens(valid_unicode(text)))
    line = " ".join("".join(c if c.isprintable() else " " for c in plain[: 20 * longest]).split())
    return line if len(line) <= longest else line[:longest].rstrip() + "…"


def text_or_none(text: str | None) -> str | None:
    """Returns valid Unicode, or None if the text is blank."""
    return None if text is None or not text.strip() else valid_unicode(text)


def without_control_tokens(text: str) -> str:
    """Returns the text without tokens such as `<|im_end|>`, which a generator's tokenizer would obey, not read."""
    return _CONTROL_TOKEN.sub("", text)
