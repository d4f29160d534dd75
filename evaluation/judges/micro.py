"""The micro world's judge: its scorer, which reads pictures by table look-up and knows each step's target."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

from interleavethinker.microworld.scoring.targets import score_step, target_from
from interleavethinker.tools.images.png import open_rgb
from interleavethinker.tools.images.store import ImageStore

from .base import JudgedImage, JudgeScores

__all__ = ["MicroJudge"]


class MicroJudge:
    """Judges against the target that each shot's reference holds.

    Args:
        store: Where the pictures lie.
    """

    def __init__(self, store: ImageStore) -> None:
        self._store = store

    async def judge(self, shots: Sequence[JudgedImage]) -> list[JudgeScores | None]:
        """See `Judge.judge`."""
        return await asyncio.to_thread(lambda: [self._marks(shot) for shot in shots])

    def _marks(self, shot: JudgedImage) -> JudgeScores:
        source = None if shot.source is None else open_rgb(self._store.get(shot.source))
        score = score_step(open_rgb(self._store.get(shot.image)), source, target_from(shot.reference))
        return JudgeScores(score.semantics, score.quality)
