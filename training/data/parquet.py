"""Exports rows as Parquet files with their images inside, as Hugging Face data sets and Ray Data read them.

One folder for each kind of row, one set of shards for each split, and a card (`README.md`) that names them, so that
`datasets.load_dataset(FOLDER, KIND)` works and the folder can be uploaded as it is. Columns are plain values, images
(encoded, in the order in which the row names them), and `row`, the whole row as JSON in the schema of `schema`.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from interleavethinker.tools.errors import InputError, StoreError
from interleavethinker.tools.images.store import ImageStore
from interleavethinker.training.environment import require_train_extra

from .folder import DataFolder, RowFile
from .schema import CriticRow, PlannerRow, PromptRow, Row, SequenceRow, TrajectoryRow
from .summary import StageSummary

__all__ = ["KINDS", "export_parquet"]

KINDS = ("prompts", "trajectories", "scored", "critic_sft", "critic_rl", "critic_test", "planner", "sequences")
"""The files of a data folder that can be exported, by name."""
_SHARD_BYTES = 400_000_000
"""Of images: the size that Hugging Face recommends, and what the export holds in memory for each split."""


def export_parquet(
    folder: DataFolder, target: Path, kinds: Sequence[str] = KINDS, shard_bytes: int = _SHARD_BYTES
) -> StageSummary:
    """Writes the rows of the named kinds that exist.

    Rows are read and written one shard at a time, so memory does not grow with the data set.

    Args:
        folder: The data set.
        target: A new or empty folder.
        kinds: Which rows.
        shard_bytes: Size at which a file is full.

    Raises:
        InputError: The target has files already, or a kind is unknown.
    """
    require_train_extra("datasets", "pyarrow")
    if unknown := [kind for kind in kinds if kind not in KINDS]:
        raise InputError(f"There are no rows called {', '.join(unknown)}. Choose from: {', '.join(KINDS)}.")
    if target.exists() and any(target.iterdir()):
        raise InputError(f"{target} is not empty. Name a new folder.")
    with folder.stage(folder.prompts):
        summary, shards = StageSummary("parquet"), {}
        for kind in kinds:
            file: RowFile[Any] = getattr(folder, kind)
            counts = _export(folder, file, target / kind, shard_bytes, summary)
            if counts:
                shards[kind] = counts
            for split, count in counts.items():
                summary.keep(f"{kind}, {split}", count)
        target.mkdir(parents=True, exist_ok=True)
        (target / "README.md").write_text(_card(shards), encoding="utf-8")
        return summary


def _export(
    folder: DataFolder, file: RowFile[Any], target: Path, shard_bytes: int, summary: StageSummary
) -> Counter[str]:
    counts: Counter[str] = Counter()
    waiting: dict[str, list[dict[str, Any]]] = {}
    numbers: Counter[str] = Counter()
    sizes: Counter[str] = Counter()

    def write(split: str) -> None:
        import pyarrow as pa
        import pyarrow.parquet as pq

        rows = waiting.pop(split)
        target.mkdir(parents=True, exist_ok=True)
        table = pa.Table.from_pylist(rows, schema=_arrow_schema(rows[0]))
        pq.write_table(table, target / f"{split}-{numbers[split]:05d}.parquet", compression="zstd")
        numbers[split] += 1
        sizes[split] = 0
        counts[split] += len(rows)

    for row in folder.rows(file, summary):
        try:
            columns = _columns(row, folder.store)
        except StoreError as error:
            folder.set_aside(row.id, str(error))
            summary.drop("rows with an unusable image, listed in quarantine.jsonl")
            continue
        split = getattr(row, "split", "train")
        waiting.setdefault(split, []).append(columns)
        sizes[split] += sum(len(image["bytes"]) for image in columns["images"])
        if sizes[split] >= shard_bytes:
            write(split)
    for split in list(waiting):
        write(split)
    return counts


def _columns(row: Row, store: ImageStore) -> dict[str, Any]:
    plain = row.model_dump(mode="json", by_alias=True)
    columns: dict[str, Any] = {
        key: value for key, value in plain.items() if isinstance(value, str | int | float | bool) and key != "schema"
    }
    match row:
        case CriticRow(case=case, answer=answer, strategy=strategy):
            columns |= {"original_prompt": case.original_prompt, "prompt": case.prompt, "strategy": strategy or ""}
            columns |= {"refined_prompt": answer.refined_prompt, "reasoning": answer.reasoning}
        case PromptRow(request=request) | PlannerRow(request=request) | SequenceRow(request=request):
            columns["text"] = request.text
    columns["images"] = [{"bytes": store.get(name), "path": f"{name}.png"} for name in _image_names(row)]
    return columns | {"row": json.dumps(plain, ensure_ascii=False)}


def _image_names(row: Row) -> Iterator[str]:
    match row:
        case CriticRow(case=case):
            yield from (name for name in (case.source, case.image) if name is not None)
        case TrajectoryRow(attempts=attempts):
            yield from (attempt.image for attempt in attempts if attempt.image is not None)
        case SequenceRow(request=request, parts=parts):
            yield from request.images
            yield from (part.sha256 for part in parts if part.kind == "image")
        case PromptRow(request=request) | PlannerRow(request=request):
            yield from request.images


def _arrow_schema(columns: dict[str, Any]) -> Any:
    """Returns the Arrow schema, with the metadata by which `datasets` decodes the images."""
    import datasets
    import pyarrow as pa

    kinds = {str: "string", bool: "bool", int: "int64", float: "float64"}
    features = datasets.Features(
        {
            name: datasets.List(datasets.Image()) if name == "images" else datasets.Value(kinds[type(value)])
            for name, value in columns.items()
        }
    )
    schema: pa.Schema = features.arrow_schema
    return schema


def _card(shards: dict[str, Counter[str]]) -> str:
    lines = ["---", "configs:"]
    for kind, counts in shards.items():
        lines += [f"- config_name: {kind}", "  data_files:"]
        for split in counts:
            lines += [f"  - split: {split}", f'    path: "{kind}/{split}-*.parquet"']
    lines += ["---", "", "# Interleaved image generation: requests, trajectories and training rows", ""]
    lines += ["| rows | split | number |", "| --- | --- | --- |"]
    lines += [f"| {kind} | {split} | {count} |" for kind, counts in shards.items() for split, count in counts.items()]
    lines += [
        "",
        "`images` holds a row's images in the order in which `row`, the whole row as JSON, names them.",
        "Scores are 0 to 10. Made with `interleavethinker data`.",
        "",
    ]
    return "\n".join(lines)
