"""JSON, TOML and YAML from outside: whatever a text holds, a `ValueError` says what is wrong, in bounded time."""

from collections.abc import Callable
from typing import Any

import pytest

from interleavethinker.tools.structured_text import parse_json, parse_toml, parse_yaml

DEEP, LONG = "[" * 100_000, "1" * 5000


def laughs() -> str:
    """Ten lines of which each is nine times the one before."""
    lines = ["a0: &a0 [x, x, x, x, x, x, x, x, x]"]
    lines += [f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 9)}]" for n in range(1, 10)]
    return "\n".join(lines)


@pytest.mark.parametrize(
    ("parse", "text"),
    [
        (parse_json, DEEP),
        (parse_json, LONG),
        (parse_json, "{"),
        (parse_json, b"\xff"),
        (parse_toml, f"x = {DEEP}"),
        (parse_toml, f"x = {LONG}"),
        (parse_toml, 'x = ["a\\u0000b"]'),
        (parse_toml, "x"),
        (parse_toml, "a" + ".a" * 20_000 + " = 1"),
        (parse_toml, "[" + '"a" . ' * 20_000 + "a]"),
        (parse_toml, "x = {" + "'a'." * 1000 + "a = 1}"),
        (parse_yaml, f"x: {DEEP}"),
        (parse_yaml, "\n".join(f"{' ' * n}a:" for n in range(2000))),
        (parse_yaml, laughs()),
        (parse_yaml, "x: &x [*x]"),
        (parse_yaml, "x: 2001-99-99"),
        (parse_yaml, "x: \x00"),
        (parse_yaml, "x: !!python/object:os.system {}"),
    ],
    ids=lambda value: repr(value)[:30] if isinstance(value, str | bytes) else value.__name__,
)
def test_a_text_that_cannot_be_read_is_a_value_error(parse: Callable[[Any], object], text: str | bytes) -> None:
    with pytest.raises(ValueError, match=r"\w"):
        parse(text)


def test_ordinary_texts_are_read() -> None:
    assert parse_json(b'{"a": [1, "\\ud800"]}') == {"a": [1, "\ud800"]}
    assert parse_toml('[a]\nb = "\\u00e9"') == {"a": {"b": "é"}}
    assert parse_toml('a.b."c.d" = "…. 1.2.3.4"\nx = ' + "[1.5, 2.5, " * 100 + "]" * 100)["a"]["b"] == {
        "c.d": "…. 1.2.3.4"
    }
    assert parse_yaml("a: &a [1]\nb: *a") == {"a": [1], "b": [1]}
    assert parse_yaml("") is None


def test_a_key_that_stands_twice_is_refused_where_the_file_is_written_again() -> None:
    text = '{"a": {"b": 1, "b": 2}}'
    assert parse_json(text) == {"a": {"b": 2}}
    with pytest.raises(ValueError, match="'b' twice"):
        parse_json(text, unique=True)


def test_the_byte_order_mark_of_editors_on_windows_is_skipped() -> None:
    assert parse_json('\ufeff{"a": 1}') == parse_json('\ufeff{"a": 1}'.encode()) == {"a": 1}
    assert parse_toml("\ufeffa = 1") == {"a": 1}
    assert parse_yaml("\ufeffa: 1") == {"a": 1}
