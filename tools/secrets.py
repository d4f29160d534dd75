"""Secrets that this process sends to others, and messages without them.

A server may repeat a key in its error message, for example in "Incorrect API key provided: …", and messages end up in
saved trajectories and exported documents. Every message of an `InterleaveError` therefore passes `redact`. A model may
repeat it in its answer, and a tool in its result: what they say passes `without_secrets` where it comes in.
"""

import base64
import os
import re
from collections.abc import Collection, Mapping
from functools import lru_cache
from pathlib import PurePath
from typing import TypeVar, cast
from urllib.parse import parse_qsl, unquote, urlsplit

__all__ = [
    "holds_secret",
    "is_secret_name",
    "redact",
    "remember_secret",
    "remember_secrets_of",
    "secret_variable",
    "without_named_secrets",
    "without_secrets",
]

_T = TypeVar("_T")

_WORDS = ("TOKEN", "KEY", "SECRET", "PASSWORD", "PASSWD", "CREDENTIAL", "AUTHORIZATION", "COOKIE")
_SCHEMES = ("basic", "bearer", "token")
"""Words before the secret in an `Authorization` header; a server may repeat the secret without them."""
_SHORTEST = 8
"""Characters; a shorter value could be a word of the message."""
_REPLACEMENT = "***"
_remembered: set[str] = set()


def remember_secret(value: str) -> None:
    """Removes a value from all later messages of errors. For secrets that no environment variable's name shows."""
    if _may_be_secret(value.strip()):
        _remembered.update(_forms(value))


def secret_variable(environment: Mapping[str, str], name: str) -> str | None:
    """Returns the secret in a variable, and remembers it; None if it is not set, or blank.

    White space around it is left out: files and stores of secrets often end it with a line break, which neither belongs
    to it nor can be sent in a header.
    """
    value = environment.get(name, "").strip()
    remember_secret(value)
    return value or None


def remember_secrets_of(options: Mapping[str, object]) -> None:
    """Remembers the keys among a model's options, in tables and lists within them too, and passwords in addresses."""
    for name, value in options.items():
        _remember_in(value, secret=is_secret_name(name))


def _remember_in(value: object, *, secret: bool) -> None:
    if isinstance(value, Mapping):
        for name, item in value.items():
            _remember_in(item, secret=secret or is_secret_name(str(name)))
        return
    if isinstance(value, list | tuple):
        for item in value:
            _remember_in(item, secret=secret)
        return
    text = value.get_secret_value() if hasattr(value, "get_secret_value") else value
    if not isinstance(text, str):
        return
    if secret:
        remember_secret(text)
        scheme, _, rest = text.strip().partition(" ")
        if scheme.lower() in _SCHEMES:
            remember_secret(rest)
    elif "://" in text:
        _remember_address(text)


def without_named_secrets(options: Mapping[str, object], replacement: str | None) -> dict[str, object]:
    """Returns options without what `is_secret_name` says is a key, in tables and lists within them too.

    Args:
        options: Texts, numbers, tables and lists, as in a TOML file.
        replacement: Takes the place of each key; None leaves the keys out.

    Examples:
        >>> without_named_secrets({"headers": {"X-Api-Key": "abc", "Accept": "*/*"}, "api_keys": ["abc"]}, "***")
        {'headers': {'X-Api-Key': '***', 'Accept': '*/*'}, 'api_keys': ['***']}
    """
    kept = {name: _without_named(value, replacement, secret=is_secret_name(name)) for name, value in options.items()}
    return {name: value for name, value in kept.items() if value is not None or options[name] is None}


def _without_named(value: object, replacement: str | None, *, secret: bool) -> object:
    """Returns a value without its keys; None for a key that is left out."""
    if isinstance(value, Mapping):
        if not secret:
            return without_named_secrets(value, replacement)
        every = {name: _without_named(item, replacement, secret=True) for name, item in value.items()}
        return {name: item for name, item in every.items() if item is not None}
    if isinstance(value, list | tuple):
        return [item for each in value if (item := _without_named(each, replacement, secret=secret)) is not None]
    return replacement if secret and isinstance(value, str) else value


def redact(text: str) -> str:
    """Returns a text in which `***` replaces the values of secret environment variables and remembered secrets."""
    return _replaced(text, _known())


def without_secrets(said: _T) -> _T:
    """Returns what a model or a tool says, a text or texts in lists and mappings, with `***` in place of secrets.

    A value without a letter or without a digit is left: it may be a word that the answer is about, since servers that
    want no key are given one such as "not-needed".
    """
    known = {value for value in _known() if re.search(r"[^\W\d_]", value) and re.search(r"\d", value)}
    return _without(said, known) if known else said


def _without(said: _T, known: Collection[str]) -> _T:
    found: object = said
    if isinstance(said, str):
        found = _replaced(said, known)
    elif isinstance(said, list):
        found = [_without(each, known) for each in said]
    elif isinstance(said, dict):
        found = {key: _without(each, known) for key, each in said.items()}
    return cast("_T", found)


def _known() -> set[str]:
    # Another thread may change the environment meanwhile.
    present = (os.environ.get(name, "").strip() for name in list(os.environ) if is_secret_name(name))
    return _remembered.union(*(_forms(value) for value in present if _may_be_secret(value)))


def _forms(value: str) -> set[str]:
    """Returns a secret as it is, and as libraries quote what cannot be sent, such as a line break in it."""
    bare = value.strip()
    return {bare, bare.encode("unicode_escape").decode("ascii"), repr(bare.encode(errors="replace"))[2:-1]}


def _replaced(text: str, known: Collection[str]) -> str:
    found = [value for value in known if value in text]
    if not found:
        return text
    longest_first = sorted(found, key=len, reverse=True)
    return re.sub("|".join(map(re.escape, longest_first)), _REPLACEMENT, text)


@lru_cache(maxsize=4096)  # Every error looks at the names of all variables.
def is_secret_name(name: str) -> bool:
    """Whether a variable or an option of this name holds a secret."""
    return any(word in name.upper() for word in _WORDS)


def holds_secret(name: str, value: str) -> bool:
    """Whether a variable holds a secret: by its name, or in its value, an address with a password or key.

    Examples:
        >>> holds_secret("DATABASE", "postgresql://agent:swordfish@db.example/stories")
        True
        >>> holds_secret("DATABASE", "postgresql://db.example/stories")
        False
    """
    if is_secret_name(name):
        return True
    if "://" not in value:
        return False
    try:
        parts = urlsplit(value)
        return bool(parts.password) or any(is_secret_name(key) for key, _ in parse_qsl(parts.query))
    except ValueError:  # Nobody can tell what is in it.
        return True


def _may_be_secret(value: str) -> bool:
    """Whether a value is long enough, and no path: messages name the files that variables point to."""
    return len(value) >= _SHORTEST and not PurePath(value).is_absolute()


def _remember_address(address: str) -> None:
    try:
        parts = urlsplit(address)
    except ValueError:
        return
    if parts.password:
        user, password = unquote(parts.username or ""), unquote(parts.password)
        remember_secret(parts.password)
        remember_secret(password)
        remember_secret(base64.b64encode(f"{user}:{password}".encode()).decode())
