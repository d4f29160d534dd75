"""JSON, TOML and YAML from files that people, other programs and models write: every fault is a `ValueError`.

The standard readers let more escape: a `RecursionError` for values that are nested too deeply, and YAML aliases that
stand for far more than the file's size.
"""

import json
import re
import tomllib
from collections.abc import Iterator
from typing import Any

__all__ = ["parse_json", "parse_toml", "parse_yaml"]

_TOO_DEEP = "its values are nested too deeply"
_MARK = "\ufeff"
"""The byte order mark, which editors on Windows put before a text."""
_MOST_BRACKETS = 500
"""Deeper flow collections take PyYAML quadratic time."""
_DEEP_KEY = re.compile(
    r"""(?<![\w"'.-])(?:(?:[A-Za-z0-9_-]++|"[^"\n]*+"|'[^'\n]*+')[ \t]*+\.[ \t]*+){64}""",
)
"""A dotted key of more than 64 parts, which tomllib reads in quadratic time; a text like that counts as one, too."""
_MOST_NODES = 1_000_000
"""Values of a YAML document, each alias counted as what it stands for."""


def parse_json(text: str | bytes, *, unique: bool = False) -> Any:
    """Returns the value of a JSON text.

    Args:
        text: A text, or bytes in UTF-8.
        unique: Refuse objects that have a key twice, for files that are written again: of two values, only the last
            one is read.

    Raises:
        ValueError: It is not JSON, or is nested too deeply, or bytes are not UTF-8.
    """
    if isinstance(text, str):  # Of bytes, json removes the mark itself.
        text = text.removeprefix(_MARK)
    try:
        return json.loads(text, object_pairs_hook=_unique if unique else None)
    except RecursionError:
        raise ValueError(_TOO_DEEP) from None


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) < len(pairs):
        twice = next(key for number, (key, _) in enumerate(pairs) if key in dict(pairs[:number]))
        raise ValueError(f"it has the key {twice!r} twice")
    return found


def parse_toml(text: str) -> dict[str, Any]:
    """Returns the table of a TOML text.

    Raises:
        ValueError: It is not TOML, is nested too deeply, a number is too long, or a text holds the character NUL.
    """
    if _DEEP_KEY.search(text):
        raise ValueError(_TOO_DEEP)
    try:
        table = tomllib.loads(text.removeprefix(_MARK))
        holds_nul = any("\0" in each for each in _texts(table))
    except RecursionError:
        raise ValueError(_TOO_DEEP) from None
    if holds_nul:
        raise ValueError("a text in it holds the character NUL, which no path or name may have")
    return table


def _texts(value: Any) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, dict):
        for key, inner in value.items():
            yield key
            yield from _texts(inner)
    elif isinstance(value, list):
        for inner in value:
            yield from _texts(inner)


def parse_yaml(text: str) -> Any:
    """Returns the value of a YAML text; plain data only, no objects.

    Raises:
        ValueError: It is not YAML, is nested too deeply, or its aliases stand for too much.
    """
    import yaml  # type: ignore[import-untyped]  # langchain-core requires it

    if text.count("[") + text.count("{") > _MOST_BRACKETS and _deepest_bracket(text) > _MOST_BRACKETS:
        raise ValueError(_TOO_DEEP)
    try:
        root = yaml.compose(text, Loader=yaml.SafeLoader)
        if root is not None and _expanded_size(root, {}) > _MOST_NODES:
            raise ValueError("its aliases stand for too many values")
        return yaml.safe_load(text)
    except RecursionError:
        raise ValueError(_TOO_DEEP) from None
    except yaml.YAMLError as error:
        raise ValueError(str(error)) from error


def _deepest_bracket(text: str) -> int:
    depth = deepest = 0
    for character in text:
        if character in "[{":
            depth += 1
            deepest = max(deepest, depth)
        elif character in "]}":
            depth = max(0, depth - 1)
    return deepest


def _expanded_size(node: Any, known: dict[int, int]) -> int:
    """Returns how many values a node stands for; one that contains itself stands for too many."""
    if id(node) not in known:
        known[id(node)] = _MOST_NODES + 1  # Of a node within itself.
        value = node.value
        inner = value if isinstance(value, list) else []
        parts = [part for each in inner for part in (each if isinstance(each, tuple) else (each,))]
        known[id(node)] = 1 + sum(_expanded_size(part, known) for part in parts)
    return known[id(node)]
