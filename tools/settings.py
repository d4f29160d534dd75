"""The user's settings: the default profile and the default workspace, in a small TOML file.

An option on the command line comes before an environment variable, which comes before a setting, which comes before
the built-in default. The file and the user's own profiles lie in one folder. The module knows neither profiles nor
workspaces, only their names and paths.
"""

import json
import os
import re
from collections.abc import Sequence
from pathlib import Path

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from .errors import InputError
from .files import atomic_write, read_at_most
from .structured_text import parse_toml

__all__ = [
    "DEFAULT_PROFILE",
    "Settings",
    "change_setting",
    "chosen_profile",
    "config_folder",
    "load_settings",
    "settings_path",
    "workspace_setting",
]

_MAX_FILE = 2**20
"""Bytes of the settings file."""
DEFAULT_PROFILE = "micro"
_HOME = "INTERLEAVETHINKER_HOME"
_PROFILE = "INTERLEAVETHINKER_PROFILE"


class Settings(BaseModel):
    """The contents of the file; every setting may be missing."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    profile: str | None = Field(default=None, min_length=1)
    """Profile of `run` and `doctor`: a name, or the path of a TOML file."""
    workspace: str | None = Field(default=None, min_length=1)
    """Folder of the default workspace; `~` stands for the home folder."""


def config_folder() -> Path:
    """Returns the folder of the settings and of the user's profiles.

    It is `INTERLEAVETHINKER_HOME`, if that is set, and otherwise a folder in the user's configuration folder.
    """
    from_environment = os.environ.get(_HOME)
    if from_environment:
        return Path(from_environment)
    from platformdirs import user_config_path

    return user_config_path("interleavethinker")


def settings_path() -> Path:
    """Returns the path of the settings file, which need not exist."""
    return config_folder() / "settings.toml"


def load_settings() -> Settings:
    """Reads the settings file; a missing one sets nothing.

    Raises:
        InputError: It cannot be read, or is malformed.
    """
    path = settings_path()
    try:
        return _parsed(read_at_most(path, _MAX_FILE))
    except FileNotFoundError:
        return Settings()
    except OSError as error:
        raise InputError(f"Cannot read the settings file {path}: {error.strerror}.") from error
    except ValueError as error:
        raise InputError(
            f"The settings file {path} is malformed: {_problem(error)}. Correct it, or delete it to use the defaults."
        ) from error


def chosen_profile(option: str | None) -> str:
    """Returns the profile to use: the option, `INTERLEAVETHINKER_PROFILE`, the setting, or `micro`.

    Raises:
        InputError: The settings file is needed and malformed.
    """
    return option or os.environ.get(_PROFILE) or load_settings().profile or DEFAULT_PROFILE


def workspace_setting() -> Path | None:
    """Returns the folder that the settings name; a relative one lies in the settings' folder.

    Raises:
        InputError: The settings file is malformed.
    """
    named = load_settings().workspace
    return None if named is None else config_folder() / Path(named).expanduser()


def change_setting(name: str, value: str | None) -> None:
    """Writes one setting in its place, or removes it; the file's other lines and all comments stay.

    Args:
        name: A field of `Settings`.
        value: None removes the setting.

    Raises:
        InputError: There is no such setting, or the file is malformed or cannot be written.
    """
    if name not in Settings.model_fields:
        raise InputError(f"No setting {name!r}. The settings are: {', '.join(Settings.model_fields)}.")
    load_settings()
    path = settings_path()
    try:
        lines = path.read_text(encoding="utf-8").splitlines() if path.exists() else []
        data = "".join(f"{line}\n" for line in _changed(lines, name, value)).encode()
        if getattr(_parsed(data), name) != value:
            raise InputError(f"The setting {name} in {path} has a form that this command cannot change; edit the file.")
        atomic_write(path, data, mode=0o600)
    except OSError as error:
        raise InputError(f"Cannot write the settings file {path}: {error.strerror}.") from error
    except ValueError as error:
        raise InputError(f"The setting {name} cannot be {value!r}: {_problem(error)}.") from error


def _changed(lines: Sequence[str], name: str, value: str | None) -> list[str]:
    """Returns the file's lines with another value, or without it; a comment behind the old value stays."""
    new = None if value is None else f"{name} = {json.dumps(value)}"
    changed: list[str] = []
    written = False
    for line in lines:
        own = re.match(rf"\s*[\"']?{name}[\"']?\s*=\s*(\"(?:[^\"\\]|\\.)*\"|'[^']*'|[^#]*)\s*(#.*)?", line)
        if own is None:
            changed.append(line)
            continue
        comment = own[2] or ""
        if new is not None and not written:
            changed.append(f"{new}  {comment}".rstrip())
            written = True
        elif comment:
            changed.append(comment)
    if new is not None and not written:
        changed.append(new)
    return changed


def _parsed(data: bytes) -> Settings:
    return Settings.model_validate(parse_toml(data.decode()))


def _problem(error: ValueError) -> str:
    """Returns what is wrong, on one line."""
    if not isinstance(error, ValidationError):
        return str(error).rstrip(".")
    problems = []
    for problem in error.errors():
        name = ".".join(map(str, problem["loc"]))
        unknown = f"unknown setting; the settings are {', '.join(Settings.model_fields)}"
        problems.append(f"{name}: {unknown if problem['type'] == 'extra_forbidden' else problem['msg']}")
    return "; ".join(problems)
