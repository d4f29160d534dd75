"""A judge for any image: a vision-language model with prompts in the style of VIEScore.

Semantics and quality are two prompts, sent concurrently. Each is answered with two scores, of which the lower one
counts. An unparsable answer is requested again a limited number of times; after that there is no score.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from functools import cache
from importlib.resources import files
from typing import Annotated

from langchain_core.language_models import BaseChatModel
from langchain_core.messages import AIMessage, HumanMessage
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from interleavethinker.tools.chat.agents import to_messages
from interleavethinker.tools.chat.answer_text import json_object_in
from interleavethinker.tools.chat.invocation import check_complete, invoke
from interleavethinker.tools.chat.rendering import Turn
from interleavethinker.tools.errors import ModelAnswerError
from interleavethinker.tools.images.store import ImageStore
from interleavethinker.tools.plain_text import valid_unicode
from interleavethinker.tools.types import ImagePart, Part, TextPart

from .base import JudgedImage, JudgeScores

__all__ = ["VlmJudge"]

_PLACEHOLDER = "{{prompt}}"


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
    """

    def __init__(self, model: BaseChatModel, store: ImageStore, max_answers: int = 3) -> None:
        self._model = model
        self._store = store
        self._max_answers = max_answers

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
        parts: tuple[Part, ...] = (*(ImagePart(sha256=sha256) for sha256 in images), TextPart(text=text))
        messages = to_messages([Turn("user", parts)], self._store)
        conversation = list(messages)
        for _ in range(self._max_answers):
            message = await invoke(self._model, conversation, role="judge's model")
            answer = valid_unicode(message.text)
            score = await asyncio.to_thread(_parse, message)
            if score is not None:
                return score
            complaint = 'Your answer must hold {"scores": [first, second]} with two numbers from 0 to 10. Answer again.'
            conversation = [*messages, AIMessage(content=answer or "(nothing)"), HumanMessage(content=complaint)]
        return None


def _parse(message: AIMessage) -> float | None:
    try:
        check_complete(message)
        return _Answer.model_validate(json_object_in(message.text)).lowest
    except (ValidationError, ModelAnswerError):
        return None


@cache
def _prompt(name: str) -> str:
    return (files("interleavethinker.evaluation.judges") / "prompts" / f"{name}.md").read_text(encoding="utf-8").strip()
