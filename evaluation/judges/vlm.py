"""A judge for any image: a vision-language model with prompts in the style of VIEScore.

Semantics and quality are two questions, asked concurrently. Each is answered with two scores, of which the lower one
counts. `ChatJudge` asks, asks again, and remembers; without a usable answer there is no score.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from functools import cache
from importlib.resources import files
from typing import Annotated

from langchain_core.language_models import BaseChatModel
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from interleavethinker.tools.chat.answer_text import json_object_in
from interleavethinker.tools.errors import ModelAnswerError
from interleavethinker.tools.images.store import ImageStore

from .base import JudgedImage, JudgeScores
from .cache import JudgeCache
from .chat import ChatJudge
from .questions import ImageForm, JudgeQuestion, StoredImage

__all__ = ["VlmJudge"]

_PLACEHOLDER = "{{prompt}}"
_PROTOCOL = "viescore-1"
_FORM = ImageForm(max_pixels=1024 * 1024)
"""As for planner and critic, in the paper."""


_Score = Annotated[float, Field(allow_inf_nan=False)]


class _Answer(BaseModel):
    """Exactly two numbers; text that would have to be interpreted is not accepted."""

    model_config = ConfigDict(strict=True, extra="ignore")

    scores: tuple[_Score, _Score] = Field(strict=False)

    @property
    def lowest(self) -> float:
        return min(max(0.0, min(10.0, score)) for score in self.scores)


class VlmJudge:
    """Scores images with a chat model.

    Args:
        model: Any LangChain chat model that accepts images.
        store: The image store.
        max_answers: How many answers the model may give until one is usable, including the first.
        cache: Answers of earlier calls, so that a resumed run asks nothing twice; in memory by default.
        name: The model's name in the cache; default: what the model says about itself.
    """

    def __init__(
        self,
        model: BaseChatModel,
        store: ImageStore,
        max_answers: int = 3,
        cache: JudgeCache | None = None,
        name: str | None = None,
    ) -> None:
        self._judge = ChatJudge(model, name=name, cache=cache, max_answers=max_answers)
        self._store = store

    async def judge(self, images: Sequence[JudgedImage]) -> list[JudgeScores | None]:
        """See `Judge.judge`.

        Raises:
            ModelError: The model failed or could not be reached.
        """
        return list(await asyncio.gather(*(self._score(judged) for judged in images)))

    async def _score(self, judged: JudgedImage) -> JudgeScores | None:
        kind = "draw" if judged.source is None else "edit"
        images = (judged.image,) if judged.source is None else (judged.source, judged.image)
        semantics, quality = await asyncio.gather(
            self._ask(_prompt(f"judge_{kind}").replace(_PLACEHOLDER, judged.prompt), images),
            self._ask(_prompt("judge_quality"), (judged.image,)),
        )
        return None if semantics is None or quality is None else JudgeScores(semantics, quality)

    async def _ask(self, text: str, images: Sequence[str]) -> float | None:
        shown = (StoredImage(self._store, sha256) for sha256 in images)
        return (await self._judge.ask(JudgeQuestion(_PROTOCOL, (*shown, text), form=_FORM), _parse)).value


def _parse(text: str) -> float:
    try:
        return _Answer.model_validate(json_object_in(text)).lowest
    except ValidationError as error:
        raise ModelAnswerError('It must hold {"scores": [first, second]} with two numbers from 0 to 10.') from error


@cache
def _prompt(name: str) -> str:
    return (files("interleavethinker.evaluation.judges") / "prompts" / f"{name}.md").read_text(encoding="utf-8").strip()
