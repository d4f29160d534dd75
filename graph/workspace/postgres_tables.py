"""LangGraph's tables, and the catalog's, in a PostgreSQL database.

LangGraph keeps a channel's value in a row of its own there, and a growing channel's changes in `checkpoint_writes`, as
in SQLite.
"""

from collections.abc import Collection, Iterator, Sequence
from itertools import groupby
from typing import Any

import psycopg
from langgraph.checkpoint.base import BaseCheckpointSaver
from langgraph.checkpoint.postgres import PostgresSaver
from langgraph.checkpoint.serde.base import SerializerProtocol

from .catalog import CATALOG_TABLES
from .checkpoint_queries import CheckpointQueries
from .storage import Connection, Cursor, Value
from .used_images import UnfamiliarError, WriteRow, image_names, replayed_names, unpacked_names

__all__ = ["PostgresConnection", "PostgresTables", "are_current", "create_tables"]

_OWN_TABLES = """
CREATE TABLE IF NOT EXISTS controls (
    number BIGINT GENERATED ALWAYS AS IDENTITY PRIMARY KEY, trajectory TEXT NOT NULL, verb TEXT NOT NULL,
    payload TEXT NOT NULL);
CREATE INDEX IF NOT EXISTS controls_trajectory ON controls (trajectory);
CREATE TABLE IF NOT EXISTS workspace_settings (name TEXT PRIMARY KEY, value TEXT NOT NULL);
"""
_BEGINNINGS = """
    SELECT c.thread_id, c.newest, request.blob, attempts.type, attempts.blob
    FROM (SELECT DISTINCT ON (thread_id) thread_id, checkpoint,
                 max(checkpoint_id) OVER (PARTITION BY thread_id) AS newest
          FROM checkpoints WHERE checkpoint_ns = '' ORDER BY thread_id, checkpoint_id) c
    LEFT JOIN checkpoint_blobs request ON request.thread_id = c.thread_id AND request.checkpoint_ns = ''
        AND request.channel = 'request' AND request.version = c.checkpoint -> 'channel_versions' ->> 'request'
    LEFT JOIN checkpoint_blobs attempts ON attempts.thread_id = c.thread_id AND attempts.checkpoint_ns = ''
        AND attempts.channel = 'attempts' AND attempts.version = c.checkpoint -> 'channel_versions' ->> 'attempts'
"""
_WRITES = """
    SELECT thread_id, checkpoint_id, channel, type, blob FROM checkpoint_writes WHERE channel IN ('attempts', 'request')
    ORDER BY thread_id, checkpoint_ns, checkpoint_id, task_id, idx
"""
_BYTES = (
    "SELECT blob FROM checkpoint_blobs WHERE thread_id = ?",
    "SELECT blob FROM checkpoint_writes WHERE thread_id = ?",
)
_WITHOUT_ENTRY = """
    SELECT thread_id FROM checkpoints UNION SELECT thread_id FROM checkpoint_blobs
    UNION SELECT thread_id FROM checkpoint_writes EXCEPT SELECT id FROM trajectories
"""
_SIZE = """
    SELECT (SELECT coalesce(sum(pg_column_size(c)), 0) FROM checkpoints c WHERE thread_id = ?)
         + (SELECT coalesce(sum(pg_column_size(b)), 0) FROM checkpoint_blobs b WHERE thread_id = ?)
         + (SELECT coalesce(sum(pg_column_size(w)), 0) FROM checkpoint_writes w WHERE thread_id = ?),
           (SELECT count(*) FROM checkpoints WHERE thread_id = ?)
"""
"""Counts rows as PostgreSQL stores them: with their headers, and compressed."""


class PostgresConnection:
    """A connection that takes statements with `?`; see `Connection`.

    Attributes:
        psycopg: The library's connection.
    """

    def __init__(self, connection: "psycopg.Connection[Any]") -> None:
        self.psycopg = connection

    def execute(self, query: str, values: Sequence[Value] = (), /) -> Cursor:
        """Executes one statement. Texts lose the character NUL, which PostgreSQL cannot store."""
        storable = [value.replace("\0", "") if isinstance(value, str) else value for value in values]
        return self.psycopg.execute(query.replace("?", "%s").encode(), storable)


class PostgresTables(CheckpointQueries):
    """See `CheckpointTables`."""

    def __init__(self) -> None:
        super().__init__(_BYTES, _WITHOUT_ENTRY, _SIZE)

    def saver(self, connection: Connection, serde: SerializerProtocol) -> BaseCheckpointSaver[str]:
        """See `CheckpointTables.saver`."""
        assert isinstance(connection, PostgresConnection)  # noqa: S101 - PostgresDatabase has no other
        return PostgresSaver(connection.psycopg, serde=serde)

    def used_images(self, connection: Connection, trajectories: Collection[str]) -> tuple[set[str], set[str]]:
        """See `CheckpointTables.used_images`."""
        beginnings = {row[0]: row[1:] for row in connection.execute(_BEGINNINGS).fetchall()}
        rows: Iterator[WriteRow] = iter(connection.execute(_WRITES).fetchall())
        writes = {trajectory: list(group) for trajectory, group in groupby(rows, key=lambda row: row[0])}
        used: set[bytes] = set()
        unclear: set[str] = set()
        for trajectory in trajectories:
            try:
                newest, request, kind, attempts = beginnings[trajectory]
                before = {} if attempts is None else unpacked_names(kind, attempts)
                used |= replayed_names(image_names([request]), before, writes.get(trajectory, ()), newest)
            except (KeyError, TypeError, ValueError, UnfamiliarError):  # Whatever is unpacked may be damaged.
                unclear.add(trajectory)
        return {name.decode() for name in used}, unclear


def are_current(connection: "psycopg.Connection[Any]") -> bool:
    """Returns whether no table is missing or of an earlier version, so that nothing needs to be created."""
    names = ["trajectories", "controls", "deaths", "workspace_settings", "checkpoint_migrations"]
    found = connection.execute("SELECT count(to_regclass(name)) FROM unnest(%s::text[]) AS name", (names,)).fetchone()
    if found is None or found[0] < len(names):
        return False
    newest = connection.execute("SELECT max(v) FROM checkpoint_migrations").fetchone()
    return newest is not None and newest[0] is not None and newest[0] >= len(PostgresSaver.MIGRATIONS) - 1


def create_tables(connection: "psycopg.Connection[Any]") -> None:
    """Creates the catalog's tables and LangGraph's if they are missing, and migrates those of its earlier versions."""
    for statement in f"{CATALOG_TABLES}{_OWN_TABLES}".split(";"):
        if statement.strip():
            connection.execute(statement.encode())
    PostgresSaver(connection).setup()
