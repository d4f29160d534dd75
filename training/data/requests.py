"""Stage 1 for requests of one's own: reads them from a file or a Hugging Face data set.

A request is a text, with images before it or at its `<image>` marks. It brings no plan and no references: the profile
that runs it plans, and a chat model judges its images.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

from pydantic import BaseModel, ConfigDict, ValidationError

from interleavethinker.graph.workspace.images import add_image
from interleavethinker.tools.errors import InputError, StoreError
from interleavethinker.tools.files import USER_TEXT
from interleavethinker.tools.request_parsing import as_request, place_images
from interleavethinker.tools.stable_json import stable_json
from interleavethinker.training.environment import require_train_extra

from .folder import DataFolder
from .schema import PromptRow
from .summary import StageSummary

__all__ = ["HELD_OUT", "add_requests", "read_requests"]

HELD_OUT = "test"
"""The split of the requests that are kept from training."""
_TAKEN = (
    "The id {!r} is that of another request in this data set, and rows are never changed in place: what was made from "
    "them would no longer fit. Give this request another id, or begin another folder."
)

_DATA_SET = re.compile(r"\w[\w.-]*(/\w[\w.-]*)?")
"""Names on the Hugging Face hub: `name`, or `owner/name`."""
_FILES = {".csv", ".json", ".jsonl", ".parquet", ".text", ".tsv", ".txt"}


class _Line(BaseModel):
    model_config = ConfigDict(extra="ignore")

    text: str
    images: tuple[Any, ...] = ()
    family: str = ""
    template: int = 0
    id: str = ""


def read_requests(source: str, column: str = "text", split: str = "train") -> Iterator[tuple[str, object]]:
    """Returns an iterator of requests: each a place to name in messages, and its raw content.

    Args:
        source: A file of JSON lines (`.jsonl`), one of plain lines (any other name that exists as a file), or the name
            or folder of a Hugging Face data set.
        column: The field with the text.
        split: Split of the Hugging Face data set.

    Raises:
        InputError: The source cannot be read.
    """
    path = Path(source)
    if path.is_file():
        return _lines(path, column)
    if not path.exists() and (path.suffix.lower() in _FILES or not _DATA_SET.fullmatch(source)):
        raise InputError(f"There is no file {source}.")  # Hugging Face would be asked for it, for half a minute.
    require_train_extra("datasets")
    return _hub_rows(source, column, split)


def _hub_rows(source: str, column: str, split: str) -> Iterator[tuple[str, object]]:
    import datasets

    try:
        rows = datasets.load_dataset(source, split=split, streaming=True)
        names = rows.column_names or ()
        if names and column not in names:
            raise InputError(f"{source} has no column {column!r}; it has {', '.join(names)}. Name one with --column.")
        for number, row in enumerate(rows, 1):
            yield f"row {number}", {**row, "text": row.get(column)}
    except (OSError, ValueError, datasets.exceptions.DatasetsError) as error:
        raise InputError(
            f"{source} is neither a file nor a Hugging Face data set that can be read: {_first_line(error)}"
        ) from error


def add_requests(
    folder: DataFolder, requests: Iterable[tuple[str, object]], *, base: Path, held_out: int = 0
) -> StageSummary:
    """Writes a row for every request that is not there yet.

    Args:
        folder: The data set.
        requests: Places and contents: a text, or a mapping with `text` and perhaps `images`, `family`, `id`.
        base: Folder that relative paths of images start from.
        held_out: Number of new requests for the split `test`, chosen by a hash of their ids.

    Requests that cannot be used are dropped and listed in the quarantine.

    Raises:
        InputError: All requests of a new data set would be held out.
    """
    with folder.stage():
        summary = StageSummary("prompts")
        known = {row.id: row for row in folder.rows(folder.prompts, summary)}
        rows: dict[str, PromptRow] = {}
        present: set[str] = set()
        for place, content in requests:
            try:
                row = _row(folder, content, base)
            except (InputError, StoreError) as error:
                folder.set_aside(place, str(error))
                summary.drop("unusable requests, listed in quarantine.jsonl")
                continue
            same = known.get(row.id) or rows.get(row.id)
            if same is not None and same.request != row.request:
                folder.set_aside(place, _TAKEN.format(row.id))
                summary.drop("unusable requests, listed in quarantine.jsonl")
            elif row.id in rows or row.id in present:
                summary.drop("the same request twice")
            elif row.id in known:
                present.add(row.id)
                summary.keep("already present")
            else:
                rows[row.id] = row
        if 0 < len(rows) <= held_out and not known:
            raise InputError(
                f"All {len(rows)} requests would be held out for the split {HELD_OUT}. Hold out fewer (--held-out)."
            )
        kept_from_training = sorted(rows, key=lambda name: hashlib.sha256(name.encode()).digest())[:held_out]
        for name in kept_from_training:
            rows[name] = rows[name].model_copy(update={"split": HELD_OUT})
        folder.prompts.append(rows.values())
        for row in rows.values():
            summary.keep(f"{row.split}, {row.family}" if row.family else row.split)
        return summary


def _lines(path: Path, column: str) -> Iterator[tuple[str, object]]:
    try:
        with path.open(encoding=USER_TEXT) as file:
            for number, line in enumerate(file, 1):
                if not line.strip():
                    continue
                place = f"line {number} of {path.name}"
                if path.suffix != ".jsonl":
                    yield place, line.strip()
                    continue
                try:
                    content = json.loads(line)
                except (ValueError, RecursionError):
                    content = None  # Refused as a request, with its place.
                yield place, {**content, "text": content.get(column)} if isinstance(content, Mapping) else content
    except (OSError, UnicodeDecodeError) as error:
        raise InputError(f"Cannot read {path}: {_first_line(error)}. It must be UTF-8 text.") from error


def _row(folder: DataFolder, content: object, base: Path) -> PromptRow:
    if isinstance(content, str):
        content = {"text": content}
    try:
        line = _Line.model_validate(content)
    except ValidationError as error:
        raise InputError("Not a request: it needs a field with a text; images, family and id are optional.") from error
    images = [_image(folder, image, base) for image in line.images]
    request = as_request(place_images(line.text, images))
    name = line.id or hashlib.sha256(stable_json(request).encode()).hexdigest()[:16]
    return PromptRow(id=name, family=line.family, template=line.template, split="train", request=request)


def _image(folder: DataFolder, image: object, base: Path) -> str:
    if isinstance(image, Mapping):  # An undecoded image feature of a Hugging Face data set.
        image = image.get("bytes") or image.get("path")
    if isinstance(image, str):
        return add_image(folder.store, base / image)
    if isinstance(image, bytes):
        return add_image(folder.store, image)
    if hasattr(image, "convert"):  # A decoded one.
        from interleavethinker.tools.images.png import encode_png

        return folder.store.put(encode_png(image.convert("RGB")))
    raise InputError(f"Not an image: {type(image).__name__}. Give a path, or encoded bytes.")


def _first_line(error: Exception) -> str:
    return (str(error).strip() or type(error).__name__).splitlines()[0]
