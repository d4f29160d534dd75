"""Counts the tokens of hosted chat models: each call is reported to the counter of its context, if there is one.

Models that run on this machine cost nothing and are not counted.
"""

import contextlib
from collections.abc import Iterator
from contextvars import ContextVar
from dataclasses import dataclass

from langchain_core.language_models import BaseChatModel
from langchain_core.messages import AIMessage

from interleavethinker.tools.bounded_http import is_loopback

__all__ = ["ChatCall", "count_call", "counting_calls", "is_local"]


@dataclass(frozen=True)
class ChatCall:
    """One answered call of a hosted chat model."""

    model: str
    input_tokens: int | None
    """None if the provider does not say."""
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
    configured = next((getattr(model, name, None) for name in ("model_name", "model") if hasattr(model, name)), None)
    name = answer.response_metadata.get("model_name") or configured or type(model).__name__
    usage = answer.usage_metadata
    tokens = (None, None) if usage is None else (usage["input_tokens"], usage["output_tokens"])
    calls.append(ChatCall(str(name).removeprefix("models/"), *tokens))


def is_local(model: BaseChatModel) -> bool:
    """Returns whether a model runs on this machine, so that its calls cost nothing."""
    if type(model).__module__.startswith("interleavethinker."):
        return True
    address = getattr(model, "openai_api_base", None) or getattr(model, "base_url", None)
    return isinstance(address, str) and is_loopback(address)
