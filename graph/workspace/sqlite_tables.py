"""LangGraph's tables in the workspace's SQLite file."""

import contextlib
import sqlite3
from collections.abc import Collection, Iterator
from pathlib import Path

from langgraph.checkpoint.base import BaseCheckpointSaver
from langgraph.checkpoint.serde.base import SerializerProtocol
from langgraph.checkpoint.sqlite import SqliteSaver

from interleavethinker.tools.errors import StoreError

from .catalog import CATALOG_TABLES
from .checkpoint_queries import CheckpointQueries
from .storage import MISSING_PARTS, Connection
from .used_images import used_images

__all__ = ["SqliteTables", "check_tables", "create_tables"]

_FEW = 8
_REMOVE_SOME = [
    f"DELETE FROM {table} WHERE rowid IN (SELECT rowid FROM {table} WHERE thread_id = ? LIMIT ?)"  # noqa: S608 - ours
    for table in ("writes", "checkpoints")
]
_WITHOUT_ENTRY = """
    SELECT thread_id FROM checkpoints UNION SELECT thread_id FROM writes EXCEPT SELECT id FROM trajectories
"""
_SIZE = """
    SELECT (SELECT coalesce(sum(length(checkpoint) + length(metadata)), 0)
            FROM checkpoints WHERE thread_id = ?)
         + (SELECT coalesce(sum(length(value) + length(channel)), 0)
            FROM writes WHERE thread_id = ?),
           (SELECT count(*) FROM checkpoints WHERE thread_id = ?)
"""
_BYTES = (
    "SELECT checkpoint FROM checkpoints WHERE thread_id = ?",
    "SELECT value FROM writes WHERE thread_id = ?",
)
_COMMAND_TABLE = """
CREATE TABLE IF NOT EXISTS controls (
    number INTEGER PRIMARY KEY AUTOINCREMENT, trajectory TEXT NOT NULL, verb TEXT NOT NULL, payload TEXT NOT NULL);
"""
_FIRST_COLUMNS = {"id", "title", "profile", "status", "created", "updated"}
"""Columns of the table that every version creates first."""


class _Saver(SqliteSaver):
    """LangGraph's queries on one connection, without its transactions: the database begins and ends those."""

    @contextlib.contextmanager
    def cursor(self, transaction: bool = True) -> Iterator[sqlite3.Cursor]:  # noqa: ARG002
        with contextlib.closing(self.conn.cursor()) as cursor:
            yield cursor


class SqliteTables(CheckpointQueries):
    """See `CheckpointTables`."""

    def __init__(self) -> None:
        super().__init__(_BYTES, _WITHOUT_ENTRY, _SIZE)

    def saver(self, connection: Connection, serde: SerializerProtocol) -> BaseCheckpointSaver[str]:
        """See `CheckpointTables.saver`."""
        assert isinstance(connection, sqlite3.Connection)  # noqa: S101 - SqliteDatabase has no other
        return _Saver(connection, serde=serde)

    def used_images(self, connection: Connection, trajectories: Collection[str]) -> tuple[set[str], set[str]]:
        """See `CheckpointTables.used_images`."""
        return used_images(connection, trajectories)

    def remove_some(self, connection: Connection, trajectory: str) -> int:
        """Deletes a few of a trajectory's rows, and returns their number."""
        return sum(connection.execute(query, (trajectory, _FEW)).rowcount for query in _REMOVE_SOME)


def check_tables(connection: sqlite3.Connection, path: Path) -> None:
    """Checks that a database is empty or a workspace's, and writes nothing.

    Raises:
        StoreError: Another program's tables are in it, or a part of the workspace's is missing.
    """
    tables = {str(name) for (name,) in connection.execute("SELECT name FROM sqlite_master WHERE type = 'table'")}
    columns = {str(row[1]) for row in connection.execute("PRAGMA table_info(trajectories)")}
    if not tables or columns >= _FIRST_COLUMNS:
        return
    if len(columns & _FIRST_COLUMNS) > 1 or {"controls", "checkpoints"} <= tables:
        missing = ", ".join(sorted(_FIRST_COLUMNS - columns)) if columns else "all of them"
        raise StoreError(
            f"Cannot use the workspace's database {path}: {MISSING_PARTS}. Missing of the table trajectories: "
            f"{missing}. Nothing was changed."
        )
    raise StoreError(
        f"The database {path} is not a workspace of this program: another program's tables are in it. "
        "Nothing was changed. Choose another folder, or move the file away."
    )


def create_tables(connection: sqlite3.Connection) -> None:
    """Creates the catalog's tables and LangGraph's if they are missing, and migrates those of its earlier versions."""
    connection.executescript(f"{CATALOG_TABLES}{_COMMAND_TABLE}")
    _Saver(connection).setup()
