"""Writes a profile as a TOML file with a comment on every field. Reading the file gives the same profile."""

import ast
import contextlib
import inspect
import json
import textwrap
from collections.abc import Iterator, Mapping
from itertools import pairwise
from pathlib import Path
from typing import cast

from pydantic import BaseModel, JsonValue

from interleavethinker.tools.errors import InputError, ProfileError

from .profile import Profile, shipped_profiles, user_profile_path

__all__ = ["as_toml", "write_starter"]

_WIDTH = 100
_FOUND_BY_PATH = {"name", "source"}
"""Fields of a profile that its file's place determines."""


def as_toml(profile: Profile, *, only_given: bool = False) -> str:
    """Returns a profile's file, with the documentation of each field as comments.

    Args:
        profile: The profile.
        only_given: Comment out the fields that have their default value.
    """
    return "\n".join(_section(profile, "", only_given=only_given)).strip() + "\n"


def write_starter(name: str, template: Profile) -> Path:
    """Writes a new profile to start from, which equals an existing one.

    Args:
        name: Name of the new profile in the user's folder, or the path of a `.toml` file.
        template: The profile to copy.

    Returns:
        The file's path.

    Raises:
        ProfileError: The name is taken by a shipped profile, or is no name.
        InputError: The file exists, or cannot be written.
    """
    if name in shipped_profiles():
        raise ProfileError(f"{name} is a shipped profile. Choose another name for yours.")
    path = Path(name) if name.endswith(".toml") else user_profile_path(name)
    used = name if path.name == name or not name.endswith(".toml") else str(path)
    text = f"# Starts as a copy of {template.name}. Use it with: interleavethinker run --profile {used}\n\n"
    data = (text + as_toml(template, only_given=True)).encode()
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with path.open("xb") as file, _removed_if_incomplete(path):
            file.write(data)
            file.flush()
    except FileExistsError as error:
        raise InputError(f"{path} exists and was left as it is. Choose another name, or delete it first.") from error
    except OSError as error:
        raise InputError(f"Cannot write the profile {path}: {error.strerror}.") from error
    return path


@contextlib.contextmanager
def _removed_if_incomplete(path: Path) -> Iterator[None]:
    try:
        yield
    except BaseException:
        with contextlib.suppress(OSError):
            path.unlink()
        raise


def _section(model: BaseModel, prefix: str, *, only_given: bool) -> Iterator[str]:
    """Yields the lines of a model's own fields, then those of the models in it, each under its heading."""
    comments = _comments(type(model))
    tables: list[tuple[str, BaseModel]] = []
    for name, field in type(model).model_fields.items():
        value = getattr(model, name)
        if not prefix and name in _FOUND_BY_PATH:
            continue
        if isinstance(value, BaseModel):
            tables.append((name, value))
            continue
        yield from textwrap.wrap(comments.get(name, ""), _WIDTH, initial_indent="# ", subsequent_indent="# ")
        plain = model.model_dump(mode="json")[name]
        if plain is None:
            yield f"# {name} is not set"
        else:
            is_default = (
                only_given and not field.is_required() and value == field.get_default(call_default_factory=True)
            )
            yield f"{'# ' if is_default else ''}{name} = {_value(plain)}"
    for name, table in tables:
        yield ""
        yield from textwrap.wrap(comments.get(name, ""), _WIDTH, initial_indent="# ", subsequent_indent="# ")
        yield f"[{prefix}{name}]"
        yield from _section(table, f"{prefix}{name}.", only_given=only_given)


def _value(value: JsonValue) -> str:
    """Returns a value in TOML's notation on one line; JSON's notation of texts is also TOML's."""
    if isinstance(value, Mapping):
        items = (f"{json.dumps(name)} = {_value(item)}" for name, item in value.items() if item is not None)
        return "{ " + ", ".join(items) + " }" if value else "{}"
    if isinstance(value, list):
        return "[" + ", ".join(_value(item) for item in value) + "]"
    return json.dumps(value, ensure_ascii=False).replace("\x7f", "\\u007f")


def _comments(model: type[BaseModel]) -> dict[str, str]:
    """Returns the documentation under each field of a model, on one line."""
    comments: dict[str, str] = {}
    for one in reversed(model.__mro__):
        if not issubclass(one, BaseModel) or one is BaseModel:
            continue
        body = cast("ast.ClassDef", ast.parse(textwrap.dedent(inspect.getsource(one))).body[0]).body
        for field, doc in pairwise(body):
            if (
                isinstance(field, ast.AnnAssign)
                and isinstance(field.target, ast.Name)
                and isinstance(doc, ast.Expr)
                and isinstance(doc.value, ast.Constant)
            ):
                comments[field.target.id] = " ".join(str(doc.value.value).split())
    return comments
