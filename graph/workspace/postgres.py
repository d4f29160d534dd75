"""A workspace's PostgreSQL database, and its locks.

A `PostgresDatabase` has two connections, as `SqliteDatabase` has: one writes and one reads, each in a thread of its
own, so that any event loop can use it. Writes that read first take an advisory lock for their transaction, which gives
them the whole catalog to themselves; checkpoints are written without it.

Locks are advisory locks of the writing connection's session: PostgreSQL frees them when that session ends. If a process
dies, that is at once; if a machine or a network dies, after 25 seconds, when the server misses the answers to its
keep-alive packets. A process that has lost its session has therefore lost its locks: its runs cannot write any more,
even through a new connection, so another worker may already go on with them.
"""

import asyncio
import contextlib
import functools
import hashlib
import logging
import re
import time
from collections.abc import AsyncIterator, Callable, Collection, Iterator
from typing import Any, Self, TypeVar

import psycopg
from psycopg.conninfo import conninfo_to_dict, make_conninfo

from interleavethinker.tools.errors import InputError, StoreError

from .database_thread import DatabaseThread
from .lock import busy
from .postgres_tables import PostgresConnection, PostgresTables, are_current, create_tables
from .storage import MISSING_PARTS, Connection

__all__ = ["PostgresDatabase", "PostgresLocks"]

_T = TypeVar("_T")
_Session = psycopg.Connection[Any]
_KEEP_ALIVE = {"keepalives_idle": "10", "keepalives_interval": "5", "keepalives_count": "3"}
_DEFAULTS = _KEEP_ALIVE | {
    "connect_timeout": "10",
    "tcp_user_timeout": "25000",
    "application_name": "interleavethinker",
}
_SETTINGS = [
    *(f"SET tcp_{name} = {value}" for name, value in _KEEP_ALIVE.items()),  # the server's own are two hours
    "SET lock_timeout = '30s'",
    "SET client_min_messages = warning",
]
_SETUP_SECONDS = 60.0
_HELD = """
    SELECT classid::bigint, objid::bigint FROM pg_locks WHERE locktype = 'advisory' AND objsubid = 1 AND granted
    AND database = (SELECT oid FROM pg_database WHERE datname = current_database())
"""
_CAUSES = (
    ("password authentication failed", "the user or the password is wrong"),
    ("no password supplied", "it wants a password. Put it into the URL, PGPASSWORD or ~/.pgpass"),
    ("does not exist", "there is no such database or user. Create it, or correct the URL"),
    ("no pg_hba.conf entry", "the server does not let this user or machine in"),
    ("Connection refused", "no server listens there. Start it, or correct host and port"),
    ("resolve host", "there is no such host"),
    ("translate host name", "there is no such host"),
    ("No such file or directory", "no server listens on that socket. Start it, or name a host"),
    ("timeout", "it did not answer in time. Check the address and the network"),
    ("permission denied", "this user may not create or use tables there. Grant the permission, or name another schema"),
)

# When a session ends in the middle of a transaction, psycopg warns that it cannot roll back. The error that is raised
# says so; without any handler, Python would write the warning to stderr, into the middle of whatever is shown.
logging.getLogger("psycopg").addHandler(logging.NullHandler())

_ENCODE = "Write special characters of user and password as %40 for @, %2F for /, %25 for %, and so on."


def _parts_of(url: str) -> dict[str, Any]:
    """Returns host, port, user and so on of a URL.

    Raises:
        InputError: The URL is malformed. The message never quotes it: with an unescaped special character in the
            password, any part of it may be a piece of the password.
    """
    before_query = url.partition("://")[2].partition("?")[0]
    account, at, _ = before_query.rpartition("@")
    if at and set(account) & {"/", "@"}:
        raise InputError(f"The workspace's URL cannot be read: there is a / or @ before its host. {_ENCODE}")
    try:
        given = conninfo_to_dict(url)
    except UnicodeEncodeError:
        raise InputError(f"The workspace's URL cannot be read: it is not valid Unicode. {_ENCODE}") from None
    except psycopg.ProgrammingError as error:
        # libpq quotes the part that it cannot read.
        reason = re.sub(r"""["'“”„«»].*""", "…", str(error).strip(), flags=re.DOTALL)
        raise InputError(f"The workspace's URL cannot be read: {reason.rstrip(': ')}. {_ENCODE}") from None
    if not re.fullmatch(r"[0-9,]*", str(given.get("port") or "")):
        raise InputError(f"The workspace's URL cannot be read: its port is no number. {_ENCODE}")
    return given


class PostgresDatabase:
    """One database, or one schema in it. Open it with `PostgresDatabase.open`.

    Attributes:
        shown: Host, port and name of the database, for messages: never a password.
        tables: Queries on the checkpoints.
        newest_first: See `Database.newest_first`.
        clock: See `Database.clock`. It is the server's.
    """

    newest_first = "number DESC"
    clock = "extract(epoch FROM clock_timestamp())::float8"

    def __init__(self, url: str) -> None:
        given = _parts_of(url)
        self._url = make_conninfo("", **{**_DEFAULTS, **given})
        host = str(given.get("host") or "localhost")
        host = f"{f'[{host}]' if ':' in host else host}:{given.get('port') or 5432}"
        self.shown = f"postgresql://{host}/{given.get('dbname') or given.get('user') or ''}"
        self.tables = PostgresTables()
        self._schema = ""
        self._reader: _Session | None = None
        self._writer: _Session | None = None
        self._held: set[str] = set()
        self._lost: set[str] = set()
        """Trajectories whose lock went with an earlier session while their holder still ran."""
        errors = functools.partial(_postgres_errors, self.shown)
        self._read_thread = DatabaseThread("workspace-read", self.shown, errors)
        self._write_thread = DatabaseThread("workspace-write", self.shown, errors)

    @classmethod
    @contextlib.asynccontextmanager
    async def open(cls, url: str) -> AsyncIterator[Self]:
        """Connects, and creates missing tables. Closing ends the threads and frees the locks.

        Args:
            url: As libpq reads it; `?options=-csearch_path%3Dname` names a schema.

        Raises:
            InputError: The URL is malformed.
            StoreError: The database cannot be reached or used.
        """
        database = cls(url)
        try:
            await database._write_thread.submit(database._set_up)
            yield database
        finally:
            await database._close()

    async def read(self, work: Callable[[Connection], _T]) -> _T:
        """See `Database.read`."""
        return await self._read_thread.submit(lambda: self._read(work))

    async def write(self, work: Callable[[Connection], _T], *, run: str | None = None, alone: bool = True) -> _T:
        """See `Database.write`."""
        return await self._write_thread.submit(lambda: self._transaction(work, run, alone))

    async def vacuum(self, at_least: float = 0.0) -> int:  # noqa: ARG002
        """Returns 0: the server's autovacuum does this."""
        return 0

    @property
    def identity(self) -> str:
        """Names the database and the schema in it, without a password."""
        return f"{self.shown} {self._schema}"

    async def setting(self, name: str, given: str | None) -> str | None:
        """Returns a setting that all users of the workspace share; the first value given is recorded."""

        def ask(connection: Connection) -> str | None:
            found = connection.execute("SELECT value FROM workspace_settings WHERE name = ?", (name,)).fetchone()
            if found is None and given is not None:
                connection.execute("INSERT INTO workspace_settings (name, value) VALUES (?, ?)", (name, given))
            return given if found is None else str(found[0])

        return await self.write(ask)

    async def take(self, trajectory: str) -> bool:
        """Takes a trajectory's lock and returns True, or returns False if it is taken."""
        taking = self._write_thread.submit(lambda: self._take(trajectory))
        try:
            return await asyncio.shield(taking)
        except asyncio.CancelledError:  # The thread may still take the lock; this is queued behind it.
            self._write_thread.submit(lambda: self._free(trajectory))
            raise

    async def free(self, trajectory: str) -> None:
        """Frees a trajectory's lock, after all writes before."""
        await asyncio.shield(self._write_thread.submit(lambda: self._free(trajectory)))

    async def taken(self, trajectories: Collection[str]) -> set[str]:
        """Returns the trajectories whose lock is taken by any process."""

        def ask(connection: Connection) -> set[int]:
            return {(high << 32) | low for high, low in connection.execute(_HELD).fetchall()}

        keys = await self.read(ask)
        return {one for one in trajectories if self._key(one) & 0xFFFFFFFFFFFFFFFF in keys}

    def _key(self, name: str) -> int:
        """Returns the advisory lock of a name in this schema."""
        digest = hashlib.sha256(f"{self._schema}/{name}".encode()).digest()
        return int.from_bytes(digest[:8], "big", signed=True)

    def _set_up(self) -> None:
        session = self._session()
        row = session.execute("SELECT current_schema()").fetchone()
        if row is None or row[0] is None:
            raise StoreError(f"The schema that the URL of {self.shown} names does not exist. Create it first.")
        self._schema = str(row[0])
        if are_current(session):
            return
        # Not the lock that waits: LangGraph's CREATE INDEX CONCURRENTLY would wait for the statement that waits for it.
        end = time.monotonic() + _SETUP_SECONDS
        while not _true(session, "SELECT pg_try_advisory_lock(%s)", self._key("setup")):
            if time.monotonic() > end:
                raise StoreError(f"Another process has been creating the tables of {self.shown} for a minute.")
            time.sleep(0.05)
        try:
            create_tables(session)
        finally:
            if not session.closed:
                session.execute("SELECT pg_advisory_unlock(%s)", (self._key("setup"),))

    def _read(self, work: Callable[[Connection], _T]) -> _T:
        for last in (False, True):
            if self._reader is None or self._reader.closed:
                self._reader = self._connect()
                self._reader.execute("SET default_transaction_read_only = on")
            try:
                return work(PostgresConnection(self._reader))
            except psycopg.OperationalError:  # Reading again is harmless.
                if last or not self._reader.closed:
                    raise
        raise AssertionError

    def _transaction(self, work: Callable[[Connection], _T], run: str | None, alone: bool) -> _T:
        for last in (False, True):
            session, begun = self._session(), False
            if run is not None and run in self._lost:
                raise StoreError(
                    f"The connection to {self.shown} was lost while trajectory {run} ran, and with it the right to run "
                    "it. Nothing was written since; a worker or `resume` goes on from the last checkpoint.",
                    code="lost",
                )
            try:
                with session.transaction():
                    if alone:
                        session.execute("SELECT pg_advisory_xact_lock(%s)", (self._key("catalog"),))
                    begun = True
                    return work(PostgresConnection(session))
            except psycopg.OperationalError:
                if last or begun or not session.closed:
                    raise
        raise AssertionError

    def _take(self, trajectory: str) -> bool:
        for last in (False, True):
            session = self._session()
            if trajectory in self._held or trajectory in self._lost:  # A session may take its own lock twice.
                return False
            try:
                taken = _true(session, "SELECT pg_try_advisory_lock(%s)", self._key(trajectory))
            except psycopg.OperationalError:  # A session that has ended holds nothing.
                if last or not session.closed:
                    raise
                continue
            if taken:
                self._held.add(trajectory)
            return taken
        raise AssertionError

    def _free(self, trajectory: str) -> None:
        self._lost.discard(trajectory)
        if trajectory in self._held:
            self._held.discard(trajectory)
            with contextlib.suppress(psycopg.Error):  # A broken session has no locks any more.
                if self._writer is not None and not self._writer.closed:
                    self._writer.execute("SELECT pg_advisory_unlock(%s)", (self._key(trajectory),))

    def _session(self) -> _Session:
        """Returns the writing connection. With a new one, all locks of the old one are lost."""
        if self._writer is None or self._writer.closed:
            self._lost |= self._held
            self._held.clear()
            self._writer = self._connect()
        return self._writer

    def _connect(self) -> _Session:
        session = psycopg.connect(self._url, autocommit=True)
        for statement in _SETTINGS:
            session.execute(statement.encode())
        if session.info.server_version >= 140000:
            session.execute("SET idle_session_timeout = 0")
        return session

    async def _close(self) -> None:
        def close(session: _Session | None) -> None:
            if session is not None:
                session.close()

        await self._read_thread.end(lambda: close(self._reader))
        await self._write_thread.end(lambda: close(self._writer))


class PostgresLocks:
    """See `Locks`.

    Args:
        database: Open.
    """

    def __init__(self, database: PostgresDatabase) -> None:
        self._database = database

    @contextlib.asynccontextmanager
    async def hold(self, trajectory: str, *, patient: bool = True) -> AsyncIterator[None]:
        """See `Locks.hold`."""
        for attempt in range(_TRIES if patient else 1):
            if attempt:
                await asyncio.sleep(_SECONDS_BETWEEN_TRIES)
            if await self._database.take(trajectory):
                break
        else:
            raise busy(trajectory)
        try:
            yield
        finally:
            await self._database.free(trajectory)

    async def held(self, trajectories: Collection[str]) -> set[str]:
        """See `Locks.held`."""
        return await self._database.taken(trajectories)

    async def forget(self, trajectory: str) -> None:
        """See `Locks.forget`; a freed lock leaves nothing."""


_TRIES = 5
_SECONDS_BETWEEN_TRIES = 0.1
"""As long as the tries for a lock file; here nobody holds a lock only to look at it."""


def _true(session: _Session, query: str, key: int) -> bool:
    row = session.execute(query.encode(), (key,)).fetchone()
    return bool(row and row[0])


@contextlib.contextmanager
def _postgres_errors(shown: str) -> Iterator[None]:
    """Raises what PostgreSQL reports as a `StoreError`."""
    try:
        yield
    except psycopg.Error as error:
        said = " ".join(str(error).split())
        cause = next((text for words, text in _CAUSES if words in said), None)
        if isinstance(error, psycopg.errors.LockNotAvailable):
            cause = "another process has held its lock for too long. Try again when that process is done"
        elif isinstance(error, psycopg.errors.DiskFull):
            cause = "the server's disk is full. Free some space on it"
        elif isinstance(error, psycopg.errors.UndefinedColumn | psycopg.errors.UndefinedTable):
            cause = MISSING_PARTS
        reason = f"{cause}. " if cause else ""
        raise StoreError(f"Cannot use the workspace's database {shown}: {reason}PostgreSQL says: {said}") from error
