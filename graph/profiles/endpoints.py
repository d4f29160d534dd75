"""Asks a server that speaks OpenAI's protocol whether it answers and has a model, for `doctor`.

The provider itself is not asked; a server of one's own, or of somebody else, is: its address is the most frequent
mistake. Nothing is generated.
"""

import os
from collections.abc import Mapping
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from interleavethinker.tools.addresses import shown_address
from interleavethinker.tools.bounded_http import is_loopback
from interleavethinker.tools.check_result import CheckResult
from interleavethinker.tools.plain_text import quotation
from interleavethinker.tools.structured_text import parse_json

if TYPE_CHECKING:
    import httpx2

__all__ = ["ask_endpoint", "custom_address", "without_secrets"]

_SECONDS = 5.0
_MAX_BYTES = 1024 * 1024
_SHOWN = 5
"""Models that are named if the right one is missing."""
_ADDRESS_VARIABLES = ("OPENAI_BASE_URL", "OPENAI_API_BASE")


def custom_address(options: Mapping[str, object]) -> str | None:
    """Returns the address that the options of an `openai:` model or the environment give; None: the provider's own."""
    named = options.get("base_url") or options.get("openai_api_base")
    if isinstance(named, str):
        return named
    return next((os.environ[name] for name in _ADDRESS_VARIABLES if os.environ.get(name)), None)


def ask_endpoint(check: str, model: str, address: str, key: str) -> CheckResult:
    """Returns whether a server answers and lists a model.

    Args:
        check: The result's name.
        model: The model's name there, without its provider.
        address: Base address, as OpenAI's clients take it: it usually ends in `/v1`.
        key: Sent as the bearer token; empty if there is none.
    """
    import httpx2

    shown = f"openai:{model} at {without_secrets(address)}"
    headers = {"accept-encoding": "identity"} | ({"authorization": f"Bearer {key}"} if key else {})
    try:
        with (
            httpx2.Client(trust_env=not is_loopback(address), timeout=_SECONDS, headers=headers) as client,
            client.stream("GET", f"{address.rstrip('/')}/models") as response,
        ):
            status, names = response.status_code, _names(response)
    except (httpx2.HTTPError, httpx2.InvalidURL, ValueError) as error:
        return CheckResult(check, False, f"{shown} does not answer ({type(error).__name__}). Check the address")
    if status in {401, 403}:
        return CheckResult(check, False, f"{shown} refuses the key (HTTP {status})")
    if names is None:
        found = f"{shown} answers, but not with a list of models (HTTP {status}). Does its address end in /v1?"
        return CheckResult(check, True, found, warning=True)
    if model in names:
        return CheckResult(check, True, f"{shown} answers and has the model")
    has = ", ".join(quotation(name, 60) for name in names[:_SHOWN]) or "none"
    return CheckResult(check, True, f"{shown} answers, but does not list the model; it has: {has}", warning=True)


def _names(response: "httpx2.Response") -> list[str] | None:
    """Returns the models in an answer, or None if it is something else."""
    data = b""
    for chunk in response.iter_bytes():
        data += chunk
        if len(data) > _MAX_BYTES:
            return None
    try:
        models = parse_json(data)["data"]
        return [str(one["id"]) for one in models] if response.status_code == 200 else None
    except (ValueError, KeyError, TypeError):
        return None


def without_secrets(address: str) -> str:
    """Returns an address without user name, password and query."""
    try:
        _ = urlsplit(address).port
    except ValueError:
        return "an invalid address"
    return shown_address(address)
