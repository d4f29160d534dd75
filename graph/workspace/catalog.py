"""The workspace's own tables: which trajectories exist and what they descend from.

They lie in the database that also holds the checkpoints. The status is the one that the last writer recorded; the
trajectory's lock shows whether that writer is still alive.
"""

import asyncio
import re
import secrets
import time
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Literal, get_args

from pydantic import BaseModel, ConfigDict, ValidationError

from interleavethinker.tools.clock import check_clock
from interleavethinker.tools.errors import InputError, TrajectoryError
from interleavethinker.tools.types import Request
from interleavethinker.tools.validation import require_type

from .provenance import Provenance
from .storage import Connection, Database, select

__all__ = [
    "CATALOG_TABLES",
    "STATUSES",
    "Catalog",
    "RequestKey",
    "Status",
    "TrajectorySummary",
    "new_entry",
    "remove_rows",
    "require_not_cancelled",
    "title_of",
]

Status = Literal["ready", "running", "interrupted", "paused", "waiting", "done", "failed", "cancelled"]
"""`ready`: never run; `interrupted`: its process died while it ran; `waiting`: for approval of the plan."""
STATUSES = get_args(Status)

_TITLE_LENGTH = 80
"""Characters."""
_PLAIN_NAME = re.compile(r"[A-Za-z0-9_-]{1,100}")
"""Every ID is one. It names a lock file and the folder of exports, so the rows of a database that somebody else wrote
must not name other places: those with another ID are left out."""

CATALOG_TABLES = """
CREATE TABLE IF NOT EXISTS trajectories (
    id TEXT PRIMARY KEY, title TEXT NOT NULL, profile TEXT NOT NULL, status TEXT NOT NULL, reason TEXT NOT NULL,
    created DOUBLE PRECISION NOT NULL,
    updated DOUBLE PRECISION NOT NULL, parent TEXT, parent_step INTEGER, parent_iteration INTEGER);
CREATE INDEX IF NOT EXISTS trajectories_by_age ON trajectories (created DESC, id);
CREATE TABLE IF NOT EXISTS ancestors (
    trajectory TEXT NOT NULL, generation INTEGER NOT NULL, entry TEXT NOT NULL, PRIMARY KEY (trajectory, generation));
CREATE TABLE IF NOT EXISTS provenance (trajectory TEXT PRIMARY KEY, fields TEXT NOT NULL);
CREATE TABLE IF NOT EXISTS deaths (trajectory TEXT PRIMARY KEY, number INTEGER NOT NULL, progress INTEGER NOT NULL);
CREATE TABLE IF NOT EXISTS request_keys (key TEXT PRIMARY KEY, trajectory TEXT NOT NULL,
    created DOUBLE PRECISION NOT NULL);
"""
"""Every table but that of the commands, whose numbers each database counts in its own way."""

_MOST_SET_BACK = 86400.0
"""Seconds; what is further ahead was recorded while the clock was wrong, and not by a call that is repeated now."""
_KEEP_KEY = """
    INSERT INTO request_keys (key, trajectory, created) VALUES (?, ?, ?)
    ON CONFLICT (key) DO UPDATE SET trajectory = excluded.trajectory, created = excluded.created
"""


@dataclass(frozen=True)
class RequestKey:
    """Makes `Workspace.create` idempotent for clients that repeat a call whose answer they have not received."""

    key: str
    seconds: float | None = None
    """How long after the first call an equal key means the same trajectory; None: for as long as that exists."""


class TrajectorySummary(BaseModel):
    """One trajectory in the catalog. `Workspace.list` returns these; a `Trajectory` adds the contents."""

    model_config = ConfigDict(frozen=True)

    id: str
    title: str
    profile: str
    status: Status
    reason: str = ""
    """Why it failed; empty otherwise."""
    created: datetime
    """UTC."""
    updated: datetime
    """When the status last changed; UTC."""
    parent: str | None = None
    """The trajectory it was branched from; it may be deleted by now."""
    parent_step: int | None = None
    """Step of the parent at which it was branched, from 0."""
    parent_iteration: int | None = None
    """Attempt of that step, from 0."""

    @property
    def is_new(self) -> bool:
        """Whether it has neither run nor been stopped since it was created."""
        return self.status == "ready" or (self.status == "paused" and self.updated == self.created)


def new_entry(
    title: str,
    profile: str,
    origin: tuple[str | None, int | None, int | None] = (None, None, None),
    *,
    attended: bool = False,
) -> TrajectorySummary:
    """Returns the entry of a trajectory that is created now, with a new id and a title of bounded length.

    Args:
        title: The title.
        profile: The profile.
        origin: Of a branch: its parent, and the parent's step and iteration.
        attended: Whether it is left to whoever creates it. It is `paused` then, and a worker takes none that is.

    Raises:
        InputError: The machine's clock is before 1970 (`clock`).
    """
    check_clock()
    now = datetime.now(UTC)
    name = f"{now:%y%m%d-%H%M%S}-{secrets.token_hex(3)}"
    title = title if len(title) <= _TITLE_LENGTH else title[: _TITLE_LENGTH - 1] + "…"
    parent, step, iteration = origin
    status: Status = "paused" if attended else "ready"
    return TrajectorySummary(
        id=name, title=title, profile=profile, status=status, created=now, updated=now,
        parent=parent, parent_step=step, parent_iteration=iteration,
    )  # fmt: skip


def require_not_cancelled(entry: TrajectorySummary) -> TrajectorySummary:
    """Returns the entry.

    Raises:
        TrajectoryError: The trajectory was cancelled (`cancelled`).
    """
    if entry.status == "cancelled":
        raise TrajectoryError(
            f"Trajectory {entry.id} was cancelled; branch from it to continue from any of its attempts.",
            code="cancelled",
        )
    return entry


def title_of(request: Request) -> str:
    """Returns a request's text on one line, or the number of its images if it has none."""
    return " ".join(request.text.split()) or f"{len(request.images)} images"


class Catalog:
    """The tables. Every coroutine is one transaction, and raises `StoreError` if the database cannot be used.

    Args:
        database: Open.
    """

    def __init__(self, database: Database) -> None:
        self._database = database

    def addition(
        self,
        entry: TrajectorySummary,
        lineage: Sequence[TrajectorySummary] = (),
        provenance: Provenance | None = None,
        key: RequestKey | None = None,
    ) -> Callable[[Connection], str]:
        """Returns what adds a trajectory with its ancestors, the nearest first, and its models.

        It is part of the caller's transaction, and returns the trajectory's id; or that of the trajectory that another
        call has added with the same key, and adds nothing.
        """
        ancestors = [(entry.id, number, one.model_dump_json()) for number, one in enumerate(lineage)]
        names = list(TrajectorySummary.model_fields)  # The columns have these names.
        statement = f"INSERT INTO trajectories ({', '.join(names)}) VALUES ({', '.join('?' for _ in names)})"  # noqa: S608 - names are our own

        def insert(connection: Connection) -> str:
            if key is not None:
                now = _now(connection, self._database.clock)
                known = _keyed(connection, key, now)
                if known is not None:
                    return known.trajectory
                connection.execute(_KEEP_KEY, (key.key, entry.id, now))
            for ancestor in ancestors:
                connection.execute("INSERT INTO ancestors (trajectory, generation, entry) VALUES (?, ?, ?)", ancestor)
            if provenance is not None:
                values = (entry.id, provenance.model_dump_json())
                connection.execute("INSERT INTO provenance (trajectory, fields) VALUES (?, ?)", values)
            times = {"created": entry.created.timestamp(), "updated": entry.updated.timestamp()}
            fields = entry.model_dump() | times
            connection.execute(statement, [fields[name] for name in names])
            return entry.id

        return insert

    async def keyed(self, key: RequestKey) -> str | None:
        """Returns the id of the trajectory that was added with this key, or None.

        Raises:
            InputError: It is no key.
        """
        require_type(key, RequestKey, "key", "a RequestKey")
        clock = self._database.clock
        known = await self._database.read(lambda connection: _keyed(connection, key, _now(connection, clock)))
        if known is not None and known.from_future:
            # The clock was set back since: the key's time begins again, once, or it would last until that time.
            query = f"UPDATE request_keys SET created = {clock} WHERE key = ? AND created > {clock}"  # noqa: S608 - the database's own
            await self._database.write(lambda connection: connection.execute(query, (key.key,)))
        return None if known is None else known.trajectory

    async def get(self, trajectory: str) -> TrajectorySummary:
        """Returns a trajectory by its id, or by a unique prefix of it.

        Raises:
            InputError: It is not a string.
            TrajectoryError: None or several fit (code `unknown_trajectory`).
        """
        _check_id(trajectory)
        query = "SELECT * FROM trajectories WHERE id = ? OR substr(id, 1, ?) = ? ORDER BY id != ?"
        values = (trajectory, len(trajectory), trajectory, trajectory)
        rows = await self._database.read(lambda connection: select(connection, query, values))
        found = [row for row in rows if _has_plain_name(row)]
        if found and (len(found) == 1 or found[0]["id"] == trajectory):
            return _summary(found[0])
        what = f"{len(found)} trajectories begin" if found else "No trajectory begins"
        raise _unknown(what, trajectory)

    async def summaries(
        self, limit: int | None = None, statuses: Collection[Status] | None = None
    ) -> list[TrajectorySummary]:
        """Returns trajectories, the last added first: at most `limit` of those with one of `statuses` recorded.

        With neither, returns all of them.
        """
        newest_first = self._database.newest_first
        return await self._database.read(lambda connection: _summaries(connection, newest_first, limit, statuses))

    async def ids(self) -> list[str]:
        """Returns the ids of all trajectories, the last added first."""
        query = f"SELECT id FROM trajectories ORDER BY {self._database.newest_first}"  # noqa: S608 - the database's own
        rows = await self._database.read(lambda connection: connection.execute(query).fetchall())
        return [str(name) for (name,) in rows if _PLAIN_NAME.fullmatch(str(name))]

    async def lineage(self, entry: TrajectorySummary) -> tuple[TrajectorySummary, ...]:
        """Returns a trajectory's ancestors, the nearest first; a deleted one as it was at branching."""

        def trace(connection: Connection) -> tuple[TrajectorySummary, ...]:
            query = "SELECT entry FROM ancestors WHERE trajectory = ? ORDER BY generation"
            rows = select(connection, query, (entry.id,))
            if not rows and entry.parent is None:
                return ()
            recorded = (TrajectorySummary.model_validate_json(row["entry"]) for row in rows)
            lineage = [_living(connection, one.id) or one for one in recorded]
            # Earlier versions recorded no ancestors: only those that still exist are known.
            while (parent := (lineage[-1] if lineage else entry).parent) is not None:
                found = _living(connection, parent)
                if found is None:
                    break
                lineage.append(found)
            return tuple(lineage)

        return await self._database.read(trace)

    async def provenance(self, trajectory: str) -> Provenance:
        """Returns the models of a trajectory, without names if an earlier version created it."""
        query = "SELECT fields FROM provenance WHERE trajectory = ?"
        rows = await self._database.read(lambda connection: select(connection, query, (trajectory,)))
        return Provenance.model_validate_json(rows[0]["fields"]) if rows else Provenance()

    async def mark(self, trajectory: str, status: Status, reason: str = "") -> None:
        """Records a status."""
        await self._database.write(_marking(trajectory, status, reason), run=trajectory)

    async def start_run(self, trajectory: str) -> None:
        """Records that a trajectory runs, and drops older `pause` and `cancel` commands: resuming overrides them."""
        mark = _marking(trajectory, "running")

        def start(connection: Connection) -> None:
            _drop_stop_commands(connection, trajectory)
            mark(connection)

        await self._database.write(start, run=trajectory)

    async def end_run(self, trajectory: str, status: Status, reason: str = "") -> Status:
        """Records how a run ended and drops commands that arrived too late.

        Returns:
            The status that was recorded: `cancelled` instead of `paused` or `waiting` if a `cancel` is open.
        """

        def end(connection: Connection) -> Status:
            query = "SELECT 1 FROM controls WHERE trajectory = ? AND verb = 'cancel'"
            cancelled = status in {"paused", "waiting"} and connection.execute(query, (trajectory,)).fetchone()
            final: Status = "cancelled" if cancelled else status
            if final in {"done", "cancelled"}:
                connection.execute("DELETE FROM controls WHERE trajectory = ?", (trajectory,))
            else:
                _drop_stop_commands(connection, trajectory)
            _marking(trajectory, final, reason)(connection)
            return final

        return await self._database.write(end, run=trajectory)


def remove_rows(connection: Connection, trajectory: str) -> None:
    """Deletes a trajectory from the catalog's tables, with its commands; part of the caller's transaction."""
    connection.execute("DELETE FROM ancestors WHERE trajectory = ?", (trajectory,))
    connection.execute("DELETE FROM controls WHERE trajectory = ?", (trajectory,))
    connection.execute("DELETE FROM deaths WHERE trajectory = ?", (trajectory,))
    connection.execute("DELETE FROM provenance WHERE trajectory = ?", (trajectory,))
    connection.execute("DELETE FROM request_keys WHERE trajectory = ?", (trajectory,))
    connection.execute("DELETE FROM trajectories WHERE id = ?", (trajectory,))


@dataclass(frozen=True)
class _Keyed:
    trajectory: str
    from_future: bool
    """Whether the key was recorded at a later time than it is now."""


def _now(connection: Connection, clock: str) -> float:
    return float(connection.execute(f"SELECT {clock}").fetchone()[0])


def _keyed(connection: Connection, key: RequestKey, now: float) -> _Keyed | None:
    rows = select(connection, "SELECT trajectory, created FROM request_keys WHERE key = ?", (key.key,))
    if not rows:
        return None
    age = now - rows[0]["created"]
    # After the clock was set back, nobody knows the age: an equal call rather generates nothing than everything again.
    fresh = key.seconds is None or -_MOST_SET_BACK < age < key.seconds
    return _Keyed(str(rows[0]["trajectory"]), key.seconds is not None and age < 0) if fresh else None


def _summaries(
    connection: Connection, newest_first: str, limit: int | None, statuses: Collection[Status] | None
) -> list[TrajectorySummary]:
    values: list[str | int] = sorted(statuses or ())
    chosen = f"WHERE status IN ({', '.join('?' for _ in values)})" if statuses is not None else ""
    query = f"SELECT * FROM trajectories {chosen} ORDER BY {newest_first}"  # noqa: S608 - only question marks
    if limit is not None:
        query, values = f"{query} LIMIT ?", [*values, limit]
    return [_summary(row) for row in select(connection, query, values) if _has_plain_name(row)]


def _living(connection: Connection, trajectory: str) -> TrajectorySummary | None:
    rows = select(connection, "SELECT * FROM trajectories WHERE id = ?", (trajectory,))
    return _summary(rows[0]) if rows and _has_plain_name(rows[0]) else None


def _has_plain_name(row: Mapping[str, Any]) -> bool:
    return _PLAIN_NAME.fullmatch(str(row["id"])) is not None


def _summary(row: Mapping[str, Any]) -> TrajectorySummary:
    """Reads an entry. One with a status of a newer version, or a damaged one, never hides the others."""
    try:
        return TrajectorySummary.model_validate(dict(row))
    except ValidationError as error:
        fields = ", ".join(str(problem["loc"][0]) for problem in error.errors())
        now = datetime.fromtimestamp(0, UTC)
        reason = f"Its entry cannot be read ({fields}): it is damaged, or written by a newer version."
        return TrajectorySummary(
            id=str(row["id"]), title=str(row["title"]), profile=str(row["profile"]), status="failed", reason=reason,
            created=now, updated=now,
        )  # fmt: skip


def _marking(trajectory: str, status: Status, reason: str = "") -> Callable[[Connection], None]:
    values = (status, reason, time.time(), trajectory)

    def mark(connection: Connection) -> None:
        connection.execute("UPDATE trajectories SET status = ?, reason = ?, updated = ? WHERE id = ?", values)

    return mark


def _drop_stop_commands(connection: Connection, trajectory: str) -> None:
    connection.execute("DELETE FROM controls WHERE trajectory = ? AND verb IN ('pause', 'cancel')", (trajectory,))


def _check_id(trajectory: object) -> None:
    if not isinstance(trajectory, str):
        hint = " Is an `await` missing?" if asyncio.iscoroutine(trajectory) else ""
        raise InputError(f"A trajectory's ID must be a string; got {type(trajectory).__name__}.{hint}")
    if not trajectory.isascii():  # IDs are; a database refuses half a character.
        raise _unknown("No trajectory begins", trajectory)


def _unknown(what: str, trajectory: str) -> TrajectoryError:
    return TrajectoryError(f"{what} with {trajectory!r}; `list` shows all IDs.", code="unknown_trajectory")
