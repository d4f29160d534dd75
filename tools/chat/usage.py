"""Counts the tokens of hosted chat models: each call is reported to the counter of its context, if there is one.

Models that run on this machine cost nothing and are not counted. A call whose provider does not say how many tokens it
took has cost something all the same, so its tokens are estimated from the lengths of prompt and answer.
"""

import contextlib
import json
from collections.abc import Iterator, Mapping, Sequence
from contextvars import ContextVar
from dataclasses import dataclass

from langchain_core.language_models import BaseChatModel
from langchain_core.messages import AIMessage, BaseMessage

from interleavethinker.tools.bounded_http import is_loopback
from interleavethinker.tools.plain_text import quotation
from interleavethinker.tools.prices import CHARACTERS_PER_TOKEN, IMAGE_TOKENS

__all__ = ["ChatCall", "count_call", "counting_calls", "is_local", "name_of", "name_said", "token_count"]

_MOST_TOKENS = 10**9
"""Tokens of one call; no model reads or writes a thousandth of it."""
_LONGEST_NAME = 200
"""Characters of a model's name."""


@dataclass(frozen=True)
class ChatCall:
    """One answered call of a hosted chat model."""

    model: str
    """The name under which the server says that it has answered, or else that of the profile."""
    configured: str
    """The name in the profile, whose price counts if that of `model` is not known."""
    input_tokens: int
    output_tokens: int
    estimated: bool = False
    """Whether a number of tokens is an estimate, because the provider says none."""


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


def count_call(model: BaseChatModel, messages: Sequence[BaseMessage], answer: AIMessage) -> None:
    """Reports an answer to the counter of this context.

    Args:
        model: The chat model, or one with tools bound to it.
        messages: The conversation that it was sent.
        answer: Its answer.
    """
    calls, model = _counted.get(), getattr(model, "bound", model)
    if calls is None or is_local(model):
        return
    usage: Mapping[str, object] = answer.usage_metadata or {}
    # LangChain passes 0 on where a server has left a number out. No call has an empty prompt.
    said_in, said_out = (token_count(usage.get(name)) or None for name in ("input_tokens", "output_tokens"))
    tokens_in = _estimated_tokens(messages) if said_in is None else said_in
    tokens_out = _estimated_tokens([answer]) if said_out is None else said_out
    estimated = said_in is None or (said_out is None and tokens_out > 0)
    configured = name_of(model)
    calls.append(ChatCall(name_said(answer) or configured, configured, tokens_in, tokens_out, estimated))


def _estimated_tokens(messages: Sequence[BaseMessage]) -> int:
    """Returns about how many tokens messages have; what a model thought and did not show is not in it."""
    characters = images = 0
    for message in messages:
        blocks = [] if isinstance(message.content, str) else message.content
        images += sum(isinstance(block, dict) and "image" in str(block.get("type")) for block in blocks)
        characters += len(message.text)
        if isinstance(message, AIMessage):
            characters += len(json.dumps(message.tool_calls, default=str)) if message.tool_calls else 0
    return images * IMAGE_TOKENS + -(-characters // CHARACTERS_PER_TOKEN)


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
