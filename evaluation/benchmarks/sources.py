"""Reads benchmark data and somebody's answers from a folder, a file, or a data set of the Hugging Face Hub.

Knows file formats (JSON, JSON Lines, Parquet), not what a record means. Nothing is written, except the images that
Parquet files contain, which are unpacked into a folder of the run.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from pydantic import JsonValue

from interleavethinker.evaluation.judges.questions import ImageFile
from interleavethinker.tools.errors import InputError
from interleavethinker.tools.images.store import ImageStore

from .benchmark import DataRow

__all__ = ["FileSource", "open_source"]

_RECORDS = (".json", ".jsonl", ".parquet")
_IMAGES = (".png", ".jpg", ".jpeg", ".webp")
_PER_ITEM = "results.json"
"""Name of a record that has a folder of its own."""


class FileSource:
    """Records and images in a folder, or in one file; see `AnswerFiles`.

    Args:
        path: The folder or file.
        scratch: Where images inside Parquet files are unpacked.
        split: The part of the data set whose Parquet files are read, if their names tell.
    """

    def __init__(self, path: Path, scratch: Path, split: str = "test") -> None:
        self.path = path
        self._folder = path if path.is_dir() else path.parent
        self._scratch = ImageStore(scratch)
        self._split = split
        self._rows: list[DataRow] | None = None

    def rows(self) -> Sequence[DataRow]:
        """Returns all records, in the order of the files' names; read once.

        Raises:
            InputError: A file is malformed, or there is none.
        """
        if self._rows is None:
            self._rows = [row for file in self._files() for row in self._read(file)]
        return self._rows

    @property
    def digest(self) -> str:
        """A hash of all record files."""
        digest = hashlib.sha256()
        for file in self._files():
            digest.update(file.name.encode() + file.read_bytes())
        return digest.hexdigest()[:16]

    def image(self, *names: str) -> ImageFile | None:
        """See `AnswerFiles.image`."""
        for name in names:
            path = self._folder / name
            endings = ("",) if path.suffix.lower() in _IMAGES else _IMAGES
            for ending in endings:
                found = _readable(path.with_name(path.name + ending))
                if found is not None:
                    return found
        return None

    def resolve(self, path: str, *folders: Path) -> ImageFile | None:
        """See `AnswerFiles.resolve`."""
        given = Path(path)
        if given.is_absolute():
            return _readable(given)
        for folder in (*folders, self._folder):
            found = _readable(folder / given)
            if found is not None:
                return found
        return None

    def _files(self) -> list[Path]:
        if self.path.is_file():
            return [self.path]
        for folder in (self.path, self.path / "data"):
            found = sorted(path for path in folder.glob("*") if path.suffix in _RECORDS and path.is_file())
            if found:
                return self._of_split(found)
        return sorted(self.path.glob(f"*/{_PER_ITEM}"))

    def _of_split(self, files: list[Path]) -> list[Path]:
        named = [path for path in files if path.suffix == ".parquet" and path.name.startswith(self._split)]
        return named or files

    def _read(self, file: Path) -> Iterator[DataRow]:
        name = file.parent.name if file.name == _PER_ITEM else file.stem
        try:
            for record in self._records(file):
                if not isinstance(record, dict):
                    raise InputError(f"{file} must have objects as records; found {type(record).__name__}.")
                yield DataRow(record, file.parent, name)
        except UnicodeDecodeError as error:
            raise InputError(f"{file} is not UTF-8: byte {error.start + 1} is invalid.") from error
        except json.JSONDecodeError as error:
            raise InputError(f"{file} is not valid JSON: {error}.") from error
        except OSError as error:
            raise InputError(f"{file} cannot be read: {error.strerror}.") from error

    def _records(self, file: Path) -> Iterator[JsonValue]:
        if file.suffix == ".parquet":
            yield from self._parquet(file)
        elif file.suffix == ".jsonl":
            with file.open(encoding="utf-8") as lines:
                yield from (json.loads(line) for line in lines if line.strip())
        else:
            value = json.loads(file.read_text(encoding="utf-8"))
            yield from value if isinstance(value, list) else [value]

    def _parquet(self, file: Path) -> Iterator[dict[str, Any]]:
        try:
            from pyarrow import parquet
        except ImportError as error:
            raise InputError(
                f"{file.name} is a Parquet file, which needs pyarrow. Install the extra `train`, or save the data as "
                "JSON.",
                code="missing_extra",
            ) from error
        for batch in parquet.ParquetFile(file).iter_batches(batch_size=64):
            for record in batch.to_pylist():
                yield {name: self._plain(value) for name, value in record.items()}

    def _plain(self, value: Any) -> JsonValue:
        """Returns a value as JSON; an image becomes the path of its unpacked file."""
        if isinstance(value, dict) and isinstance(value.get("bytes"), bytes):
            return str(self._scratch.path(self._scratch.put(value["bytes"])).absolute())
        if isinstance(value, dict):
            return {key: self._plain(inner) for key, inner in value.items()}
        if isinstance(value, list):
            return [self._plain(inner) for inner in value]
        return value if isinstance(value, str | int | float | bool) or value is None else str(value)


def open_source(name: str, scratch: Path) -> FileSource:
    """Opens a folder, a file, or a data set of the Hugging Face Hub, which is downloaded once.

    Args:
        name: A path, or `owner/name` of a data set.
        scratch: Where images inside Parquet files are unpacked.

    Raises:
        InputError: There is no such folder, file or data set.
    """
    path = Path(name).expanduser()
    if path.exists():
        return FileSource(path, scratch)
    if name.count("/") != 1 or name.startswith((".", "~", "/")):
        raise InputError(
            f"There is no folder or file {name}. Give the benchmark's data, or OWNER/NAME on Hugging Face."
        )
    try:
        from huggingface_hub import snapshot_download
        from huggingface_hub.errors import HfHubHTTPError, HFValidationError, LocalEntryNotFoundError
    except ImportError as error:
        raise InputError(
            f"There is no folder {name}, and downloading a data set of that name needs huggingface_hub. Install the "
            "extra `local`, or download the data yourself.",
            code="missing_extra",
        ) from error
    try:
        return FileSource(Path(snapshot_download(name, repo_type="dataset")), scratch)
    except (HfHubHTTPError, HFValidationError, LocalEntryNotFoundError, OSError) as error:
        reason = str(error).splitlines()[0] if str(error) else type(error).__name__
        raise InputError(
            f"There is no folder {name}, and no data set of that name can be downloaded: {reason}"
        ) from error


def _readable(path: Path) -> ImageFile | None:
    """Returns an image file, if it exists and begins like an image."""
    from PIL import Image, UnidentifiedImageError

    try:
        with Image.open(path) as opened:
            opened.verify()  # Finds a PNG that was cut off, without decoding it.
    except (OSError, SyntaxError, UnidentifiedImageError, ValueError, Image.DecompressionBombError):
        return None
    return ImageFile(path)
