"""Notices prompts that a pipeline would cut: two prompts that differ after the cut would give the same image.

A pipeline may read a prompt with several tokenizers; the one with the widest window decides.
"""

import inspect
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from interleavethinker.tools.errors import InputError

__all__ = ["PromptCut", "prompt_cut"]

_TOKENIZERS = ("tokenizer", "tokenizer_2", "tokenizer_3")
_ARGUMENT = "max_sequence_length"
_UNBOUNDED = 1_000_000
"""A tokenizer without a window reports an astronomic one."""


@dataclass(frozen=True)
class PromptCut:
    """A prompt of which a pipeline reads only the beginning; both lengths are in tokens."""

    length: int
    window: int

    @property
    def note(self) -> str:
        """One sentence for the record of an image that was generated all the same."""
        return f"The prompt has about {self.length} tokens; this model reads only the first {self.window}."

    @property
    def error(self) -> InputError:
        """The error of a call that asks for no such image (`prompt_too_long`)."""
        percent = max(1, 100 * (self.length - self.window) // self.length)
        return InputError(f"{self.note} Shorten it by about {percent} percent.", code="prompt_too_long")


def prompt_cut(pipeline: Any, prompt: str, arguments: Mapping[str, Any]) -> PromptCut | None:
    """Returns how a pipeline would cut a prompt; None if one of its tokenizers' windows holds it.

    Args:
        pipeline: A diffusers pipeline.
        prompt: What it would be called with.
        arguments: The other arguments of the call.
    """
    fits = []
    for name in _TOKENIZERS:
        tokenizer = getattr(pipeline, name, None)
        window = None if tokenizer is None else _window(pipeline, tokenizer, arguments, first=name == "tokenizer")
        if window is not None:
            fits.append((_length(tokenizer, prompt), window))
    if fits and all(length > window for length, window in fits):
        return PromptCut(*max(fits, key=lambda each: each[1]))
    return None


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
