"""Planner and critic as chat models: render, ask, read, and ask again with the error where an answer cannot be used.

Any LangChain chat model will do. What an answer must look like is `answers`' business, what the model sees
`rendering`'s. Questions are bounded: a planner then raises, a critic leaves the attempt unjudged, which is neither
success nor failure.
"""

import asyncio
import base64
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, TypeVar

from langchain_core.language_models import BaseChatModel
from langchain_core.messages import AIMessage, BaseMessage, HumanMessage, SystemMessage

from interleavethinker.tools.errors import ModelAnswerError
from interleavethinker.tools.images.png import encode_png, image_size, open_rgb
from interleavethinker.tools.images.store import ImageStore
from interleavethinker.tools.protocols import PlanContext
from interleavethinker.tools.request_parsing import named_step_count
from interleavethinker.tools.types import CriticInput, Plan, Request, Sha256, TextPart, Verdict

from .answers import read_plan, read_verdict
from .invocation import invoke
from .logprobs import CRITIC_FIELD, confidence_of
from .rendering import BLANK, Prompts, Turn, load_prompts, render_case, render_request

__all__ = ["ChatCritic", "ChatPlanner", "to_messages"]

_T = TypeVar("_T")
MAX_PIXELS = 1024 * 1024
"""Larger pictures are scaled down for the model, as in the paper; the store keeps them as they are."""


class ChatPlanner:
    """A chat model that plans.

    Args:
        model: Any LangChain chat model that takes images.
        store: Where the request's images lie.
        prompts: Folder with prompt files that replace the shipped ones.
        questions: How often to ask in all.
    """

    def __init__(
        self, model: BaseChatModel, store: ImageStore, *, prompts: Path | None = None, questions: int = 3
    ) -> None:
        self._model = model
        self._store = store
        self._prompts: Prompts = load_prompts(prompts)
        self._questions = questions

    async def plan(self, request: Request, context: PlanContext) -> Plan:
        """See `Planner.plan`. A number of steps that the request names is insisted on, but not at any price."""
        wanted = None if context.previous is not None else named_step_count(request.text)
        seen: list[Plan] = []

        def read(message: AIMessage) -> Plan:
            plan = read_plan(message.text)
            drawn = any(step.prompt is not None for step in plan.steps)
            if wanted is not None and drawn and len(plan.steps) != wanted:
                seen.append(plan)
                raise ModelAnswerError(
                    f"The request names {wanted} steps; execution_plan must have exactly that many, not "
                    f"{len(plan.steps)}."
                )
            return plan

        messages = to_messages(render_request(request, context, self._prompts), self._store)
        try:
            return await _ask(self._model, messages, read, self._questions)
        except ModelAnswerError:
            if seen:
                return seen[-1]  # The document will report the difference.
            raise


class ChatCritic:
    """A chat model that judges.

    Args:
        model: Any LangChain chat model that takes images.
        store: Where the pictures lie.
        prompts: Folder with prompt files that replace the shipped ones.
        questions: How often to ask in all.
    """

    def __init__(
        self, model: BaseChatModel, store: ImageStore, *, prompts: Path | None = None, questions: int = 3
    ) -> None:
        self._model = model
        self._store = store
        self._prompts: Prompts = load_prompts(prompts)
        self._questions = questions

    @property
    def gives_confidence(self) -> bool:
        """Whether the model returns log-probabilities: our own ones do, a provider's where it was asked to."""
        return bool(getattr(self._model, "logprobs", False))

    async def judge(self, cases: Sequence[CriticInput]) -> list[Verdict]:
        """See `Critic.judge`. All cases are asked at once; a model in this process batches them."""
        return list(await asyncio.gather(*(self._judge(case) for case in cases)))

    async def _judge(self, case: CriticInput) -> Verdict:
        def read(message: AIMessage) -> Verdict:
            verdict = read_verdict(message.text)
            return verdict.model_copy(update={"confidence": confidence_of(message, CRITIC_FIELD)})

        messages = to_messages(render_case(case, self._prompts), self._store, blank_like=case.image)
        try:
            return await _ask(self._model, messages, read, self._questions)
        except ModelAnswerError as error:
            return Verdict(success=None, reasoning=str(error))


def to_messages(turns: Sequence[Turn], store: ImageStore, blank_like: Sha256 | None = None) -> list[BaseMessage]:
    """Turns a rendered conversation into LangChain messages with the pictures in them.

    Args:
        turns: From `rendering`.
        store: Where the pictures lie.
        blank_like: The picture whose size a blank one has.
    """
    messages: list[BaseMessage] = []
    for turn in turns:
        if turn.role == "user":
            content: list[str | dict[Any, Any]] = []
            for part in turn.parts:
                if isinstance(part, TextPart):
                    content.append({"type": "text", "text": part.text})
                else:
                    png = _blank(store, blank_like) if part.sha256 == BLANK else _shown(store.get(part.sha256))
                    data = base64.b64encode(png).decode()
                    content.append({"type": "image", "base64": data, "mime_type": "image/png"})
            messages.append(HumanMessage(content=content))
        else:
            kind = SystemMessage if turn.role == "system" else AIMessage
            messages.append(kind(content=turn.text))
    return messages


async def _ask(
    model: BaseChatModel, messages: list[BaseMessage], read: Callable[[AIMessage], _T], questions: int
) -> _T:
    asked = list(messages)
    for left in reversed(range(questions)):
        answer = await invoke(model, asked)
        try:
            return read(answer)
        except ModelAnswerError as error:
            if not left:
                raise ModelAnswerError(
                    f"No usable answer after {questions} questions. The last problem: {error}"
                ) from error
            complaint = f"Your answer cannot be used. {error} Answer again, completely, in the form asked for."
            asked = [*messages, AIMessage(content=answer.text or "(nothing)"), HumanMessage(content=complaint)]
    raise AssertionError("unreachable")


def _blank(store: ImageStore, like: Sha256 | None) -> bytes:
    from PIL import Image

    size = (64, 64) if like is None else image_size(store.get(like))
    return _shown(encode_png(Image.new("RGB", size, "white")))


def _shown(png: bytes) -> bytes:
    width, height = image_size(png)
    if width * height <= MAX_PIXELS:
        return png
    scale = (MAX_PIXELS / (width * height)) ** 0.5
    return encode_png(open_rgb(png).resize((max(1, int(width * scale)), max(1, int(height * scale)))))
