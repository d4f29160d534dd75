"""Generates and judges the images that the step-wise reward needs: the result of each refined prompt.

Only failed attempts are regenerated, from the step's source image and with the seed that the agent would use next.
Equal prompts for one row are generated and judged once; reward functions that ask at the same time share the result. If
the generator or the judge fails, the result is None, and the prompt is tried again the next time it appears. A prompt
that the generator refuses, because it is too long or for its content, is refused whenever it appears.
"""

from __future__ import annotations

import asyncio
import logging

from interleavethinker.evaluation.judges.base import Judge, JudgedImage, JudgeScores
from interleavethinker.tools.errors import GeneratorError, InputError, ModelError, RefusalError, StoreError
from interleavethinker.tools.protocols import ImageGenerator
from interleavethinker.tools.types import GenerationRequest
from interleavethinker.training.data.schema import CriticRow

__all__ = ["Regenerator"]

_log = logging.getLogger(__name__)
_FAILURES = (GeneratorError, InputError, ModelError, StoreError)
"""Errors that affect only one prompt's image; any other exception is a bug and stops training."""


_TOO_MANY = 64
"""Failures in a row that end training: some are expected of services, a long series means that one is down."""


class Regenerator:
    """Regenerates and scores images for rewards. All calls must come from one event loop.

    Attributes:
        made: Number of images that were generated and judged.
        generator_failures: Number of images that could not be generated.
        judge_failures: Number of images that could not be judged.
        refused: Number of prompts that the generator refused.

    Args:
        generator: The image generator that the agent uses.
        judge: Scores the images.
        max_concurrent: Maximum number of images in progress.
    """

    def __init__(self, generator: ImageGenerator, judge: Judge, max_concurrent: int = 16) -> None:
        self._generator = generator
        self._judge = judge
        self._limit = max_concurrent
        self._gate: asyncio.Semaphore | None = None
        self._known: dict[tuple[str, str], asyncio.Task[JudgeScores | None]] = {}
        self.made = 0
        self.generator_failures = 0
        self.judge_failures = 0
        self.refused = 0
        self._failed_in_a_row = 0

    @property
    def failed(self) -> int:
        """Number of images that could not be generated or judged."""
        return self.generator_failures + self.judge_failures

    async def scores(self, row: CriticRow, prompt: str) -> JudgeScores | None:
        """Returns the scores of the image that `prompt` gives for the row's step, or None if that failed.

        Raises:
            RefusalError: The generator refuses the prompt.
        """
        key = (row.id, prompt)
        task = self._known.get(key)
        if task is None:
            task = self._known[key] = asyncio.create_task(self._make(row, prompt))
        scores = await task
        if scores is None and self._known.get(key) is task:
            del self._known[key]
        return scores

    async def _make(self, row: CriticRow, prompt: str) -> JudgeScores | None:
        if self._gate is None:
            self._gate = asyncio.Semaphore(self._limit)
        call = GenerationRequest(prompt=prompt, seed=row.next_seed, source=row.case.source)
        scores = None
        async with self._gate:
            try:
                made = await self._generator.generate(call)
            except RefusalError:
                self.refused += 1
                self._failed_in_a_row = 0
                raise
            except _FAILURES as error:
                self.generator_failures += 1
                reason = str(error)
            else:
                scores, reason = await self._judged(row, made.sha256)
                self.judge_failures += scores is None
        if scores is None:
            _log.warning("Could not regenerate an image for row %s: %s", row.id, reason)
        self._failed_in_a_row = 0 if scores is not None else self._failed_in_a_row + 1
        if self._failed_in_a_row >= _TOO_MANY:
            raise ModelError(
                f"The last {_TOO_MANY} images could not be generated or judged, so training would learn nothing from "
                f"them; the last reason: {reason}. Mend the image server or the judge and run the command again: it "
                "resumes from the last checkpoint."
            )
        self.made += scores is not None
        return scores

    async def _judged(self, row: CriticRow, image: str) -> tuple[JudgeScores | None, str]:
        """The image's scores, or None and the reason."""
        judged = JudgedImage(image, row.case.source, row.case.original_prompt, row.reference)
        try:
            (scores,) = await self._judge.judge([judged])
        except _FAILURES as error:
            return None, str(error)
        return scores, "the judge gave no usable answer"
