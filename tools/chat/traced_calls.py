"""Spans of chat model calls, in the terms of OpenTelemetry's GenAI conventions.

Prompts and answers are attributes only if the conventions' own variable asks for them. Images are never in a span: the
message names them by hash, under which the store has them.
"""

import base64
import binascii
import json
from collections.abc import Mapping, Sequence
from typing import Any
from urllib.parse import urlsplit

from langchain_core.language_models import BaseChatModel
from langchain_core.messages import AIMessage, BaseMessage

from interleavethinker.tools.images.store import sha256_of
from interleavethinker.tools.plain_text import quotation
from interleavethinker.tools.tracing.spans import Span, is_on, span

from .usage import is_local, name_of, name_said, token_count

__all__ = ["model_span", "record_answer"]

_PROVIDERS = {"langchain_openai": "openai", "langchain_anthropic": "anthropic", "langchain_google_genai": "gcp.gemini"}
"""The conventions' names, by LangChain's packages."""
_SETTINGS = {
    "gen_ai.request.max_tokens": ("max_tokens", "max_new_tokens", "max_output_tokens"),
    "gen_ai.request.seed": ("seed",),
    "gen_ai.request.temperature": ("temperature",),
    "gen_ai.request.top_p": ("top_p",),
}
_REASONS = ("finish_reason", "stop_reason", "stopReason", "done_reason")
_OWN_IDS = ("lc_run-", "run-")
"""How ids begin that LangChain makes up."""
_LONGEST = 200
"""Characters."""
_ROLES = {"ai": "assistant", "human": "user"}


def model_span(model: BaseChatModel, messages: Sequence[BaseMessage]) -> Span:
    """Begins the span of one call.

    Args:
        model: Any LangChain chat model, or one with tools bound to it.
        messages: The conversation.
    """
    if not is_on():
        return span("chat")
    bound = getattr(model, "bound", model)
    name, address = name_of(bound), urlsplit(_address(bound))
    attributes: dict[str, Any] = {
        "gen_ai.operation.name": "chat",
        "gen_ai.provider.name": _provider(bound),
        "gen_ai.request.model": name,
        "server.address": address.hostname,
        "server.port": _port(address) if address.hostname else None,
    }
    attributes |= {key: _setting(bound, names) for key, names in _SETTINGS.items()}
    attributes |= _content("gen_ai.input.messages", messages)
    return span(
        f"chat {name}", attributes, kind="internal" if address.hostname is None and is_local(bound) else "client"
    )


def record_answer(to: Span, answer: AIMessage) -> None:
    """Adds to a call's span what its answer says about itself."""
    if not is_on():
        return
    metadata = answer.response_metadata
    usage: Mapping[str, object] = answer.usage_metadata or {}
    # Whatever a server says is as long as it likes, and of any type.
    reasons = [quotation(said, _LONGEST) for name in _REASONS if isinstance(said := metadata.get(name), str)]
    named = isinstance(answer.id, str) and not answer.id.startswith(_OWN_IDS)
    attributes: dict[str, Any] = {
        "gen_ai.response.finish_reasons": reasons or None,
        "gen_ai.response.id": quotation(str(answer.id), _LONGEST) if named else None,
        "gen_ai.response.model": name_said(answer),
        "gen_ai.usage.input_tokens": token_count(usage.get("input_tokens")),
        "gen_ai.usage.output_tokens": token_count(usage.get("output_tokens")),
    }
    to.set(attributes | _content("gen_ai.output.messages", [answer]))


def _content(name: str, messages: Sequence[BaseMessage]) -> dict[str, str]:
    from interleavethinker.tools.tracing.recording import captures_content

    if not captures_content():
        return {}
    told = [{"role": _ROLES.get(one.type, one.type), "parts": _parts(one)} for one in messages]
    return {name: json.dumps(told, ensure_ascii=False)}


def _parts(message: BaseMessage) -> list[Mapping[str, str]]:
    blocks = [message.content] if isinstance(message.content, str) else message.content
    return [_part(block) for block in blocks]


def _part(block: str | dict[str, Any]) -> Mapping[str, str]:
    if isinstance(block, str):
        return {"type": "text", "content": block}
    if block.get("type") == "text":
        return {"type": "text", "content": str(block.get("text", ""))}
    if block.get("type") == "image" and block.get("base64"):
        try:
            uri = f"image://{sha256_of(base64.b64decode(str(block['base64'])))}"
        except binascii.Error:
            uri = ""
        return {"type": "uri", "modality": "image", "uri": uri}
    return {"type": str(block.get("type", "unknown"))}


def _provider(model: BaseChatModel) -> str:
    package = type(model).__module__.partition(".")[0]
    return _PROVIDERS.get(package, package.removeprefix("langchain_"))


def _address(model: BaseChatModel) -> str:
    found = getattr(model, "openai_api_base", None) or getattr(model, "base_url", None)
    return found if isinstance(found, str) else ""


def _port(address: Any) -> int | None:
    try:
        return address.port or {"http": 80, "https": 443}.get(address.scheme)
    except ValueError:
        return None


def _setting(model: BaseChatModel, names: Sequence[str]) -> int | float | None:
    values = (getattr(model, name, None) for name in names)
    return next((value for value in values if isinstance(value, int | float)), None)
