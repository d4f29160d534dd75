"""Makes and judges the pictures that the step-wise reward needs: what would the refined prompt have drawn?

Only failed attempts are made again, from the step's own source image and with the seed that serving would use next.
Equal prompts for one row are made and judged once, however many answers share them; reward functions that ask at the
same time wait for the same picture. A failed generator or judge gives None for that prompt and is asked again when the
prompt comes again.
"""

from __future__ import annotations

import asyncio
import logging

from interleavethinker.evaluation.judges.base import Judge, JudgedImage, JudgeScores
from interleavethinker.tools.errors import GeneratorError, InputError, ModelError, StoreError
from interleavethinker.tools.protocols import ImageGenerator
from interleavethinker.tools.types import GenerationRequest
from interleavethinker.training.data.schema import CriticRow

__all__ = ["Regenerator"]

_log = logging.getLogger(__name__)
_FAILURES = (GeneratorError, InputError, ModelError, StoreError)
"""What belongs to one prompt's picture; anything else is a defect and stops training."""


class Regenerator:
    """All methods belong to one event loop.

    Attributes:
        made: Pictures made and judged.
        failed: Pictures that could not be made or judged.

    Args:
        generator: The image generator that serving uses.
        judge: Marks its pictures.
        most_at_once: Pictures under way at the same time.
    """

    def __init__(self, generator: ImageGenerator, judge: Judge, most_at_once: int = 16) -> None:
        self._generator = generator
        self._judge = judge
        self._limit = most_at_once
        self._gate: asyncio.Semaphore | None = None
        self._known: dict[tuple[str, str], asyncio.Task[JudgeScores | None]] = {}
        self.made = 0
        self.failed = 0

    async def marks(self, row: CriticRow, prompt: str) -> JudgeScores | None:
        """Marks of the picture that this prompt makes of the row's step; None if it could not be made or judged."""
        key = (row.id, prompt)
        task = self._known.get(key)
        if task is None:
            task = self._known[key] = asyncio.create_task(self._make(row, prompt))
        marks = await task
        if marks is None and self._known.get(key) is task:
            del self._known[key]
        return marks

    async def _make(self, row: CriticRow, prompt: str) -> JudgeScores | None:
        if self._gate is None:
            self._gate = asyncio.Semaphore(self._limit)
        call = GenerationRequest(prompt=prompt, seed=row.next_seed, source=row.case.source)
        async with self._gate:
            try:
                made = await self._generator.generate(call)
                shot = JudgedImage(made.sha256, row.case.source, row.case.original_prompt, row.reference)
                (marks,) = await self._judge.judge([shot])
            except _FAILURES as error:
                _log.warning("no picture for row %s: %s", row.id, error)
                marks = None
        self.made += marks is not None
        self.failed += marks is None
        return marks
