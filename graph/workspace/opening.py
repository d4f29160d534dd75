"""Opens what a workspace keeps its data in: a folder, or a PostgreSQL database and a store for its images."""

import asyncio
import contextlib
import hashlib
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType

from interleavethinker.tools.errors import InputError, StoreError
from interleavethinker.tools.folders import (
    default_home,
    default_workspace,
    images_location,
    is_database_url,
    refuse_foreign_url,
)
from interleavethinker.tools.images.remote_store import RemoteImageStore
from interleavethinker.tools.images.store import ImageStore

from .database import SqliteDatabase
from .lock import FileLocks
from .storage import Database, Locks

__all__ = ["Storage", "open_storage"]


@dataclass(frozen=True)
class Storage:
    """What a workspace keeps its data in."""

    root: Path
    """A folder of this machine: the workspace itself, or what belongs to a shared one here."""
    location: str
    """Opens the same storage in another process: the folder, or the database's URL."""
    database: Database
    locks: Locks
    store: ImageStore


@contextlib.asynccontextmanager
async def open_storage(
    root: str | Path | None, images: str | Path | None = None, *, fsync: bool = False
) -> AsyncIterator[Storage]:
    """Opens a workspace's storage; the arguments and errors are those of `Workspace.open`."""
    place = await asyncio.to_thread(default_workspace) if root is None else root
    if isinstance(place, str) and is_database_url(place):
        async with _open_shared(place, images, fsync=fsync) as storage:
            yield storage
        return
    if isinstance(place, str):
        refuse_foreign_url(place)
    if images is not None:
        raise InputError("A workspace in a folder keeps its images there. Leave out `images`, or name a database.")
    folder = Path(place)
    async with SqliteDatabase.open(folder / "trajectories.sqlite") as database:
        store = ImageStore(folder / "images", fsync=fsync)
        yield Storage(
            folder, str(await asyncio.to_thread(folder.absolute)), database, FileLocks(folder / "locks"), store
        )


@contextlib.asynccontextmanager
async def _open_shared(url: str, images: str | Path | None, *, fsync: bool) -> AsyncIterator[Storage]:
    postgres = await asyncio.to_thread(_postgres)
    async with postgres.PostgresDatabase.open(url) as database:
        given = await asyncio.to_thread(_location, images)
        recorded = await database.setting("images", given)
        if recorded is None:
            raise InputError(
                f"{database.shown} is new, and nobody has said where its images lie. Set INTERLEAVETHINKER_IMAGES, or "
                "pass `images`, to an object store (s3://bucket/folder) or a folder that all machines share. The "
                "database remembers it."
            )
        if given is not None and given.rstrip("/") != recorded.rstrip("/"):
            raise StoreError(
                f"The images of {database.shown} lie at {recorded}, not at {given}. Name that place, or none; to move "
                "them, copy the files and change the row `images` of the table workspace_settings."
            )
        home = await asyncio.to_thread(default_home)
        folder = home / "shared" / hashlib.sha256(f"{database.identity} {recorded}".encode()).hexdigest()[:16]
        store = await asyncio.to_thread(_image_store, recorded, folder / "images", fsync)
        yield Storage(folder, url, database, postgres.PostgresLocks(database), store)


def _postgres() -> ModuleType:
    """Returns the module that needs the extra. Importing it takes a moment."""
    try:
        from . import postgres
    except ImportError as error:
        raise InputError(
            "A workspace in PostgreSQL needs more libraries. Install them: pip install 'interleavethinker[cluster]'.",
            code="missing_extra",
        ) from error
    return postgres


def _location(images: str | Path | None) -> str | None:
    given = images_location() if images is None else str(images)
    return given if given is None or "://" in given else str(Path(given).absolute())


def _image_store(location: str, cache: Path, fsync: bool) -> ImageStore:
    return RemoteImageStore(location, cache) if "://" in location else ImageStore(Path(location), fsync=fsync)
