"""How measurements report their progress: by stage, with the finished and the total number of items."""

from typing import Protocol

__all__ = ["StageProgress", "ignore_progress"]


class StageProgress(Protocol):
    """Called whenever some items of a stage are finished; how it is displayed is up to the caller."""

    def __call__(self, stage: str, done: int, total: int, /) -> None:
        """Reports that `done` of a stage's `total` items are finished."""


def ignore_progress(_stage: str, _done: int, _total: int, /) -> None:
    """A `StageProgress` that does nothing."""
