"""Loads the chat model that a profile names.

`qwen3-vl:…` is a model in this process; any other name is LangChain's `provider:model`. Weights are loaded by the first
call, not here.
"""

import os
from importlib import import_module
from typing import TYPE_CHECKING, Any

from pydantic import ValidationError

from interleavethinker.tools.errors import ProfileError
from interleavethinker.tools.secrets import remember_secrets_of
from interleavethinker.tools.validation import problems_of

from .loop_clients import IDLE_SECONDS, client_for_each_loop

if TYPE_CHECKING:
    from langchain_core.language_models import BaseChatModel

__all__ = ["OWN_PREFIX", "load_chat_model"]

OWN_PREFIX = "qwen3-vl:"
"""Names of models in this process start with it."""

_KEYS = {"anthropic": "ANTHROPIC_API_KEY", "google_genai": "GOOGLE_API_KEY", "openai": "OPENAI_API_KEY"}
"""Environment variables with the keys of hosted models, whose libraries name what we do not pass on."""
_OWN_RETRIES = {"anthropic", "openai"}
"""Providers whose clients wait for overloaded services silently; `invoke` waits instead, and says so."""


def load_chat_model(name: str, /, **options: Any) -> "BaseChatModel":
    """Returns a chat model by name.

    Args:
        name: `qwen3-vl:` with a folder, a repository, or `package:folder` for weights inside a package; or
            `provider:model` for LangChain's `init_chat_model`.
        options: Keyword arguments of the model.

    Raises:
        ProfileError: The provider is unknown, its package or key is missing, or the options are invalid.
    """
    if name.startswith(OWN_PREFIX):
        from interleavethinker.tools.qwen3vl.chat_model import Qwen3VL

        if "model" in options:
            raise ProfileError(f"The options of the chat model {name!r} name a `model` again. Leave it out there.")
        try:
            return Qwen3VL(model=name.removeprefix(OWN_PREFIX), **options)
        except ValidationError as error:
            raise ProfileError(f"The options of the chat model {name!r} are invalid: {problems_of(error)}.") from error
    from langchain.chat_models import init_chat_model
    from langchain_core.language_models import BaseChatModel

    remember_secrets_of(options)
    remember_secrets_of(
        {name: value for name, value in os.environ.items() if name.endswith(("_BASE_URL", "_API_BASE"))}
    )

    if name.partition(":")[0] in _OWN_RETRIES:
        options = {"max_retries": 0, **options}
    try:
        model = init_chat_model(name, **options)
    # Providers raise their own exceptions for missing keys and packages and for invalid options.
    except Exception as error:
        key = _KEYS.get(name.partition(":")[0], "")
        if key and not isinstance(error, ImportError) and "api_key" not in options and not os.environ.get(key):
            raise ProfileError(
                f"No API key found for the chat model {name!r}. Set the environment variable {key}."
            ) from error
        raise ProfileError(f"The chat model {name!r} cannot be used: {type(error).__name__}: {error}") from error
    if not isinstance(model, BaseChatModel):
        raise ProfileError(f"{name!r} does not name one model. Give provider:model.")
    if "http_async_client" not in options:
        _separate_connections(model)
    return model


def _separate_connections(model: "BaseChatModel") -> None:
    """Gives a model of langchain-openai a client of its own, with connections for each event loop.

    The library shares one pool of open connections among all models with an address, and among all event loops.
    """
    shared: Any = getattr(model, "root_async_client", None)
    if shared is None or not hasattr(shared, "copy") or getattr(model, "openai_proxy", None):
        return  # With a proxy, the library makes a pool for each model itself.
    import openai

    kind: Any = openai.DefaultAsyncHttpxClient
    package = next(base.__module__.partition(".")[0] for base in kind.__mro__ if base.__module__.startswith("httpx"))
    # httpx or httpx2, whichever openai uses.
    limits = import_module(package).Limits(
        max_connections=1000, max_keepalive_connections=100, keepalive_expiry=IDLE_SECONDS
    )
    client = client_for_each_loop(kind, base_url=shared.base_url, timeout=shared.timeout, limits=limits)
    own = shared.copy(http_client=client)
    attributes: Any = model
    attributes.root_async_client, attributes.async_client = own, own.chat.completions
