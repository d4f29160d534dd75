"""The workspace's SQLite file, used from an event loop that must never wait for it.

The catalog and LangGraph's checkpoints share one file in WAL mode. A `SqliteDatabase` opens it twice: one connection
writes and one reads, each in a thread of its own. Callers pass a function; it runs in that thread from start to end.

Two rules follow, and the rest of this package relies on them:

*   A write is one `BEGIN IMMEDIATE … COMMIT` inside one function call. No transaction stays open while the event loop
    does something else, so a write never waits for this process's own loop. (LangGraph's `AsyncSqliteSaver` returns to
    the loop between its `INSERT` and its `COMMIT`. A second connection that waited for the lock on the same loop then
    waited for itself, until SQLite gave up after 30 seconds with "database is locked".)
*   A write is atomic, also when its caller is cancelled: the function either never starts or runs to `COMMIT`, and an
    exception inside it rolls back. Writes of one database take effect in the order in which they were submitted, so
    awaiting a write also waits for every write submitted before it.

Reads see the last commit and do not wait for writers. Another process that holds the write lock delays this process's
writes by up to 30 seconds; only the awaiting task waits.
"""

import asyncio
import contextlib
import functools
import os
import shutil
import sqlite3
import tempfile
import time
from collections.abc import AsyncIterator, Callable, Iterator
from pathlib import Path
from typing import Self, TypeVar

from interleavethinker.tools.errors import InputError, StoreError
from interleavethinker.tools.exhaustion import DISK_FULL, TOO_MANY_FILES, can_open_files
from interleavethinker.tools.files import atomic_write, is_folder
from interleavethinker.tools.folders import create_private
from interleavethinker.tools.plain_text import quotation

from .database_files import OpenedFile, refuse_other_kinds
from .database_thread import DatabaseThread
from .sqlite_tables import SqliteTables, check_tables, create_tables
from .storage import MISSING_PARTS

__all__ = ["SqliteDatabase"]

_T = TypeVar("_T")
_Work = Callable[[sqlite3.Connection], _T]
_LOCK_TIMEOUT_SECONDS = 30.0
"""How long a write waits for another process's transaction; those usually last milliseconds."""
_WAL_PAUSE_SECONDS = 0.02
_LOCKED = {sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED}
_DAMAGED = "it is damaged. Restore it from a backup, or recover it with the program sqlite3"
_MISSING = ("no such column", "no such table", "table ")
"""SQLite's words about tables and columns that a query names; the last ones go on with "has no column named"."""
_UNDECODABLE = "Could not decode to UTF-8"
"""Python's words, without a code, about a stored text."""
_CAUSES = (
    (_LOCKED, "another process has held its lock for too long. Try again when that process is done"),
    ({sqlite3.SQLITE_READONLY, sqlite3.SQLITE_PERM}, "it may only be read"),
    ({sqlite3.SQLITE_CANTOPEN}, "it cannot be opened. Check the folder's permissions"),
    ({sqlite3.SQLITE_CORRUPT}, _DAMAGED),
    ({sqlite3.SQLITE_NOTADB}, "it is not a database. Choose another folder, or move the file away"),
    ({sqlite3.SQLITE_IOERR}, "the disk or the file system reports an error. File systems without locks do not work"),
)
_LONGEST_PATH = 200
"""Characters of a path in a message."""
_RESERVE = ".reserve"
_RESERVE_BYTES = 256 * 1024
_PLENTY = 4 * _RESERVE_BYTES
"""Bytes that must be free before the reserve is made."""
_NO_SPACE = 64 * 1024
"""Bytes; SQLite needs about half of this to open a file, and reports an input/output error if it cannot have it."""


class SqliteDatabase:
    """One SQLite file. Open it with `SqliteDatabase.open`; every method raises `StoreError` if the file cannot be used.

    Attributes:
        path: The file.
        tables: Queries on the checkpoints.
        reader: The connection that `read` uses; only its own thread may execute statements on it.
        writer: The connection that `write` uses; the same holds.
        newest_first: See `Database.newest_first`. A rowid is one more than the largest; a vacuum keeps their order.
        clock: See `Database.clock`. It is the machine's: a file in use cannot be shared between machines.
    """

    newest_first = "rowid DESC"
    clock = "(julianday('now') - 2440587.5) * 86400.0"

    def __init__(self, path: Path) -> None:
        self.path = path
        self.tables = SqliteTables()
        self.reader: sqlite3.Connection
        self.writer: sqlite3.Connection
        self.read_only = False
        """Whether the file can only be read, by this user or because the disk is full; a write raises `StoreError`."""
        self._full = False
        self._opened: OpenedFile | None = None
        self._copy: tempfile.TemporaryDirectory[str] | None = None
        errors = functools.partial(_sqlite_errors, path)
        self._read_thread = DatabaseThread("workspace-read", path.parent, errors)
        self._write_thread = DatabaseThread("workspace-write", path.parent, errors)

    @classmethod
    @contextlib.asynccontextmanager
    async def open(cls, path: Path) -> AsyncIterator[Self]:
        """Opens the file, and creates it and its folder if absent. Closing ends both threads.

        Args:
            path: The file.

        Raises:
            InputError: The folder cannot be created.
        """
        database = cls(path)
        try:
            await database._write_thread.submit(database._connect_writer)
            await database._read_thread.submit(database._connect_reader)
            yield database
        finally:
            await database._close()

    async def read(self, work: _Work[_T]) -> _T:
        """Runs `work` on the reading connection and returns its result."""

        def reading() -> _T:
            self.require_in_place()
            return work(self.reader)

        return await self._read_thread.submit(reading)

    async def write(self, work: _Work[_T], *, run: str | None = None, alone: bool = True) -> _T:  # noqa: ARG002
        """See `Database.write`. The lock of a file cannot be lost, and every transaction is alone."""
        return await self._write_thread.submit(lambda: self._transaction(work))

    def require_in_place(self) -> None:
        """Checks that the file still lies where it was opened; its images and locks would go to another folder.

        Raises:
            StoreError: It was moved or deleted meanwhile (`moved`).
        """
        if self._opened is not None and not self._opened.is_in_place():
            raise StoreError(
                f"The workspace {self.path.parent} is no longer there: it was moved, replaced or deleted while it was "
                "in use. Move it back, or go on at its new place: finished work is kept.",
                code="moved",
            )

    async def use_reserve(self) -> bool:
        """Frees the space that the workspace keeps for deletions on a full disk, and opens the file again.

        Returns:
            Whether there was a reserve.
        """
        reserve = self.path.with_name(_RESERVE)
        try:
            await asyncio.to_thread(reserve.unlink)
        except OSError:
            return False
        await self.reopen()
        return True

    async def reopen(self) -> None:
        """Opens the file again, for example because the disk is no longer full."""
        for thread, name in ((self._read_thread, "reader"), (self._write_thread, "writer")):
            await thread.submit(functools.partial(self._close_connection, name))
        await self._write_thread.submit(self._connect_existing)
        await self._read_thread.submit(self._connect_reader)

    async def shorten_log(self) -> None:
        """Moves what was written into the file itself, as far as other processes allow it, and empties the log."""
        await self._write_thread.submit(lambda: self.writer.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchall())

    async def vacuum(self, at_least: float = 0.0) -> int:
        """Gives the space of deleted rows back to the disk, and returns how many bytes that were.

        Needs as much free space as the file takes afterwards, and waits for transactions of other processes.

        Args:
            at_least: Share of the file that must be free; otherwise nothing is done.
        """
        return await self._write_thread.submit(lambda: self._vacuum(at_least))

    def _vacuum(self, at_least: float) -> int:
        pages, free = (self.writer.execute(f"PRAGMA {name}").fetchone()[0] for name in ("page_count", "freelist_count"))
        if self.read_only or not free or free < at_least * pages:
            return 0
        before = self.path.stat().st_size
        self.writer.execute("VACUUM")
        self.writer.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        return max(0, before - self.path.stat().st_size)

    def _transaction(self, work: _Work[_T]) -> _T:
        self.require_in_place()
        if self._full:
            raise StoreError(
                f"The disk of the workspace {self.path.parent} is full; nothing was changed. Free some space on it: "
                "`delete` works without any.",
                code="disk_full",
            )
        if self.read_only:
            raise StoreError(f"The workspace {self.path.parent} may only be read by this user; nothing was changed.")
        self.writer.execute("BEGIN IMMEDIATE")
        try:
            result = work(self.writer)
            self.writer.execute("COMMIT")
        except BaseException:
            if self.writer.in_transaction:  # After some errors, such as a full disk, SQLite has rolled back already.
                self.writer.execute("ROLLBACK")
            raise
        return result

    def _connect_writer(self) -> None:
        refuse_other_kinds(self.path)
        self._connect_first()
        self._opened = OpenedFile(self.path)

    def _connect_first(self) -> None:
        self.read_only = _may_only_read(self.path)
        if self.read_only:
            self.writer = self._connect_to_read_only()  # Never written to: `_transaction` refuses.
            check_tables(self.writer, self.path)
            return
        folder = quotation(str(self.path.parent), _LONGEST_PATH)
        try:
            create_private(self.path.parent)
            with contextlib.suppress(FileExistsError):
                os.close(os.open(self.path, os.O_RDWR | os.O_CREAT | os.O_EXCL, 0o600))  # SQLite's would be readable.
        except RecursionError as error:  # `Path.mkdir` calls itself for every missing parent.
            raise InputError(f"Cannot create the workspace folder {folder}: too many folders to create.") from error
        except OSError as error:
            kind = StoreError if error.errno in DISK_FULL else InputError
            action = "use the workspace" if is_folder(self.path.parent) else "create the workspace folder"
            raise kind(f"Cannot {action} {folder}: {error.strerror}. Choose another folder.") from error
        self._connect_existing()
        _keep_reserve(self.path.with_name(_RESERVE))

    def _connect_existing(self) -> None:
        self.read_only = self._full = False
        self.writer = self._connect(self.path)
        try:
            self._switch_to_wal()
            # Enough against SIGKILL; `FULL` would only add power loss, at an fsync per transaction.
            self.writer.execute("PRAGMA synchronous=NORMAL")
            create_tables(self.writer)
        except sqlite3.Error as error:
            if not (_is_full(error, self.path) and self.path.stat().st_size):
                raise
            self.writer.close()
            self.read_only = self._full = True
            self.writer = self._connect_to_read_only()

    def _switch_to_wal(self) -> None:
        """Retries where another process opens the new file at the same time: the switch ignores the lock timeout."""
        end = time.monotonic() + _LOCK_TIMEOUT_SECONDS
        while True:
            try:
                check_tables(self.writer, self.path)  # Before anything is written: the mode is stored in the file.
                self.writer.execute("PRAGMA journal_mode=WAL")
            except sqlite3.OperationalError as error:
                if _primary_code(error) not in _LOCKED or time.monotonic() > end:
                    raise
                time.sleep(_WAL_PAUSE_SECONDS)
            else:
                return

    def _connect_reader(self) -> None:
        self.reader = self._connect_to_read_only() if self.read_only else self._connect(self.path)
        self.reader.execute("PRAGMA query_only=ON")

    def _connect(self, path: Path, options: str = "") -> sqlite3.Connection:
        # Autocommit: `_transaction` alone begins and ends transactions.
        target = f"{path.absolute().as_uri()}{options}"
        return sqlite3.connect(target, timeout=_LOCK_TIMEOUT_SECONDS, isolation_level=None, uri=True)

    def _connect_to_read_only(self) -> sqlite3.Connection:
        """Opens a file that cannot be locked: in place if all of it is in one file, else a copy with its log."""
        log = self.path.with_name(f"{self.path.name}-wal")
        if not log.exists() or log.stat().st_size == 0:
            return self._connect(self.path, "?immutable=1")
        if self._copy is None:
            self._copy = tempfile.TemporaryDirectory(prefix="interleavethinker-")
            try:
                for part in (self.path, log):
                    shutil.copyfile(part, Path(self._copy.name) / part.name)
            except OSError as error:
                raise StoreError(f"Cannot read the workspace's database {self.path}: {error.strerror}.") from error
        return self._connect(Path(self._copy.name) / self.path.name)

    async def _close(self) -> None:
        for thread, name in ((self._read_thread, "reader"), (self._write_thread, "writer")):
            await thread.end(functools.partial(self._close_connection, name))
        if self._copy is not None:
            await asyncio.to_thread(self._copy.cleanup)

    def _close_connection(self, name: str) -> None:
        connection: sqlite3.Connection | None = getattr(self, name, None)  # Absent if opening failed.
        if connection is not None:
            connection.close()


@contextlib.contextmanager
def _sqlite_errors(path: Path) -> Iterator[None]:
    """Raises what SQLite reports about the database at `path` as a `StoreError`."""
    try:
        yield
    except sqlite3.Error as error:
        full = _is_full(error, path)
        cause = "the disk is full. Free some space on it" if full else _cause(error)
        raise StoreError(
            f"Cannot use the workspace's database {path}: {cause}. SQLite says: {error}.",
            code="disk_full" if full else "store",
        ) from error
    except UnicodeDecodeError as error:  # SQLite's message about a damaged schema quotes the schema.
        quoted = error.object.decode(errors="replace")
        raise StoreError(f"Cannot use the workspace's database {path}: {_DAMAGED}. SQLite says: {quoted}.") from error


def _is_full(error: sqlite3.Error, path: Path) -> bool:
    code = _primary_code(error)
    if code == sqlite3.SQLITE_FULL:
        return True
    try:
        return (
            code in {sqlite3.SQLITE_IOERR, sqlite3.SQLITE_CANTOPEN, sqlite3.SQLITE_ERROR}  # The last: missing tables.
            and shutil.disk_usage(path.parent).free < _NO_SPACE
        )
    except OSError:
        return False


def _keep_reserve(path: Path) -> None:
    """Creates the file whose removal lets a trajectory be deleted on a full disk."""
    with contextlib.suppress(OSError):
        if not path.exists() and shutil.disk_usage(path.parent).free > _PLENTY:
            # Random, because a file system that compresses must not shrink it.
            atomic_write(path, os.urandom(_RESERVE_BYTES), mode=0o600)


def _may_only_read(path: Path) -> bool:
    return os.path.exists(path) and not (os.access(path, os.W_OK) and os.access(path.parent, os.W_OK))  # noqa: PTH110 - never raises


def _primary_code(error: sqlite3.Error) -> int:
    code: int = getattr(error, "sqlite_errorcode", sqlite3.SQLITE_ERROR)
    return code & 0xFF


def _cause(error: sqlite3.Error) -> str:
    if str(error).startswith(_UNDECODABLE):
        return _DAMAGED
    if str(error).startswith(_MISSING):
        return MISSING_PARTS
    code = _primary_code(error)
    if code in {sqlite3.SQLITE_CANTOPEN, sqlite3.SQLITE_IOERR} and not can_open_files():
        return TOO_MANY_FILES
    return next((text for codes, text in _CAUSES if code in codes), "an unexpected error; see the log")
