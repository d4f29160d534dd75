r"""Half characters in JSON from other programs, such as the `\ud83d` that is left of an emoji where a text was cut.

JSON's grammar allows them and JavaScript writes them, but no UTF-8 text can hold them: strict parsers refuse the whole
message, with an image in it. Each becomes `\ufffd`, which is as long, so that sizes stay true.
"""

import re

__all__ = ["WholeCharacters", "whole_characters"]

_HEX = rb"[0-9a-fA-F]"
_HIGH, _LOW = rb"u[dD][89abAB]" + _HEX + _HEX, rb"u[dD][c-fC-F]" + _HEX + _HEX
_HALF = re.compile(rb"\\u[dD](?:([89abAB])|[c-fC-F])" + _HEX + _HEX)
_BEGINNING = re.compile(
    rb"\\(?:u(?:[dD](?:[89a-fA-F]"
    + _HEX
    + rb"?)?)?|"
    + _HIGH
    + rb"(?:\\(?:u(?:[dD](?:[c-fC-F]"
    + _HEX
    + rb"?)?)?)?)?)?"
)
"""The beginning of an escape whose meaning depends on what follows."""
_MOST = 200_000
"""Escapes in one message; one with more of them would keep the event loop busy, and is left to the parser."""
_LONGEST = 12
"""Bytes of an escaped pair."""


def whole_characters(json: bytes) -> bytes:
    r"""Returns JSON in which each half of a character is `\ufffd`.

    Examples:
        >>> print(whole_characters(rb'["\ud83d", "\ud83d\ude00", "\\ud83d"]').decode())
        ["\ufffd", "\ud83d\ude00", "\\ud83d"]
    """
    if not 0 < json.count(b"\\ud") + json.count(b"\\uD") <= _MOST:
        return json
    whole = bytearray(json)
    first = -1  # Where a first half ends that is still alone.
    for half in _HALF.finditer(json):
        if _backslashes_before(json, half.start()) % 2:
            continue
        if half[1] is None and half.start() == first:
            whole[first - 6 : first] = json[first - 6 : first]
            continue
        whole[half.start() : half.end()] = b"\\ufffd"
        first = half.end() if half[1] else -1
    return bytes(whole)


def _backslashes_before(data: bytes, position: int) -> int:
    window = 64
    while True:
        piece = data[max(0, position - window) : position]
        number = len(piece) - len(piece.rstrip(b"\\"))
        if number < len(piece) or window >= position:
            return number
        window *= 16


class WholeCharacters:
    """The same for JSON that arrives in pieces; at most 11 bytes are held back until the next one."""

    def __init__(self) -> None:
        self._held = b""

    def feed(self, piece: bytes) -> bytes:
        """Returns what is complete by now."""
        data = self._held + piece
        end = _complete(data)
        self._held = data[end:]
        return whole_characters(data[:end])

    def end(self) -> bytes:
        """Returns the rest."""
        return whole_characters(self._held)


def _complete(data: bytes) -> int:
    """Returns where an escape begins that may go on in the next piece; the length if none does."""
    position = data.find(b"\\", max(0, len(data) - _LONGEST))
    if position < 0:
        return len(data)
    begin = position - _backslashes_before(data, position)
    position = begin + (position - begin) // 2 * 2  # Backslashes escape each other in pairs.
    while position >= 0:
        if _BEGINNING.fullmatch(data, position):
            return position
        position = data.find(b"\\", position + 2)
    return len(data)
