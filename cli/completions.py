"""What the shell may complete for arguments of this program: trajectory IDs, profiles and settings.

A completion that fails completes nothing, since the person is in the middle of a line. Some shells evaluate what they
get, so titles and file names lose every character that could mean something to one.
"""

import contextlib
import os
import re
import sqlite3
from importlib.util import find_spec
from pathlib import Path

import typer

from interleavethinker.tools.errors import InterleaveError
from interleavethinker.tools.plain_text import one_line

__all__ = ["complete_profiles", "complete_setting_values", "complete_trajectories", "completed_words"]

_MOST = 50
_TITLE_LENGTH = 50
_UNSAFE = re.compile(r"[^\w .,!?-]")
_SAFE_NAME = re.compile(r"[\w./-]+")


def completed_words() -> list[str] | None:
    """Returns the words typed so far if a shell asks for completions, else None."""
    instruction = os.environ.get("_INTERLEAVETHINKER_COMPLETE")
    if not instruction:
        return None
    return (os.environ.get("_TYPER_COMPLETE_ARGS") or os.environ.get("COMP_WORDS") or "").split()[1:]


def complete_trajectories(ctx: typer.Context, incomplete: str) -> list[tuple[str, str]]:
    """Returns the newest trajectories' IDs with their titles, and `last`."""
    found: list[tuple[str, str]] = []
    with contextlib.suppress(InterleaveError, sqlite3.Error, OSError):
        path = _workspace(ctx) / "trajectories.sqlite"  # No shell waits for a database elsewhere.
        if path.exists():
            with contextlib.closing(sqlite3.connect(f"{path.absolute().as_uri()}?mode=ro", uri=True)) as database:
                query = "SELECT id, title FROM trajectories WHERE substr(id, 1, ?) = ? ORDER BY rowid DESC LIMIT ?"
                rows = database.execute(query, (len(incomplete), incomplete, _MOST))
                found = [(name, _UNSAFE.sub("", one_line(title))[:_TITLE_LENGTH]) for name, title in rows]
    return [*found, *(entry for entry in [("last", "the most recent trajectory")] if "last".startswith(incomplete))]


def complete_profiles(incomplete: str) -> list[tuple[str, str]]:
    """Returns the names of the shipped profiles and of the user's, and TOML files that begin as typed."""
    from interleavethinker.tools.settings import config_folder

    # `graph.profiles` has functions for both, but importing it loads LangGraph, for which nobody waits after Tab.
    package = find_spec("interleavethinker.graph")
    shipped = _profiles_in(*(Path(place) for place in (package and package.submodule_search_locations) or ()))
    own = _profiles_in(config_folder()) - shipped
    names = [(name, "shipped") for name in sorted(shipped)] + [(name, "yours") for name in sorted(own)]
    folder, _, start = incomplete.rpartition("/")
    with contextlib.suppress(OSError):
        files = sorted(path.name for path in Path(folder or ".").glob("*.toml") if path.name.startswith(start))
        names += [(f"{folder}/{name}" if folder else name, "file") for name in files]
    return [(name, origin) for name, origin in names if name.startswith(incomplete) and _SAFE_NAME.fullmatch(name)]


def _profiles_in(*folders: Path) -> set[str]:
    return {path.stem for folder in folders for path in (folder / "profiles").glob("*.toml")}


def complete_setting_values(ctx: typer.Context, incomplete: str) -> list[tuple[str, str]]:
    """Returns the profiles if the setting is `profile`; the shell itself completes folders."""
    return complete_profiles(incomplete) if ctx.params.get("name") == "profile" else []


def _workspace(ctx: typer.Context) -> Path:
    given = ctx.params.get("folder")
    if given:
        return Path(given)
    from interleavethinker.tools.folders import default_home

    return default_home()
