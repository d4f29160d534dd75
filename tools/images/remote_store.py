"""An image store in an object store (S3 and whatever else fsspec reaches), with a folder of this machine as its cache.

An image's name is the hash of its content, so a cached image can never be out of date: only whether the object store
still has it can change. `put` returns once the object store has the image, hence a checkpoint never names one that
other machines cannot read.
"""

import contextlib
import os
import time
from collections.abc import Iterator
from pathlib import Path
from stat import S_ISREG
from typing import Any

from interleavethinker.tools.addresses import credentials_in, shown_address
from interleavethinker.tools.errors import InputError, StoreError
from interleavethinker.tools.secrets import remember_secrets_of

from .store import ImageStore, is_image_name, sha256_of

__all__ = ["RemoteImageStore"]

_CACHE_BYTES = 10 * 2**30
_YOUNG_SECONDS = 900.0


class RemoteImageStore(ImageStore):
    """Images under a URL, in objects `ab/abcd….png`.

    Args:
        url: For example `s3://bucket/folder`. Credentials come from the environment, as the provider's tools read them.
        cache: Folder for copies.
        cache_bytes: Size above which the copies that were not used for longest are removed.

    Raises:
        InputError: The URL's protocol is unknown, or its library is not installed.
        StoreError: The library cannot use the URL, or does not reach the server.

    Attributes:
        shown: The URL without user, password and query, for messages.
    """

    def __init__(self, url: str, cache: Path, cache_bytes: int = _CACHE_BYTES) -> None:
        super().__init__(cache)
        self.shown = shown_address(url.rstrip("/"))
        self._credentials = credentials_in(url)
        remember_secrets_of({"images": url})
        self._cache_bytes = cache_bytes
        self._unchecked_bytes = 0
        extra = "Install it: pip install 'interleavethinker[cluster]' (S3), or fsspec's library for this protocol."
        try:
            import fsspec
        except ImportError as error:
            raise InputError(
                f"Images at {self.shown} need the library fsspec. {extra}", code="missing_extra"
            ) from error
        try:
            # Listings are not cached: other machines change them.
            self._files, self._base = fsspec.url_to_fs(
                url.rstrip("/"), use_listings_cache=False, skip_instance_cache=True
            )
        except ImportError as error:
            said = self._said(error)
            raise InputError(f"Images at {self.shown}: {said}. {extra}", code="missing_extra") from error
        except ValueError as error:
            said = self._said(error)
            raise InputError(f"Images at {self.shown}: {said}. Name a URL such as s3://bucket/folder.") from error
        except Exception as error:  # Some file systems connect, or read an archive, at once.
            raise self._unusable("Cannot open the image store", error) from error

    def put(self, data: bytes) -> str:
        """See `ImageStore.put`. Storing an image again makes it young again for a clean-up by age."""
        sha256 = super().put(data)
        with self._errors(f"Cannot store {len(data)} bytes"):
            self._files.pipe_file(self._object(sha256), data)
        self._trim(len(data))
        return sha256

    def get(self, sha256: str) -> bytes:
        """See `ImageStore.get`. Reads the copy on this machine, if there is a whole one."""
        try:
            data = super().get(sha256)
        except StoreError:
            return self._fetch(sha256)
        with contextlib.suppress(OSError):
            os.utime(self.path(sha256))
        return data

    def file(self, sha256: str) -> Path:
        """See `ImageStore.file`: a copy, made if there is none."""
        data = self.get(sha256)
        if not self.path(sha256).is_file():
            super().put(data)  # Says why there is no copy.
        return self.path(sha256)

    def __contains__(self, sha256: object) -> bool:
        """Whether the object store has the image."""
        if not is_image_name(sha256):
            return False
        with self._errors("Cannot look for an image"):
            return bool(self._files.exists(self._object(sha256)))

    def __iter__(self) -> Iterator[str]:
        """Yields the names of all images in the object store, in order."""
        with self._errors("Cannot list the images"):
            found = self._files.find(self._base)
        names = (Path(path).stem for path in found if path.endswith(".png"))
        yield from sorted(name for name in names if is_image_name(name))

    def last_used(self, sha256: str) -> float:
        """See `ImageStore.last_used`: when the object was written."""
        try:
            with self._errors("Cannot look for an image"):
                return float(self._files.modified(self._object(sha256)).timestamp())
        except StoreError as error:
            if error.code == "unknown_image":
                return float("inf")
            raise

    def renew(self, sha256: str) -> bool:
        """See `ImageStore.renew`. Only a new upload makes an object younger, so a young one stays as it is."""
        if sha256 not in self:
            return False
        if time.time() - self.last_used(sha256) > _YOUNG_SECONDS:
            self.put(self.get(sha256))
        return True

    def delete(self, sha256: str) -> bool:
        """See `ImageStore.delete`. Copies on other machines stay until their space is needed."""
        existed = sha256 in self
        if existed:
            with self._errors("Cannot delete an image"), contextlib.suppress(FileNotFoundError):
                self._files.rm_file(self._object(sha256))
        super().delete(sha256)
        return existed

    def _fetch(self, sha256: str) -> bytes:
        with self._errors(f"Cannot read image {sha256}"):
            data: Any = self._files.cat_file(self._object(sha256))
        if not isinstance(data, bytes) or sha256_of(data) != sha256:
            raise StoreError(
                f"Image {sha256} is damaged: its bytes do not have that hash. Store it again.", code="corrupt_image"
            )
        with contextlib.suppress(StoreError):  # A full disk here does not make the image unreadable.
            super().put(data)
            self._trim(len(data))
        return data

    def _object(self, sha256: str) -> str:
        return f"{self._base}/{self.path(sha256).relative_to(self.root).as_posix()}"

    def _trim(self, added: int) -> None:
        """Removes the oldest copies above the limit, once a twentieth of it was added since the last look."""
        self._unchecked_bytes += added
        if self._unchecked_bytes <= self._cache_bytes // 20:
            return
        self._unchecked_bytes = 0
        files = []
        for path in self.root.glob("[0-9a-f][0-9a-f]/*.png"):
            with contextlib.suppress(FileNotFoundError):
                stat = path.stat()
                if not S_ISREG(stat.st_mode):
                    continue
                files.append((stat.st_mtime, stat.st_size, path))
        excess = sum(size for _, size, _ in files) - self._cache_bytes
        for used, size, path in sorted(files):
            if excess <= 0 or time.time() - used < 60.0:
                break
            path.unlink(missing_ok=True)
            excess -= size

    @contextlib.contextmanager
    def _errors(self, attempt: str) -> Iterator[None]:
        """Raises what a library of fsspec raises, of any class, as a `StoreError`."""
        try:
            yield
        except StoreError:
            raise
        except FileNotFoundError as error:
            raise StoreError(f"{attempt}: {self.shown} has no such image or bucket.", code="unknown_image") from error
        except Exception as error:
            raise self._unusable(attempt, error) from error

    def _unusable(self, attempt: str, error: Exception) -> StoreError:
        said = self._said(error)
        return StoreError(f"{attempt} at {self.shown}: {said}. Check the address, the credentials and the network.")

    def _said(self, error: Exception) -> str:
        """Returns a library's message without the credentials, which it may repeat with the URL."""
        said = " ".join(str(error).split()).rstrip(".") or type(error).__name__
        for each in self._credentials:
            said = said.replace(each, "***")
        return said
