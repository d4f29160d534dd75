"""Counts the tokens of hosted chat models: each call is reported to the counter of its context, if there is one.

Models that run on this machine cost nothing and are not counted.
"""

import contextlib
from collections.abc import Iterator, Mapping
from contextvars import ContextVar
from dataclasses import dataclass

from langchain_core.language_models import BaseChatModel
from langchain_core.messages import AIMessage

from interleavethinker.tools.bounded_http import is_loopback
from interleavethinker.tools.plain_text import quotation

__all__ = ["ChatCall", "count_call", "counting_calls", "is_local", "name_of", "name_said", "token_count"]

_MOST_TOKENS = 10**9
"""Tokens of one call; no model reads or writes a thousandth of it."""
_LONGEST_NAME = 200
"""Characters of a model's name."""


@dataclass(frozen=True)
class ChatCall:
    """One answered call of a hosted chat model."""

    model: str
    input_tokens: int | None
    """None if the provider does not say, or says what is no number of tokens."""
    output_tokens: int | None


_counted: ContextVar[list[ChatCall] | None] = ContextVar("counted_chat_calls", default=None)


@contextlib.contextmanager
def counting_calls() -> Iterator[list[ChatCall]]:
    """Collects the calls of all hosted chat models in this context, also those that run in another thread for it."""
    calls: list[ChatCall] = []
    token = _counted.set(calls)
    try:
        yield calls
    finally:
        _counted.reset(token)


def count_call(model: BaseChatModel, answer: AIMessage) -> None:
    """Reports an answer to the counter of this context."""
    calls = _counted.get()
    if calls is None or is_local(model):
        return
    usage: Mapping[str, object] = answer.usage_metadata or {}
    shown = name_said(answer) or name_of(model)
    calls.append(ChatCall(shown, token_count(usage.get("input_tokens")), token_count(usage.get("output_tokens"))))


def name_of(model: BaseChatModel) -> str:
    """Returns the name that a model is configured with, or that of its class."""
    configured = next((getattr(model, name, None) for name in ("model_name", "model") if hasattr(model, name)), None)
    return _shown(configured or type(model).__name__)


def name_said(answer: AIMessage) -> str | None:
    """Returns the name under which a server says that it has answered, if it does."""
    said = answer.response_metadata.get("model_name")
    return _shown(said) if said else None


def _shown(name: object) -> str:
    return quotation(str(name).removeprefix("models/"), _LONGEST_NAME)


def token_count(said: object) -> int | None:
    """Returns how many tokens a server says a call took, or None if that is no such number.

    LangChain passes on whatever the server says: texts, NaN, amounts below zero or of thirty digits.
    """
    if isinstance(said, bool) or not isinstance(said, int | float) or not 0 <= said <= _MOST_TOKENS:
        return None
    return int(said)


def is_local(model: BaseChatModel) -> bool:
    """Returns whether a model runs on this machine, so that its calls cost nothing."""
    if type(model).__module__.startswith("interleavethinker."):
        return True
    address = getattr(model, "openai_api_base", None) or getattr(model, "base_url", None)
    return isinstance(address, str) and is_loopback(address)
