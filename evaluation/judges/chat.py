"""The one way in which this project asks a chat model for a judgment: benchmarks, rewards and data scoring share it.

Answers are cached by question, unusable answers are asked for again a bounded number of times, rate limits are waited
out, and a limited number of calls runs at once. What is asked, and how an answer is read, is up to the caller.
"""

from __future__ import annotations

import asyncio
import base64
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

from langchain_core.language_models import BaseChatModel
from langchain_core.messages import AIMessage, BaseMessage, HumanMessage, SystemMessage
from pydantic import JsonValue

from interleavethinker.tools.chat.invocation import check_complete, invoke
from interleavethinker.tools.chat.usage import is_local, token_count
from interleavethinker.tools.chat.waiting import CallPolicy
from interleavethinker.tools.errors import ModelAnswerError
from interleavethinker.tools.plain_text import valid_unicode

from .cache import CachedAnswer, JudgeCache
from .questions import JudgeQuestion, encoded

__all__ = ["ChatJudge", "JudgeUsage", "Judgment", "model_name"]

_T = TypeVar("_T")
_CUT_OFF = "The answer reached the limit of tokens before it ended. Think and write less."
_LONG = 4000
"""Characters; longer answers are read off the event loop."""
_LONGEST_QUOTE = 20_000


@dataclass(frozen=True)
class Judgment(Generic[_T]):
    """A judge's answer to one question."""

    value: _T | None
    """What was read from the answer; None if no answer was usable."""
    answers: int
    """How many answers the model gave, cached or not."""
    text: str
    """The last answer."""
    problem: str = ""
    """Why the last answer is unusable; empty if it is not."""


@dataclass
class JudgeUsage:
    """What the calls of this process cost; cached answers cost nothing."""

    calls: int = 0
    cached: int = 0
    """Questions that needed no call."""
    input_tokens: int = 0
    """As the provider counted them."""
    output_tokens: int = 0


class ChatJudge:
    """Asks a chat model.

    Attributes:
        model_name: The model's name in caches and reports.
        usage: What this object's calls cost so far.

    Args:
        model: Any LangChain chat model that accepts the questions' images.
        name: The model's name; default: what the model says about itself.
        options: Options that answers depend on, such as the temperature; part of a cached question's key.
        cache: Answers of earlier calls; in memory by default.
        max_answers: How many answers the model may give until one is usable, including the first.
        at_once: How many calls may run concurrently.
        policy: How long an answer may take, and how often an overloaded provider is asked again.
    """

    def __init__(
        self,
        model: BaseChatModel,
        *,
        name: str | None = None,
        options: Mapping[str, JsonValue] | None = None,
        cache: JudgeCache | None = None,
        max_answers: int = 3,
        at_once: int = 16,
        policy: CallPolicy | None = None,
    ) -> None:
        self.model_name = name or model_name(model)
        self.usage = JudgeUsage()
        self._model = model
        self._options = dict(options or {})
        self._cache = JudgeCache() if cache is None else cache
        self._max_answers = max_answers
        self._at_once = at_once
        self._policy = policy or CallPolicy()
        self._gate: asyncio.Semaphore | None = None
        self._locks: dict[str, asyncio.Lock] = {}

    @property
    def local(self) -> bool:
        """Whether the model runs on this machine, so that its answers cost nothing."""
        return is_local(self._model)

    @property
    def has_answers(self) -> bool:
        """Whether the cache has any answer."""
        return bool(self._cache)

    def unanswered(self, question: JudgeQuestion) -> bool:
        """Returns whether a question was never asked. Blocks: reads the question's images for their hashes."""
        return not self._cache.answers(question.digest(self.model_name, self._options))

    async def ask(self, question: JudgeQuestion, read: Callable[[str], _T]) -> Judgment[_T]:
        """Asks a question until an answer can be read; equal questions that are asked concurrently share one answer.

        Args:
            question: The question.
            read: Reads an answer; raises `ModelAnswerError`, whose message the model is told, if it cannot be used.

        Raises:
            ModelError: The model failed or could not be reached.
            StoreError: An image is missing or damaged, an answer cannot be saved, or there is no room for one
                (`disk_full`), so the model is not asked.
        """
        key = await self._in_thread_if(bool(question.images), question.digest, self.model_name, self._options)
        lock = self._locks.setdefault(key, asyncio.Lock())
        async with lock:
            judgment = await self._ask(key, question, read)
        self._locks.pop(key, None)
        return judgment

    async def _ask(self, key: str, question: JudgeQuestion, read: Callable[[str], _T]) -> Judgment[_T]:
        asked = len(self._cache.answers(key))
        self.usage.cached += asked > 0
        messages: list[BaseMessage] | None = None
        conversation: list[BaseMessage] = []
        last, problem = "", ""
        for number in range(self._max_answers):
            known = self._cache.answers(key)
            if number < len(known):
                answer = known[number]
            else:
                if messages is None:
                    messages = await self._in_thread_if(bool(question.images), _messages, question)
                conversation = messages if number == 0 else [*messages, *_complaint(last, problem)]
                answer = await self._call(conversation)
                self._cache.add(key, answer)
            last, problem = answer.text, "" if answer.complete else _CUT_OFF
            try:
                value = await self._in_thread_if(len(last) > _LONG, read, last)
            except ModelAnswerError as error:
                problem = problem or str(error)
            if not problem:
                return Judgment(value, number + 1, last)
        return Judgment(None, self._max_answers, last, problem)

    async def _call(self, conversation: list[BaseMessage]) -> CachedAnswer:
        if self._gate is None:
            self._gate = asyncio.Semaphore(self._at_once)
        async with self._gate:
            await asyncio.to_thread(self._cache.require_room)
            message = await invoke(self._model, conversation, role="judge's model", policy=self._policy)
        complete = True
        try:
            check_complete(message)
        except ModelAnswerError:
            complete = False
        counted: Mapping[str, Any] = message.usage_metadata or {}
        answer = CachedAnswer(
            text=valid_unicode(message.text),
            complete=complete,
            input_tokens=token_count(counted.get("input_tokens")) or 0,
            output_tokens=token_count(counted.get("output_tokens")) or 0,
        )
        self.usage.calls += 1
        self.usage.input_tokens += answer.input_tokens
        self.usage.output_tokens += answer.output_tokens
        return answer

    @staticmethod
    async def _in_thread_if(slow: bool, call: Callable[..., _T], *arguments: object) -> _T:
        return await asyncio.to_thread(call, *arguments) if slow else call(*arguments)


def model_name(model: BaseChatModel) -> str:
    """Returns the name that a chat model gives itself, or else its class."""
    for attribute in ("model_name", "model"):
        name = getattr(model, attribute, None)
        if isinstance(name, str) and name:
            return name
    return type(model).__name__


def _messages(question: JudgeQuestion) -> list[BaseMessage]:
    content: list[str | dict[Any, Any]] = []
    for part in question.parts:
        if isinstance(part, str):
            content.append({"type": "text", "text": part})
        else:
            data, mime_type = encoded(part, question.form)
            content.append({"type": "image", "base64": base64.b64encode(data).decode(), "mime_type": mime_type})
    # A single text is sent as such: LangChain looks at every block of a list, several times and slowly.
    texts = [part for part in question.parts if isinstance(part, str)]
    asked = HumanMessage(content=texts[0] if len(texts) == len(question.parts) == 1 else content)
    return [SystemMessage(content=question.system), asked] if question.system else [asked]


def _complaint(answer: str, problem: str) -> list[BaseMessage]:
    text = f"Your answer cannot be used. {problem} Answer again, completely, in the form asked for."
    return [AIMessage(content=answer[:_LONGEST_QUOTE] or "(nothing)"), HumanMessage(content=text)]
