"""Halves of characters in JSON, whole and in pieces."""

import json
import random
import re

from interleavethinker.tools.half_characters import WholeCharacters, whole_characters

PIECES = [
    *("a", "\\\\", '\\"', "\\n", "\\/", "\\u00e9", "\\ud83d", "\\uDE00", "\\uDBFF", "\\ud83d\\ude00", "\\\\ud83d"),
    *("x" * number for number in (2, 5, 11)),
]


def test_json_in_pieces_has_no_halves_of_characters_and_is_otherwise_unchanged() -> None:
    chosen = random.Random(7)
    for _ in range(3000):
        text = ('["' + "".join(chosen.choices(PIECES, k=chosen.randint(1, 8))) + '"]').encode()
        whole = whole_characters(text)
        assert json.loads(whole)[0] == re.sub("[\ud800-\udfff]", "\ufffd", json.loads(text)[0])
        assert len(whole) == len(text)
        characters, position, read = WholeCharacters(), 0, b""
        while position < len(text):
            end = position + chosen.randint(1, 9)
            read += characters.feed(text[position:end])
            position = end
        assert read + characters.end() == whole


def test_a_message_that_is_complete_is_never_held_back() -> None:
    characters = WholeCharacters()
    assert characters.feed(b'data: {"a": "\\\\\\""}\n\n') == b'data: {"a": "\\\\\\""}\n\n'
    assert characters.feed(b'data: "\\ud83d"\n\n') == b'data: "\\ufffd"\n\n'
    assert characters.end() == b""


def test_a_message_of_nothing_but_halves_is_left_to_the_parser() -> None:
    assert whole_characters(b"\\ud83d" * 300_000) == b"\\ud83d" * 300_000
