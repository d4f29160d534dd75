"""What leaves a workspace: rows of deleted trajectories, images that nobody uses, and the space that both took.

A deletion is one transaction. On a full disk, where SQLite cannot write even that, it goes on in small transactions:
the catalog's entry first, so that what a kill leaves is a state without an entry, which `remove_garbage` removes.
"""

import asyncio
import math
import time
from collections.abc import Awaitable, Callable, Collection, Sequence

from interleavethinker.tools.errors import StoreError
from interleavethinker.tools.images.store import ImageStore
from interleavethinker.tools.validation import require_type

from .catalog import TrajectorySummary, remove_rows
from .checkpoints import Checkpoints
from .database import SqliteDatabase
from .images import UnusedImages, delete_unused, unused_images
from .storage import Connection, Database

__all__ = ["Cleaner"]

_Listing = Callable[[], Awaitable[Sequence[TrajectorySummary]]]


class Cleaner:
    """Deletes trajectories and images. Locks are the caller's responsibility.

    Args:
        database: The workspace's.
        checkpoints: The workspace's.
        store: The workspace's.
    """

    def __init__(self, database: Database, checkpoints: Checkpoints, store: ImageStore) -> None:
        self._database = database
        self._checkpoints = checkpoints
        self._store = store

    async def delete(self, trajectory: str, listed: _Listing) -> None:
        """Deletes a trajectory's rows.

        A full disk gets the space that the database keeps in reserve; if that is not enough, also that of the images
        that nobody uses, or only this trajectory.

        Args:
            trajectory: Its id.
            listed: Returns all trajectories.

        Raises:
            StoreError: The disk stays full (`disk_full`), or the database cannot be used.
        """

        def remove(connection: Connection) -> None:
            remove_rows(connection, trajectory)
            self._checkpoints.remove_rows(connection, trajectory)

        try:
            await self._database.write(remove)
        except StoreError as error:
            if error.code != "disk_full" or not isinstance(self._database, SqliteDatabase):
                raise
            await self._delete_on_full_disk(self._database, trajectory, listed)

    async def unused(self, entries: Sequence[TrajectorySummary], older_than: float) -> UnusedImages:
        """Returns the images that none of these trajectories uses."""
        used = await self._checkpoints.image_names([entry.id for entry in entries])
        # A clock that jumps makes the newest images look old; those of trajectories that run now are spared anyway.
        running_since = min((one.updated.timestamp() for one in entries if one.status == "running"), default=None)
        return await asyncio.to_thread(unused_images, self._store, used, older_than, running_since)

    async def remove_garbage(
        self, listed: _Listing, older_than: float, also: Collection[str] = (), also_until: float = math.inf
    ) -> list[str]:
        """Removes images that none of the listed trajectories uses, and states without an entry; see `Workspace`."""
        require_type(older_than, (int, float), "older_than", "a number of seconds")
        await asyncio.to_thread(self._store.sweep, older_than)
        started = time.time()
        unused = await self.unused(await listed(), older_than)
        recent = [name for name in unused.recent if name in also]
        removed = [
            *await asyncio.to_thread(delete_unused, self._store, unused.removable, started),
            *await asyncio.to_thread(delete_unused, self._store, recent, min(started, also_until)),
        ]
        await self._checkpoints.remove_orphans(older_than)
        return removed

    async def _delete_on_full_disk(self, database: SqliteDatabase, trajectory: str, listed: _Listing) -> None:
        own = await self._checkpoints.image_names([trajectory])
        if await database.use_reserve():
            try:
                await self._delete_in_parts(database, trajectory)
            except StoreError as error:
                if error.code != "disk_full":
                    raise
            else:
                return
        unused = await self.unused([one for one in await listed() if one.id != trajectory], older_than=3600.0)
        for name in (*unused.removable, *(one for one in unused.recent if one in own)):
            await asyncio.to_thread(self._store.delete, name)
        await database.reopen()
        await self._delete_in_parts(database, trajectory)

    async def _delete_in_parts(self, database: SqliteDatabase, trajectory: str) -> None:
        await database.write(lambda connection: remove_rows(connection, trajectory))
        while await database.write(lambda connection: database.tables.remove_some(connection, trajectory)):
            await database.shorten_log()
