"""The folders that this project writes to by default, on any platform and for users without a home.

`INTERLEAVETHINKER_HOME` moves everything; `INTERLEAVETHINKER_IMAGE_STORE` only the image server's store.
`INTERLEAVETHINKER_WORKSPACE` and `INTERLEAVETHINKER_IMAGES` name a workspace that several machines share.
"""

import os
import re
from pathlib import Path

from .addresses import looks_like_url
from .errors import InputError
from .settings import workspace_setting

__all__ = [
    "HOME_VARIABLE",
    "IMAGES_VARIABLE",
    "STORE_VARIABLE",
    "WORKSPACE_VARIABLE",
    "create_private",
    "default_home",
    "default_server_store",
    "default_workspace",
    "images_location",
    "is_database_url",
    "refuse_foreign_url",
]

HOME_VARIABLE = "INTERLEAVETHINKER_HOME"
STORE_VARIABLE = "INTERLEAVETHINKER_IMAGE_STORE"
WORKSPACE_VARIABLE = "INTERLEAVETHINKER_WORKSPACE"
IMAGES_VARIABLE = "INTERLEAVETHINKER_IMAGES"
_SCHEME = re.compile(r"[A-Za-z][A-Za-z0-9+.-]+://")


def default_home() -> Path:
    """Returns the folder of the default workspace.

    It is `INTERLEAVETHINKER_HOME`, the user's setting `workspace`, or a folder in the user's data folder.

    Raises:
        InputError: Neither is set and the user has no home folder, or the settings file is malformed.
    """
    named = os.environ.get(HOME_VARIABLE)
    if named:
        return Path(named)
    from_settings = workspace_setting()
    if from_settings is not None:
        return from_settings
    from platformdirs import user_data_path

    return _usable(user_data_path("interleavethinker"), "workspace")


def default_workspace() -> str | Path:
    """Returns the default workspace: `INTERLEAVETHINKER_WORKSPACE`, a folder or a database's URL, or `default_home()`.

    Raises:
        InputError: As `default_home`.
    """
    return os.environ.get(WORKSPACE_VARIABLE) or default_home()


def images_location() -> str | None:
    """Returns `INTERLEAVETHINKER_IMAGES`, the place of a shared workspace's images, or None."""
    return os.environ.get(IMAGES_VARIABLE) or None


def is_database_url(place: str) -> bool:
    """Returns whether a workspace's place is a PostgreSQL database and not a folder."""
    return place.startswith(("postgresql://", "postgres://"))


def refuse_foreign_url(place: str) -> None:
    """Refuses as a workspace what would become a folder whose name may hold a password.

    Raises:
        InputError: It is a URL, and not of PostgreSQL; or it is almost one, for example after a blank.
    """
    if is_database_url(place):
        return
    scheme = _SCHEME.match(place)
    if scheme is not None:
        raise InputError(
            f"A workspace is a folder or a database postgresql://…; got a URL that begins with {scheme[0]!r}."
        )
    if looks_like_url(place):
        raise InputError(
            "A workspace is a folder or a database postgresql://user@host/name; got something between them. Write the "
            "URL in this form, without blanks around it; a folder with such a name, with ./ before it."
        )


def default_server_store() -> Path:
    """Returns the default folder of an image server's store.

    It is `INTERLEAVETHINKER_IMAGE_STORE`, or a folder in `INTERLEAVETHINKER_HOME`, or one in the user's cache folder.

    Raises:
        InputError: Neither variable is set, and the user has no home folder.
    """
    named = os.environ.get(STORE_VARIABLE)
    if named:
        return Path(named)
    home = os.environ.get(HOME_VARIABLE)
    if home:
        return Path(home) / "image-server"
    from platformdirs import user_cache_path

    return _usable(user_cache_path("interleavethinker"), "image store") / "image-server"


def create_private(folder: Path) -> None:
    """Creates a folder that only its owner can look into; an existing one keeps its permissions.

    Raises:
        OSError: The system refused.
    """
    if not folder.is_dir():
        folder.parent.mkdir(parents=True, exist_ok=True)
        folder.mkdir(mode=0o700, exist_ok=True)


def _usable(folder: Path, content: str) -> Path:
    # Without a home, the platform's path begins with a literal "~", or with the root.
    if "~" in folder.parts or not folder.is_absolute() or folder.parts[1:2] in {(".local",), (".cache",)}:
        raise InputError(
            f"This user has no home folder for the {content}. Set the environment variable {HOME_VARIABLE} to a folder "
            "that may be written to."
        )
    return folder
