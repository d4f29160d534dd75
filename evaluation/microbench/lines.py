"""Lines in a file that only grows: what a killed writer left half written is cut off, everything before it is kept."""

from __future__ import annotations

from pathlib import Path

from interleavethinker.tools.errors import StoreError

__all__ = ["Lines"]


class Lines:
    """The file.

    Args:
        path: Where it lies; made with its folder at the first line.
    """

    def __init__(self, path: Path) -> None:
        self._path = path

    def read(self) -> list[str]:
        """All whole lines. A torn last one is removed from the file, so that the next line does not join it.

        Raises:
            StoreError: The file cannot be read.
        """
        try:
            data = self._path.read_bytes() if self._path.exists() else b""
            whole = data[: data.rfind(b"\n") + 1]
            if len(whole) < len(data):
                with self._path.open("r+b") as file:
                    file.truncate(len(whole))
        except OSError as error:
            raise StoreError(f"{self._path.name} must be a readable file: {error.strerror}.") from error
        # Not splitlines, which also splits at breaks that JSON leaves as they are.
        return whole.decode("utf-8").split("\n")[:-1]

    def append(self, line: str) -> None:
        """Adds a line, which must hold no line break.

        Raises:
            StoreError: The file cannot be written.
        """
        try:
            self._path.parent.mkdir(parents=True, exist_ok=True)
            with self._path.open("a", encoding="utf-8", newline="\n") as file:
                file.write(f"{line}\n")
        except OSError as error:
            raise StoreError(f"{self._path.name} must be a file that can be written: {error.strerror}.") from error
