"""Finds the chat model that a profile names.

`qwen3-vl:PATH-or-repository` is loaded in this process; anything else is LangChain's `provider:model`. Loading happens
at the first question, not here.
"""

from typing import Any

from langchain_core.language_models import BaseChatModel

from interleavethinker.tools.errors import ProfileError

__all__ = ["OWN_PREFIX", "load_chat_model"]

OWN_PREFIX = "qwen3-vl:"


def load_chat_model(name: str, **options: Any) -> BaseChatModel:
    """Returns a chat model by name.

    Args:
        name: `qwen3-vl:PATH-or-repository`, an import string after that prefix for weights inside a package
            (`qwen3-vl:package:folder`), or `provider:model`.
        options: The model's own keyword arguments.

    Raises:
        ProfileError: Unknown provider, a missing package or key, or unusable options.
    """
    if name.startswith(OWN_PREFIX):
        from interleavethinker.tools.qwen3vl.chat_model import Qwen3VL

        return Qwen3VL(model=name.removeprefix(OWN_PREFIX), **options)
    from langchain.chat_models import init_chat_model

    try:
        model = init_chat_model(name, **options)
    # Providers complain about missing keys, packages and options each in their own way.
    except Exception as error:
        raise ProfileError(f"The chat model {name!r} cannot be used: {type(error).__name__}: {error}") from error
    if not isinstance(model, BaseChatModel):
        raise ProfileError(f"A profile must name one model; {name!r} leaves it open.")
    return model
