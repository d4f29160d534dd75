"""Folders whose images a program may hand over by path: below them, through no symbolic link to the outside.

A path comes from a chat model or another program and is not trusted. Errors never tell whether something exists outside
the folders.
"""

import difflib
import os
import stat
from collections.abc import Iterator, Sequence
from pathlib import Path
from urllib.parse import unquote, urlsplit

from interleavethinker.tools.errors import InputError

from .png import DEFAULT_LIMITS, ImageLimits

__all__ = ["ImageFolders"]

_SUFFIXES = {".gif", ".jpeg", ".jpg", ".png", ".webp"}
_MOST_FILES = 10_000
"""Files that are looked at for a list or a similar name."""
_LONGEST = 4096


class ImageFolders:
    """Reads images below some folders, and nothing else.

    Args:
        folders: The folders; `~` is the user's home.

    Raises:
        InputError: One of them is no folder that can be read.
    """

    def __init__(self, folders: Sequence[Path]) -> None:
        self._roots = [_checked(folder) for folder in folders]

    def __bool__(self) -> bool:
        """Whether there are any folders."""
        return bool(self._roots)

    def read(self, path: str, limits: ImageLimits = DEFAULT_LIMITS) -> bytes:
        """Returns a file's bytes. Blocks; they are not looked into.

        Args:
            path: Absolute, relative to one of the folders, beginning with `~`, or a `file:` URI.
            limits: `max_bytes` bounds the file.

        Raises:
            InputError: There is no such file below the folders (`invalid_image`), or it is too large
                (`image_too_large`).
        """
        name = _plain(path)
        inside = False
        for root in self._roots:
            try:
                found = (root / Path(name).expanduser()).resolve()
            except (OSError, RuntimeError, ValueError):
                continue
            if found.is_relative_to(root):
                inside = True
                data = _read_file(found, limits)
                if data is not None:
                    return data
        if not inside:
            raise InputError(
                f"The path {_shown(path)} is not below a folder that this server may read. Name a file below a folder "
                "given with --images, relative to it.",
                code="invalid_image",
            )
        similar = difflib.get_close_matches(name, [each for each, _ in self._files()], 3, 0.5)
        hint = f" Similar: {', '.join(similar)}." if similar else ""
        raise InputError(f"There is no image file {_shown(path)}.{hint}", code="invalid_image")

    def newest(self, contains: str = "", most: int = 50) -> list[str]:
        """Returns paths of image files, relative to their folder, the newest first. Blocks.

        Args:
            contains: Only paths that contain this, in any case.
            most: Length of the list.
        """
        found = [(time, name) for name, time in self._files() if contains.lower() in name.lower()]
        return [name for _, name in sorted(found, reverse=True)[:most]]

    def _files(self) -> Iterator[tuple[str, float]]:
        """Yields (path relative to its folder, time of last change), in no particular order."""
        count = 0
        for root in self._roots:
            for folder, folders, files in os.walk(root):
                folders[:] = [name for name in folders if not name.startswith(".")]
                for name in files:
                    path = Path(folder, name)
                    count += 1
                    if count > _MOST_FILES:
                        return
                    if path.suffix.lower() not in _SUFFIXES or name.startswith(".") or path.is_symlink():
                        continue
                    try:
                        yield path.relative_to(root).as_posix(), path.stat().st_mtime
                    except OSError:
                        continue


def _checked(folder: Path) -> Path:
    try:
        found = folder.expanduser().resolve(strict=True)
    except (OSError, RuntimeError) as error:
        raise InputError(f"--images: there is no folder {folder}.") from error
    if not found.is_dir() or not os.access(found, os.R_OK | os.X_OK):
        raise InputError(f"--images: {folder} is no folder that can be read.")
    return found


def _plain(path: str) -> str:
    if len(path) > _LONGEST or "\0" in path:
        raise InputError("The path is too long, or holds a null character.", code="invalid_image")
    if not path.lower().startswith("file:"):
        return path
    parts = urlsplit(path)
    if parts.netloc not in {"", "localhost"}:
        raise InputError(f"The file URI names another machine: {_shown(parts.netloc)}.", code="invalid_image")
    name = unquote(parts.path)
    return name[1:] if os.name == "nt" and name[2:3] == ":" else name


def _read_file(path: Path, limits: ImageLimits) -> bytes | None:
    """Returns a regular file's bytes, or None where there is none."""
    try:
        # Not through a link that was laid since the path was resolved, and without waiting for a pipe's writer.
        number = os.open(path, os.O_RDONLY | getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_NONBLOCK", 0))
    except OSError:
        return None
    try:
        if not stat.S_ISREG(os.fstat(number).st_mode):
            return None
        with os.fdopen(number, "rb", closefd=False) as file:
            data = file.read(limits.max_bytes + 1)
    finally:
        os.close(number)
    if len(data) > limits.max_bytes:
        raise InputError(
            f"The file is too large; at most {limits.max_bytes} bytes are accepted.", code="image_too_large"
        )
    return data


def _shown(text: str) -> str:
    return repr(text if len(text) <= 100 else text[:99] + "…")
