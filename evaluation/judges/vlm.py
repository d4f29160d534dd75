"""A judge for any pictures: a vision-language model, asked as VIEScore asks, in our own words.

Semantics and quality are two questions, asked at the same time. Each is answered by two marks, of which the worse
counts. An answer that cannot be read is asked for again a bounded number of times; then there is no score.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from functools import cache
from importlib.resources import files

import json_repair
from langchain_core.language_models import BaseChatModel
from langchain_core.messages import AIMessage, HumanMessage
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from interleavethinker.tools.chat.agents import to_messages
from interleavethinker.tools.chat.invocation import invoke
from interleavethinker.tools.chat.rendering import Turn
from interleavethinker.tools.images.store import ImageStore
from interleavethinker.tools.types import ImagePart, Part, TextPart

from .base import JudgedImage, JudgeScores

__all__ = ["VlmJudge"]

_PLACEHOLDER = "{{prompt}}"


class _Answer(BaseModel):
    """Exactly two marks. Numbers only: a mark that must be guessed at is none."""

    model_config = ConfigDict(strict=True, extra="ignore")

    scores: tuple[float, float] = Field(strict=False)

    @property
    def worst(self) -> float:
        return min(max(0.0, min(10.0, mark)) for mark in self.scores)


class VlmJudge:
    """Asks a chat model.

    Args:
        model: Any LangChain chat model that takes images.
        store: Where the pictures lie.
        questions: How often to ask in all before there is no score.
    """

    def __init__(self, model: BaseChatModel, store: ImageStore, questions: int = 3) -> None:
        self._model = model
        self._store = store
        self._questions = questions

    async def judge(self, shots: Sequence[JudgedImage]) -> list[JudgeScores | None]:
        """See `Judge.judge`.

        Raises:
            ModelError: The model cannot be reached.
        """
        return list(await asyncio.gather(*(self._marks(shot) for shot in shots)))

    async def _marks(self, shot: JudgedImage) -> JudgeScores | None:
        kind = "draw" if shot.source is None else "edit"
        pictures = (shot.image,) if shot.source is None else (shot.source, shot.image)
        semantics, quality = await asyncio.gather(
            self._ask(_question(f"judge_{kind}").replace(_PLACEHOLDER, shot.prompt), pictures),
            self._ask(_question("judge_quality"), (shot.image,)),
        )
        return None if semantics is None or quality is None else JudgeScores(semantics, quality)

    async def _ask(self, text: str, pictures: Sequence[str]) -> float | None:
        parts: tuple[Part, ...] = (*(ImagePart(sha256=sha256) for sha256 in pictures), TextPart(text=text))
        messages = to_messages([Turn("user", parts)], self._store)
        asked = list(messages)
        for _ in range(self._questions):
            answer = await invoke(self._model, asked, role="judge's model")
            mark = _read(answer.text)
            if mark is not None:
                return mark
            complaint = 'Your answer must hold {"scores": [first, second]} with two numbers from 0 to 10. Answer again.'
            asked = [*messages, AIMessage(content=answer.text or "(nothing)"), HumanMessage(content=complaint)]
        return None


def _read(text: str) -> float | None:
    start = text.find("{")
    if start < 0:
        return None
    try:
        return _Answer.model_validate(json_repair.loads(text[start:])).worst
    except (ValidationError, ValueError, RecursionError):
        return None


@cache
def _question(name: str) -> str:
    return (files("interleavethinker.evaluation.judges") / "prompts" / f"{name}.md").read_text(encoding="utf-8").strip()
