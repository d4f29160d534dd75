"""The micro world's judge: its scorer, which reads images by table lookup and knows each step's target."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

from interleavethinker.microworld.scoring.targets import score_step, target_from
from interleavethinker.tools.images.png import open_rgb
from interleavethinker.tools.images.store import ImageStore

from .base import JudgedImage, JudgeScores

__all__ = ["MicroJudge"]


class MicroJudge:
    """Scores an image against the target in its reference.

    Args:
        store: The image store.
    """

    def __init__(self, store: ImageStore) -> None:
        self._store = store

    async def judge(self, images: Sequence[JudgedImage]) -> list[JudgeScores | None]:
        """See `Judge.judge`."""
        return await asyncio.to_thread(lambda: [self._score(judged) for judged in images])

    def _score(self, judged: JudgedImage) -> JudgeScores:
        source = None if judged.source is None else open_rgb(self._store.get(judged.source))
        score = score_step(open_rgb(self._store.get(judged.image)), source, target_from(judged.reference))
        return JudgeScores(score.semantics, score.quality)
