"""The workspace's own tables: which trajectories exist, what they descend from, and what was asked of them while
somebody else runs them.

Plain SQLite in the file that also holds the checkpoints; usable from any process, without loading LangGraph. A status
is what its last writer left; whether a writer is still alive is the lock's business.
"""

import contextlib
import errno
import json
import sqlite3
import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Literal

from pydantic import BaseModel, ConfigDict, JsonValue

from interleavethinker.tools.errors import InputError, StoreError, TrajectoryError

__all__ = ["Catalog", "Command", "Status", "TrajectorySummary", "sqlite_errors"]

Status = Literal["ready", "running", "interrupted", "paused", "waiting", "done", "failed", "cancelled"]
"""`interrupted`: its process died while it ran; `waiting`: for approval of the plan. The rest is what it says."""

_TABLES = """
CREATE TABLE IF NOT EXISTS trajectories (
    id TEXT PRIMARY KEY, title TEXT NOT NULL, profile TEXT NOT NULL, status TEXT NOT NULL, reason TEXT NOT NULL,
    created REAL NOT NULL, updated REAL NOT NULL, parent TEXT, parent_step INTEGER, parent_iteration INTEGER);
CREATE TABLE IF NOT EXISTS controls (
    number INTEGER PRIMARY KEY AUTOINCREMENT, trajectory TEXT NOT NULL, verb TEXT NOT NULL, payload TEXT NOT NULL);
CREATE TABLE IF NOT EXISTS ancestors (
    trajectory TEXT NOT NULL, generation INTEGER NOT NULL, entry TEXT NOT NULL, PRIMARY KEY (trajectory, generation));
"""
_WAIT_SECONDS = 30.0
"""How long a writer waits for another process's transaction; those last milliseconds."""
_FULL = {errno.ENOSPC, errno.EDQUOT}
_Value = float | int | str | None


class TrajectorySummary(BaseModel):
    """One trajectory in the catalog."""

    model_config = ConfigDict(frozen=True)

    id: str
    title: str
    profile: str
    status: Status
    reason: str = ""
    """Why it failed; empty otherwise."""
    created: float
    updated: float
    parent: str | None = None
    """The trajectory it was branched from; it may be deleted by now."""
    parent_step: int | None = None
    parent_iteration: int | None = None


class Command(BaseModel):
    """Something asked of a trajectory, from any process."""

    model_config = ConfigDict(frozen=True)

    number: int
    verb: Literal["approve", "cancel", "judge", "pause"]
    payload: dict[str, JsonValue]


class Catalog:
    """The tables.

    Args:
        path: The database file; made if absent.

    Attributes:
        path: The database file.

    Raises:
        InputError: The path cannot lie on this machine, or its folder cannot be made.
        StoreError: The database cannot be used, here and in every method.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            kind = StoreError if error.errno in _FULL else InputError
            raise kind(
                f"The workspace {path.parent} must be a folder that can be written; the system says: {error.strerror}. "
                "Choose another one."
            ) from error
        with sqlite_errors(path):
            self._database = sqlite3.connect(path, timeout=_WAIT_SECONDS, isolation_level=None)
            self._database.execute("PRAGMA journal_mode=WAL")
            self._database.execute("PRAGMA synchronous=NORMAL")
            self._database.executescript(_TABLES)
        self._database.row_factory = sqlite3.Row

    def close(self) -> None:
        """Closes the database."""
        with sqlite_errors(self.path):
            self._database.close()

    def add(self, entry: TrajectorySummary, lineage: Sequence[TrajectorySummary] = ()) -> None:
        """Adds a trajectory, with what it descends from, the nearest first."""
        for generation, ancestor in enumerate(lineage):
            self._execute(
                "INSERT INTO ancestors (trajectory, generation, entry) VALUES (?, ?, ?)",
                (entry.id, generation, ancestor.model_dump_json()),
            )
        names = list(TrajectorySummary.model_fields)
        marks = ", ".join(f":{name}" for name in names)
        self._execute(
            f"INSERT INTO trajectories ({', '.join(names)}) VALUES ({marks})",  # noqa: S608 - names are our own
            entry.model_dump(),
        )

    def get(self, trajectory: str) -> TrajectorySummary:
        """Returns a trajectory by its id, or by a beginning of the id that fits only one.

        Raises:
            TrajectoryError: None or several fit (code `unknown_trajectory`).
        """
        found = self._execute(
            "SELECT * FROM trajectories WHERE id = ? OR substr(id, 1, ?) = ? ORDER BY id != ?",
            (trajectory, len(trajectory), trajectory, trajectory),
        )
        if found and (len(found) == 1 or found[0]["id"] == trajectory):
            return TrajectorySummary.model_validate(dict(found[0]))
        what = f"{len(found)} trajectories begin" if found else "No trajectory begins"
        raise TrajectoryError(f"{what} with {trajectory!r}; see `list`.", code="unknown_trajectory")

    def summaries(self) -> list[TrajectorySummary]:
        """Returns all trajectories, the newest first."""
        rows = self._execute("SELECT * FROM trajectories ORDER BY created DESC, id")
        return [TrajectorySummary.model_validate(dict(row)) for row in rows]

    def lineage(self, entry: TrajectorySummary) -> tuple[TrajectorySummary, ...]:
        """Returns what a trajectory descends from, the nearest first; a deleted one as it stood at the branching."""
        living = {other.id: other for other in self.summaries()}
        rows = self._execute("SELECT entry FROM ancestors WHERE trajectory = ? ORDER BY generation", (entry.id,))
        kept = (TrajectorySummary.model_validate_json(row["entry"]) for row in rows)
        lineage = [living.get(one.id, one) for one in kept]
        # Earlier versions kept no ancestors: theirs are known as far as they live.
        while (parent := (lineage[-1] if lineage else entry).parent) is not None and parent in living:
            lineage.append(living[parent])
        return tuple(lineage)

    def mark(self, trajectory: str, status: Status, reason: str = "") -> None:
        """Records a status."""
        self._execute(
            "UPDATE trajectories SET status = ?, reason = ?, updated = ? WHERE id = ?",
            (status, reason, time.time(), trajectory),
        )

    def remove(self, trajectory: str) -> None:
        """Forgets a trajectory and what was asked of it."""
        self._execute("DELETE FROM ancestors WHERE trajectory = ?", (trajectory,))
        self._execute("DELETE FROM controls WHERE trajectory = ?", (trajectory,))
        self._execute("DELETE FROM trajectories WHERE id = ?", (trajectory,))

    def enqueue(self, trajectory: str, verb: str, payload: dict[str, JsonValue] | None = None) -> None:
        """Leaves a command for whoever runs the trajectory, now or next."""
        self._execute(
            "INSERT INTO controls (trajectory, verb, payload) VALUES (?, ?, ?)",
            (trajectory, verb, json.dumps(payload or {})),
        )

    def pending(self, trajectory: str) -> list[Command]:
        """Returns the open commands, in order."""
        rows = self._execute("SELECT * FROM controls WHERE trajectory = ? ORDER BY number", (trajectory,))
        return [Command(number=row["number"], verb=row["verb"], payload=json.loads(row["payload"])) for row in rows]

    def acknowledge(self, commands: Iterable[Command]) -> None:
        """Removes commands that were carried out, or that came too late."""
        for command in commands:
            self._execute("DELETE FROM controls WHERE number = ?", (command.number,))

    def _execute(self, statement: str, values: Sequence[_Value] | Mapping[str, _Value] = ()) -> list[sqlite3.Row]:
        with sqlite_errors(self.path):
            return self._database.execute(statement, values).fetchall()


@contextlib.contextmanager
def sqlite_errors(path: Path) -> Iterator[None]:
    """Makes a `StoreError` of what SQLite raises about the database at `path`."""
    try:
        yield
    except sqlite3.Error as error:
        raise StoreError(
            f"The workspace's database {path} must be whole and have room to grow; SQLite says: {error}."
        ) from error
