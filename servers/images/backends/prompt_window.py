"""Notices prompts that a pipeline would cut: two prompts that differ after the cut would give the same image.

A pipeline may read a prompt with several tokenizers; the one with the widest window decides.
"""

import inspect
from collections.abc import Mapping
from typing import Any

from interleavethinker.tools.errors import InputError

__all__ = ["check_window"]

_TOKENIZERS = ("tokenizer", "tokenizer_2", "tokenizer_3")
_ARGUMENT = "max_sequence_length"
_UNBOUNDED = 1_000_000
"""A tokenizer without a window reports an astronomic one."""


def check_window(pipeline: Any, prompt: str, arguments: Mapping[str, Any]) -> None:
    """Checks that a pipeline reads a whole prompt.

    Args:
        pipeline: A diffusers pipeline.
        prompt: What it would be called with.
        arguments: The other arguments of the call.

    Raises:
        InputError: No tokenizer's window holds it (`prompt_too_long`).
    """
    fits = []
    for name in _TOKENIZERS:
        tokenizer = getattr(pipeline, name, None)
        window = None if tokenizer is None else _window(pipeline, tokenizer, arguments, first=name == "tokenizer")
        if window is not None:
            fits.append((_length(tokenizer, prompt), window))
    if fits and all(length > window for length, window in fits):
        length, window = max(fits, key=lambda each: each[1])
        raise InputError(
            f"The prompt has about {length} tokens; this model reads only the first {window}. Shorten it by about "
            f"{max(1, 100 * (length - window) // length)} percent.",
            code="prompt_too_long",
        )


def _window(pipeline: Any, tokenizer: Any, arguments: Mapping[str, Any], *, first: bool) -> int | None:
    own = int(getattr(tokenizer, "model_max_length", _UNBOUNDED))
    given = arguments.get(_ARGUMENT)
    if given is None:
        parameter = inspect.signature(type(pipeline).__call__).parameters.get(_ARGUMENT)
        given = None if parameter is None else parameter.default
    several = any(getattr(pipeline, name, None) is not None for name in _TOKENIZERS[1:])
    if not isinstance(given, int) or (first and several):  # With several, the argument is meant for the last ones.
        return own if own < _UNBOUNDED else None
    return min(own, given)


def _length(tokenizer: Any, prompt: str) -> int:
    """Returns the number of the prompt's own tokens. A template's tokens after it are cut first."""
    return len(tokenizer(prompt, truncation=False, add_special_tokens=False)["input_ids"])
