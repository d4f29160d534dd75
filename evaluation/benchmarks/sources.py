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
from interleavethinker.tools.files import USER_TEXT, refuse_pipe
from interleavethinker.tools.images.store import ImageStore
from interleavethinker.tools.structured_text import parse_json

from .benchmark import DataRow

__all__ = ["FileSource", "open_source"]

_RECORDS = (".json", ".jsonl", ".parquet")
_ARCHIVES = (".zip", ".tar", ".gz", ".tgz", ".7z", ".rar")
_OTHER_SPLITS = ("train", "dev", "val")
"""How the names of files with other parts of a data set begin."""
_IMAGES = (".png", ".jpg", ".jpeg", ".webp")
_PER_ITEM = "results.json"
"""Name of a record that has a folder of its own."""


class FileSource:
    """Records and images in a folder, or in one file; see `AnswerFiles`.

    Args:
        path: The folder or file.
        scratch: Where images inside Parquet files are unpacked.
        split: The part of the data set that is read, if the files' names begin with the names of parts.
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
            if not self._rows:
                self._check_archives()
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
        # Published scripts resolve the paths of their own outputs from the folder where they were started.
        for folder in (*folders, self._folder, Path()):
            found = _readable(folder / given)
            if found is not None:
                return found
        return None

    def _files(self) -> list[Path]:
        files = self._found_files()
        for file in files:
            refuse_pipe(file)
        return files

    def _found_files(self) -> list[Path]:
        if _is_file(self.path):
            return [self.path]
        for folder in (self.path, self.path / "data"):
            found = sorted(path for path in folder.glob("*") if path.suffix in _RECORDS and _is_file(path))
            if found:
                return self._of_split(found)
        return sorted(path for path in self.path.glob(f"*/{_PER_ITEM}") if _is_file(path))

    def _of_split(self, files: list[Path]) -> list[Path]:
        if not any(path.name.startswith(self._split) for path in files):
            return files
        return [path for path in files if not path.name.startswith(_OTHER_SPLITS)]

    def _check_archives(self) -> None:
        """Raises an error if there are archives, which are not unpacked, in place of records."""
        packed = sorted(path.name for path in self._folder.glob("*") if path.suffix.lower() in _ARCHIVES)
        if packed and self.path.is_dir():
            raise InputError(f"{self.path} has no records, but archives: {', '.join(packed[:5])}. Unpack them first.")

    def _read(self, file: Path) -> Iterator[DataRow]:
        name = file.parent.name if file.name == _PER_ITEM else file.stem
        try:
            for record in self._records(file):
                if not isinstance(record, dict):
                    raise InputError(f"{file} must have objects as records; found {type(record).__name__}.")
                yield DataRow(record, file.parent, name)
        except RecursionError:
            raise InputError(f"{file} cannot be read: its values are nested too deeply.") from None
        except UnicodeDecodeError as error:
            raise InputError(f"{file} is not UTF-8: byte {error.start + 1} is invalid.") from error
        except ValueError as error:
            kind = "Parquet" if file.suffix == ".parquet" else "JSON"
            raise InputError(f"{file} is not valid {kind}: {error}.") from error
        except OSError as error:
            raise InputError(f"{file} cannot be read: {error.strerror or error}.") from error

    def _records(self, file: Path) -> Iterator[JsonValue]:
        if file.suffix == ".parquet":
            yield from self._parquet(file)
        elif file.suffix == ".jsonl":
            yield from _json_values(file)
        else:
            value = parse_json(file.read_text(encoding=USER_TEXT))
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
        from pyarrow import ArrowException

        try:
            for batch in parquet.ParquetFile(file).iter_batches(batch_size=64):
                for record in batch.to_pylist():
                    yield {name: self._plain(value) for name, value in record.items()}
        except ArrowException as error:
            raise InputError(f"{file} is not a valid Parquet file: {error}. Download it again.") from error

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


def _json_values(file: Path) -> Iterator[JsonValue]:
    """Reads JSON Lines; a file that has whole values over several lines too, as some published answers do."""
    with file.open(encoding=USER_TEXT) as lines:
        for number, line in enumerate(lines):
            if not line.strip():
                continue
            try:
                yield parse_json(line)
            except ValueError as error:
                if number == 0:
                    break
                raise InputError(f"{file} is not valid JSON in line {number + 1}: {error}.") from error
        else:
            return
    text, start, decoder = file.read_text(encoding=USER_TEXT).strip(), 0, json.JSONDecoder()
    while start < len(text):
        value, end = decoder.raw_decode(text, start)
        yield value
        start = end
        while start < len(text) and text[start].isspace():
            start += 1


def _is_file(path: Path) -> bool:
    """Whether a path is a file, or a pipe, which is refused instead of being passed over."""
    return path.is_file() or path.is_fifo()


def _readable(path: Path) -> ImageFile | None:
    """Returns an image file, if it exists and begins like an image.

    Raises:
        InputError: It is a named pipe.
    """
    from PIL import Image, UnidentifiedImageError

    refuse_pipe(path)
    try:
        with Image.open(path) as opened:
            opened.verify()  # Finds a PNG that was cut off, without decoding it.
    except (OSError, SyntaxError, UnidentifiedImageError, ValueError, Image.DecompressionBombError):
        return None
    return ImageFile(path)
