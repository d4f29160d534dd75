"""Stage 1 from CoMM: sequences of texts and images become requests for the planner.

CoMM (Chen et al., arXiv 2406.10462) publishes `.pth` files, each a list of records: `data_id`, `title`, `dataset_type`,
and `step_info`, a list of steps, each a list of `{"type": "text", "content": …}` and
`{"type": "image", "image_path": …}`. Its own script downloads the images. Every sequence gives up to two rows:

- *texts*: all images, and the texts of the steps as the plan to learn;
- *continue*: the sequence up to a step, without a plan: CoMM has no prompts for image generators, so the profile that
  runs the request plans the rest.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import BaseModel, Discriminator, ValidationError

from interleavethinker.graph.workspace.images import add_image
from interleavethinker.tools.errors import InputError, StoreError
from interleavethinker.tools.files import USER_TEXT
from interleavethinker.tools.types import ImagePart, Part, Plan, Request, Step, TextPart
from interleavethinker.training.environment import require_train_extra

from .folder import DataFolder
from .planner import CONTINUE
from .schema import PromptRow
from .summary import StageSummary

__all__ = ["import_comm", "read_comm"]

_WRITE_TEXTS = "Write the text of each step for these images."


class _Text(BaseModel):
    type: Literal["text"]
    content: str


class _Image(BaseModel):
    type: Literal["image"]
    image_path: str


class _Record(BaseModel):
    data_id: str
    title: str | None = None
    dataset_type: str = ""
    step_info: list[list[Annotated[_Text | _Image, Discriminator("type")]]]


@dataclass(frozen=True)
class _Step:
    text: str
    images: tuple[str, ...]
    """Names in the store."""


def read_comm(source: Path) -> Iterator[tuple[str, object]]:
    """Yields each record as a place to name in messages and its raw content.

    Args:
        source: A `.pth` file as published, read without running code from it, or the same records as JSON lines.

    Raises:
        InputError: The file cannot be read.
    """
    if source.suffix == ".pth":
        require_train_extra("torch")
        import pickle

        import torch

        try:
            records = torch.load(source, weights_only=True)
        except (OSError, RuntimeError, EOFError, pickle.UnpicklingError) as error:
            raise InputError(f"{source} cannot be read: {error}") from error
        if not isinstance(records, Sequence):
            raise InputError(f"{source} holds no list of records.")
        yield from ((f"record {number} of {source.name}", record) for number, record in enumerate(records, 1))
        return
    try:
        with source.open(encoding=USER_TEXT) as file:
            for number, line in enumerate(file, 1):
                try:
                    content: object = json.loads(line)
                except (ValueError, RecursionError):
                    content = None  # Refused as a record, with its place.
                yield f"line {number} of {source.name}", content
    except (OSError, UnicodeDecodeError) as error:
        raise InputError(f"{source} cannot be read: {error}. Name a .pth file of CoMM, or JSON lines.") from error


def import_comm(
    folder: DataFolder, records: Iterator[tuple[str, object]], images: Path, *, split: str = "train", seed: int = 0
) -> StageSummary:
    """Writes the rows of every sequence that are not there yet.

    Args:
        folder: The data set.
        records: What `read_comm` yields.
        images: The folder that image paths start from.
        split: The split of all rows.
        seed: Seed of the steps at which sequences are cut.

    Records that cannot be used are dropped and listed in the quarantine.
    """
    with folder.stage():
        summary = StageSummary("import")
        known = {row.id for row in folder.rows(folder.prompts, summary)}
        for place, content in records:
            try:
                rows = _rows(folder, _Record.model_validate(content), images, split, seed)
            except ValidationError:
                folder.set_aside(place, "not a record of CoMM: it needs data_id and step_info")
                summary.drop("unusable records, listed in quarantine.jsonl")
                continue
            except (InputError, StoreError) as error:
                folder.set_aside(place, str(error))
                summary.drop("unusable records, listed in quarantine.jsonl")
                continue
            if not rows:
                summary.drop("sequences without an image, or with a single step")
            for row in rows:
                if row.id in known:
                    summary.keep("already present")
                    continue
                known.add(row.id)
                folder.prompts.append([row])
                summary.keep("texts for images" if row.plan else "sequences to continue")
        return summary


def _rows(folder: DataFolder, record: _Record, images: Path, split: str, seed: int) -> list[PromptRow]:
    steps = [_step(folder, step, images) for step in record.step_info]
    steps = [step for step in steps if step.text or step.images]
    shared: dict[str, Any] = {"family": f"CoMM, {record.dataset_type or 'other'}", "template": 0, "split": split}
    title = [TextPart(text=record.title.strip())] if record.title and record.title.strip() else []
    rows = []
    if steps and all(step.text and step.images for step in steps):
        shown = [ImagePart(sha256=name) for step in steps for name in step.images]
        plan = Plan(steps=tuple(Step(auxiliary_text=step.text) for step in steps))
        request = Request(parts=(*title, *shown, TextPart(text=_WRITE_TEXTS)))
        rows.append(PromptRow(id=f"comm-{record.data_id}.texts", request=request, plan=plan, **shared))
    if len(steps) > 1:
        digest = hashlib.sha256(f"{seed}/{record.data_id}".encode()).digest()
        at = 1 + digest[0] % (len(steps) - 1)
        parts: list[Part] = [*title]
        for step in steps[:at]:
            parts += [TextPart(text=step.text)] if step.text else []
            parts += [ImagePart(sha256=name) for name in step.images]
        if any(step.images for step in steps[:at]):
            request = Request(parts=(*parts, TextPart(text=CONTINUE)))
            rows.append(PromptRow(id=f"comm-{record.data_id}.continue{at}", request=request, **shared))
    return rows


def _step(folder: DataFolder, contents: Sequence[_Text | _Image], images: Path) -> _Step:
    texts = [" ".join(one.content.split()) for one in contents if isinstance(one, _Text)]
    names = []
    for one in contents:
        if isinstance(one, _Image):
            path = (images / one.image_path).resolve()
            if not path.is_relative_to(images.resolve()):
                raise InputError(f"The image {one.image_path} lies outside {images}.")
            names.append(add_image(folder.store, path))
    return _Step(" ".join(text for text in texts if text), tuple(names))
