"""The confidence of a boolean in a model's JSON answer: P(true), from the log-probabilities at the boolean's token.

Reads the format of OpenAI-compatible servers and of local models: `response_metadata["logprobs"]["content"]` is a list
of `{"token", "logprob", "top_logprobs": [{"token", "logprob"}, …]}`.
"""

import math
import re
from collections.abc import Mapping, Sequence

from langchain_core.messages import AIMessage

__all__ = ["CRITIC_FIELD", "confidence_of"]

CRITIC_FIELD = "previous_step_success"
"""The boolean in a critic's answer."""
_ROUNDING = 0.01
"""By so much servers that compute in few bits exceed the logarithm of 1."""
_SMALLEST = -9999
"""What servers say for tokens that are impossible; a whole number of a thousand digits is no float."""


def confidence_of(message: AIMessage, field: str) -> float | None:
    """Returns P(true) for a boolean field, in 0..1, or None if there are no log-probabilities for it.

    Args:
        message: The model's answer. If it has the field several times, the last one counts.
        field: Name of the field in the answer's JSON.
    """
    logprobs = message.response_metadata.get("logprobs")
    tokens = logprobs.get("content") if isinstance(logprobs, Mapping) else None
    if not isinstance(tokens, Sequence) or not tokens:
        return None
    try:
        text = "".join(str(token["token"]) for token in tokens)
        places = [match.end() for match in re.finditer(rf'"{re.escape(field)}"\s*:\s*', text)]
        return _probability(tokens, places[-1]) if places else None
    except (KeyError, TypeError, ValueError):
        return None  # Log-probabilities in another format.


def _probability(tokens: Sequence[Mapping[str, object]], place: int) -> float | None:
    start = 0
    for token in tokens:
        word = str(token["token"])
        if start + len(word) > place:
            break
        start += len(word)
    else:
        return None
    before = word[: place - start]
    mass = {"t": 0.0, "f": 0.0}
    choices = token.get("top_logprobs") or [token]
    if not isinstance(choices, Sequence):
        return None
    for choice in choices:
        text = str(choice["token"])
        # An alternative may lack the space or quote that this token starts with.
        first = text.removeprefix(before).lstrip(' ":').lower()[:1]
        if first in mass:
            mass[first] += _probability_of(choice["logprob"])
    total = mass["t"] + mass["f"]
    return mass["t"] / total if total > 0 else None


def _probability_of(logprob: object) -> float:
    """Returns the probability for a logarithm, which a server may give as anything that JSON has.

    Raises:
        TypeError: It is no number.
        ValueError: It is NaN, or that of more than 1.
    """
    if isinstance(logprob, bool) or not isinstance(logprob, int | float):
        raise TypeError("a log-probability must be a number")
    if not logprob <= _ROUNDING:
        raise ValueError("a log-probability must be negative or 0")
    return math.exp(max(logprob, _SMALLEST))
