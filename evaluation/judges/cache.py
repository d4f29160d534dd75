"""Every answer that a judge's model ever gave, by question, in a file that survives a killed process.

An answer is on disk before anything is read from it, unusable ones too: whatever was paid for is never asked again.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from pydantic import BaseModel, ConfigDict

from interleavethinker.tools.files import LineFile, require_room

__all__ = ["CachedAnswer", "JudgeCache", "absorb"]

_REMEDY = "Remove the line; only its question is asked again."
_ROOM_BYTES = 4 * 1024 * 1024
"""What answers of calls at the same time may take together."""


class CachedAnswer(BaseModel):
    """One answer of a model."""

    model_config = ConfigDict(frozen=True)

    text: str
    complete: bool = True
    """False if a limit of tokens cut it off."""
    input_tokens: int = 0
    """As the provider counted them; 0 if it did not."""
    output_tokens: int = 0


class _Line(CachedAnswer):
    key: str


class JudgeCache:
    """The answers, in memory and in a file.

    Args:
        path: The JSON-lines file; None keeps the answers in memory only.
        shared: Further files whose answers are known; nothing is written to them.

    Raises:
        StoreError: The file cannot be read.
    """

    def __init__(self, path: Path | None = None, shared: Sequence[Path] = ()) -> None:
        self._lines = None if path is None else LineFile(path, remedy=_REMEDY)
        self._known: dict[str, tuple[CachedAnswer, ...]] = {}
        others = [LineFile(other, remedy=_REMEDY) for other in shared]
        for file in (*others, *([] if self._lines is None else [self._lines])):
            for entry in file.parsed(_Line.model_validate_json):
                self._remember(entry.key, CachedAnswer.model_construct(**entry.model_dump(exclude={"key"})))

    def __len__(self) -> int:
        """The number of questions that have an answer."""
        return len(self._known)

    def answers(self, key: str) -> Sequence[CachedAnswer]:
        """Returns the answers to a question, in the order in which they were given."""
        return self._known.get(key, ())

    def require_room(self) -> None:
        """Checks that the disk has room for an answer, before a model is asked for it.

        Raises:
            StoreError: The disk is almost full (`disk_full`).
        """
        if self._lines is not None:
            require_room(self._lines.path.parent, _ROOM_BYTES, "the judge's next answer", "The judge was not asked")

    def add(self, key: str, answer: CachedAnswer) -> None:
        """Saves an answer.

        Raises:
            StoreError: The file cannot be written.
        """
        if self._lines is not None:
            self._lines.append([_Line(key=key, **answer.model_dump()).model_dump_json(exclude_defaults=True)])
        self._remember(key, answer)

    def _remember(self, key: str, answer: CachedAnswer) -> None:
        self._known[key] = (*self._known.get(key, ()), answer)


def absorb(path: Path, others: Sequence[Path]) -> None:
    """Moves the answers of other files, which workers wrote, to the end of one; no process may write to them.

    A kill in the middle loses and doubles none.

    Raises:
        StoreError: A file cannot be read or written.
    """
    if not others:
        return
    known = set(LineFile(path))
    for other in others:
        LineFile(path).append(line for line in LineFile(other) if line not in known)
        other.unlink()
