"""The workspace's SQLite file, used from an event loop that must never wait for it.

The catalog and LangGraph's checkpoints share one file in WAL mode. A `Database` opens it twice: one connection writes
and one reads, each in a thread of its own. Callers pass a function; it runs in that thread from start to end.

Two rules follow, and the rest of this package relies on them:

*   A write is one `BEGIN IMMEDIATE … COMMIT` inside one function call. No transaction stays open while the event loop
    does something else, so a write never waits for this process's own loop. (LangGraph's `AsyncSqliteSaver` returns to
    the loop between its `INSERT` and its `COMMIT`. A second connection that waited for the lock on the same loop then
    waited for itself, until SQLite gave up after 30 seconds with "database is locked".)
*   A write is atomic, also when its caller is cancelled: the function either never starts or runs to `COMMIT`, and an
    exception inside it rolls back. Writes of one `Database` take effect in the order in which they were submitted, so
    awaiting a write also waits for every write submitted before it.

Reads see the last commit and do not wait for writers. Another process that holds the write lock delays this process's
writes by up to 30 seconds; only the awaiting task waits.
"""

import asyncio
import contextlib
import errno
import functools
import sqlite3
from collections.abc import AsyncIterator, Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Self, TypeVar

from interleavethinker.tools.errors import InputError, StoreError

__all__ = ["Database", "select"]

_T = TypeVar("_T")
_Work = Callable[[sqlite3.Connection], _T]
_LOCK_TIMEOUT_SECONDS = 30.0
"""How long a write waits for another process's transaction; those usually last milliseconds."""
_DISK_FULL = {errno.ENOSPC, errno.EDQUOT}


class Database:
    """One SQLite file. Open it with `Database.open`; every method raises `StoreError` if the file cannot be used.

    Attributes:
        path: The file.
        reader: The connection that `read` uses; only its own thread may execute statements on it.
        writer: The connection that `write` uses; the same holds.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self.reader: sqlite3.Connection
        self.writer: sqlite3.Connection
        self._read_thread = ThreadPoolExecutor(1, thread_name_prefix="workspace-read")
        self._write_thread = ThreadPoolExecutor(1, thread_name_prefix="workspace-write")

    @classmethod
    @contextlib.asynccontextmanager
    async def open(cls, path: Path, create_tables: _Work[None]) -> AsyncIterator[Self]:
        """Opens the file, and creates it and its folder if absent. Closing ends both threads.

        Args:
            path: The file.
            create_tables: Creates missing tables. Runs in the write thread, outside any transaction.

        Raises:
            InputError: The folder cannot be created.
        """
        database = cls(path)
        try:
            await database._run(database._write_thread, lambda: database._connect_writer(create_tables))
            await database._run(database._read_thread, database._connect_reader)
            yield database
        finally:
            await database._close()

    async def read(self, work: _Work[_T]) -> _T:
        """Runs `work` on the reading connection and returns its result."""
        return await self._run(self._read_thread, lambda: work(self.reader))

    async def write(self, work: _Work[_T]) -> _T:
        """Runs `work` in one transaction, commits it and returns its result; an exception rolls back."""
        return await self._run(self._write_thread, lambda: self._transaction(work))

    def _transaction(self, work: _Work[_T]) -> _T:
        self.writer.execute("BEGIN IMMEDIATE")
        try:
            result = work(self.writer)
            self.writer.execute("COMMIT")
        except BaseException:
            if self.writer.in_transaction:  # After some errors, such as a full disk, SQLite has rolled back already.
                self.writer.execute("ROLLBACK")
            raise
        return result

    async def _run(self, thread: ThreadPoolExecutor, work: Callable[[], _T]) -> _T:
        def checked() -> _T:
            with _sqlite_errors(self.path):
                return work()

        try:
            future = asyncio.get_running_loop().run_in_executor(thread, checked)
        except RuntimeError as error:
            raise StoreError(f"The workspace {self.path.parent} is closed.") from error
        return await future

    def _connect_writer(self, create_tables: _Work[None]) -> None:
        try:
            self.path.parent.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            kind = StoreError if error.errno in _DISK_FULL else InputError
            raise kind(
                f"Cannot create the workspace folder {self.path.parent}: {error.strerror}. Choose another folder."
            ) from error
        self.writer = self._connect()
        self.writer.execute("PRAGMA journal_mode=WAL")
        # Enough against SIGKILL; `FULL` would only add power loss, at an fsync per transaction.
        self.writer.execute("PRAGMA synchronous=NORMAL")
        create_tables(self.writer)

    def _connect_reader(self) -> None:
        self.reader = self._connect()
        self.reader.execute("PRAGMA query_only=ON")

    def _connect(self) -> sqlite3.Connection:
        # Autocommit: `_transaction` alone begins and ends transactions.
        return sqlite3.connect(self.path, timeout=_LOCK_TIMEOUT_SECONDS, isolation_level=None)

    async def _close(self) -> None:
        for thread, name in ((self._read_thread, "reader"), (self._write_thread, "writer")):
            await self._run(thread, functools.partial(self._close_connection, name))
            await asyncio.to_thread(thread.shutdown)

    def _close_connection(self, name: str) -> None:
        connection: sqlite3.Connection | None = getattr(self, name, None)  # Absent if opening failed.
        if connection is not None:
            connection.close()


def select(connection: sqlite3.Connection, query: str, values: Sequence[str | int] = ()) -> list[sqlite3.Row]:
    """Returns the rows of a query, whose columns can be read by name."""
    with contextlib.closing(connection.cursor()) as cursor:
        cursor.row_factory = sqlite3.Row
        return cursor.execute(query, values).fetchall()


@contextlib.contextmanager
def _sqlite_errors(path: Path) -> Iterator[None]:
    """Raises what SQLite reports about the database at `path` as a `StoreError`."""
    try:
        yield
    except sqlite3.Error as error:
        raise StoreError(
            f"Cannot use the workspace's database {path}; SQLite says: {error}. The file may be damaged, the disk may "
            "be full, or another process may hold its lock."
        ) from error
