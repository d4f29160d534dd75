"""Opens what a workspace keeps its data in: a folder, or a PostgreSQL database and a store for its images."""

import asyncio
import contextlib
import hashlib
import secrets
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType

from interleavethinker.tools.addresses import has_password, looks_like_url, shown_address
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
from interleavethinker.tools.validation import require_type

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


class _FolderStore(ImageStore):
    """The images of a workspace in a folder: nothing is written if that is gone, rather than into a new folder."""

    def __init__(self, root: Path, database: SqliteDatabase, *, fsync: bool) -> None:
        super().__init__(root, fsync)
        self._database = database

    def put(self, data: bytes) -> str:
        """See `ImageStore.put`."""
        self._database.require_in_place()
        return super().put(data)

    def require_room(self, images: int) -> None:
        """See `ImageStore.require_room`."""
        self._database.require_in_place()
        super().require_room(images)

    def require_room_for_answer(self) -> None:
        """See `ImageStore.require_room_for_answer`."""
        self._database.require_in_place()
        super().require_room_for_answer()


@contextlib.asynccontextmanager
async def open_storage(
    root: str | Path | None, images: str | Path | None = None, *, fsync: bool = False
) -> AsyncIterator[Storage]:
    """Opens a workspace's storage; the arguments and errors are those of `Workspace.open`."""
    place = await asyncio.to_thread(default_workspace) if root is None else root
    require_type(place, (str, Path), "root", "a folder, or the URL of a database")
    require_type(images, (str, Path, type(None)), "images", "a folder, or a URL")
    if not str(place).strip():
        raise InputError("The workspace's folder is empty. Name one, or leave it out for the default.")
    if isinstance(place, str) and is_database_url(place):
        async with _open_shared(place, images, fsync=fsync) as storage:
            yield storage
        return
    refuse_foreign_url(str(place))
    if images is not None:
        raise InputError("A workspace in a folder keeps its images there. Leave out `images`, or name a database.")
    folder = Path(place)
    async with SqliteDatabase.open(folder / "trajectories.sqlite") as database:
        # Absolute, for a program that changes its current folder meanwhile.
        place = await asyncio.to_thread(folder.absolute)
        store = _FolderStore(place / "images", database, fsync=fsync)
        yield Storage(folder, str(place), database, FileLocks(place / "locks", place / database.path.name), store)


@contextlib.asynccontextmanager
async def _open_shared(url: str, images: str | Path | None, *, fsync: bool) -> AsyncIterator[Storage]:
    postgres = await asyncio.to_thread(_postgres)
    async with postgres.PostgresDatabase.open(url) as database:
        given = await asyncio.to_thread(_location, images)
        recorded = await database.setting("images", None)
        if given is not None and given != recorded:
            _refuse_password(given)
        home = await asyncio.to_thread(default_home)

        def folder_of(location: str) -> Path:
            return home / "shared" / hashlib.sha256(f"{database.identity} {location}".encode()).hexdigest()[:16]

        if recorded is None:
            if given is None:
                raise InputError(
                    f"{database.shown} is new, and nobody has said where its images lie. Set INTERLEAVETHINKER_IMAGES, "
                    "or pass `images`, to an object store (s3://bucket/folder) or a folder that all machines share. "
                    "The database remembers it."
                )
            await asyncio.to_thread(_try, given, folder_of(given) / "images")
            recorded = await database.setting("images", given) or given
        if given is not None and not _same_place(given, recorded):
            raise StoreError(
                f"The images of {database.shown} lie at {shown_address(recorded)}, not at {shown_address(given)}. Name "
                "that place, or none; to move them, copy the files and change the row `images` of the table "
                "workspace_settings."
            )
        folder = folder_of(recorded)
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
    if given is None or ("://" in given and given == given.strip()):
        return given
    if looks_like_url(given):
        raise InputError(
            "Images lie at a URL such as s3://bucket/folder, or in a folder; got something between them. Write the URL "
            "with two slashes and without blanks around it; a folder with such a name, with ./ before it."
        )
    return str(Path(given).absolute())


def _refuse_password(location: str) -> None:
    if has_password(location):
        raise InputError(
            f"The location of the images, {shown_address(location)}, must not hold a password or a key: the database "
            "remembers it for everybody. Leave them out, and set them in the environment as the provider's tools read "
            "them (AWS_SECRET_ACCESS_KEY, …), or as fsspec does (FSSPEC_FTP_PASSWORD, FSSPEC_SFTP_PASSWORD, …)."
        )


def _same_place(given: str, recorded: str) -> bool:
    """Earlier versions recorded passwords too: the place is the same without."""
    if has_password(recorded) and shown_address(given) == shown_address(recorded):
        return True
    return given.rstrip("/") == recorded.rstrip("/")


def _try(location: str, cache: Path) -> None:
    """Stores something where the images are going to lie, before that place is recorded for everybody.

    Raises:
        InterleaveError: It cannot be used.
    """
    store = _image_store(location, cache, fsync=False)
    name = store.put(b"interleavethinker looks whether it may write here " + secrets.token_bytes(16))
    with contextlib.suppress(StoreError):  # Some object stores keep everything; a clean-up finds it.
        store.delete(name)


def _image_store(location: str, cache: Path, fsync: bool) -> ImageStore:
    return RemoteImageStore(location, cache) if "://" in location else ImageStore(Path(location), fsync=fsync)
