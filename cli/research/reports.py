"""The files of a report: written in one place, and never over somebody else's.

A report's JSON file vouches for the files beside it, because SVG, Markdown and pictures have no mark of their own. It
is therefore written first.
"""

import json
from collections.abc import Iterable, Mapping, Set
from pathlib import Path

from interleavethinker.tools.errors import InputError, StoreError
from interleavethinker.tools.files import atomic_write
from interleavethinker.tools.structured_text import parse_json

__all__ = ["as_text", "check_reports", "write_texts"]


def as_text(report: object) -> str:
    """Returns a report as the text of a JSON file."""
    return json.dumps(report, indent=2) + "\n"


def check_reports(out: Path, record: str, keys: Set[str], others: Iterable[str]) -> None:
    """Refuses a folder in which a report would replace files that no report wrote; called before the work begins.

    Args:
        out: The folder, which need not exist.
        record: Name of the report's JSON file.
        keys: Some keys of that file, by which a report is recognised.
        others: Names of the files beside it.

    Raises:
        InputError: There is such a file.
    """
    path = out / record
    try:
        found = parse_json(path.read_text(encoding="utf-8")) if path.is_file() else None
    except (OSError, ValueError):
        found = None
    if isinstance(found, dict) and keys <= found.keys():
        return
    for name in (record, *others):
        if (out / name).is_file():
            raise InputError(
                f"{out / name} is a file that no report wrote, and would be replaced. Choose another folder with "
                "--out, or move the file away."
            )


def write_texts(out: Path, texts: Mapping[str, str]) -> None:
    """Writes files of a report, in the given order.

    Raises:
        StoreError: The folder cannot be written.
    """
    try:
        for name, text in texts.items():
            atomic_write(out / name, text.encode("utf-8", "replace"))
    except OSError as error:
        raise StoreError(f"Cannot write the report to {out}: {error.strerror}.") from error
