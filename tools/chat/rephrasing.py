"""Asks a critic again whose new prompt was already tried in the same step: sampled, or told what was tried.

A greedy critic answers an equal image in equal words, so the same prompt would be tried until the step's attempts are
used up. The verdict stays that of the first answer; only the words are replaced. Which prompts were tried is the
graph's knowledge, not that of this module.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from langchain_core.language_models import BaseChatModel

from interleavethinker.tools.errors import ProfileError
from interleavethinker.tools.types import TextPart

from .rendering import Turn

__all__ = ["Rephrasings", "sampling_model", "was_tried", "with_tried"]

_SEED_LIMIT = 2**31


@dataclass(frozen=True)
class Rephrasings:
    """How a critic is asked for a prompt that was not tried."""

    most: int = 0
    """Most further answers for one attempt; 0: the prompt is taken as it is."""
    temperature: float | None = None
    """Sampling temperature of these answers to the same question. None: the critic is told what was tried."""


def was_tried(prompt: str, tried: Sequence[str]) -> bool:
    """Returns whether a prompt equals one of those tried, apart from case, spaces and a final period.

    Examples:
        >>> was_tried("A red  ball.", ["a red ball"])
        True
        >>> was_tried("a crimson ball", ["a red ball"])
        False
    """
    return _plain(prompt) in set(map(_plain, tried))


def _plain(prompt: str) -> str:
    return " ".join(prompt.casefold().split()).removesuffix(".")


def with_tried(turns: Sequence[Turn], tried: Sequence[str]) -> list[Turn]:
    """Returns the critic's conversation whose last turn ends with the prompts that were tried. It is model input.

    Args:
        turns: The conversation.
        tried: The prompts, in order; repetitions are left out.
    """
    *others, last = turns
    listed = "\n".join(f"- {prompt}" for prompt in dict.fromkeys(tried))
    text = (
        "\n\nThese prompts were already tried for this step, and their images were rejected. Do not repeat any of "
        f"them: ask for the same in other words.\n{listed}"
    )
    return [*others, Turn(last.role, (*last.parts, TextPart(text=text)))]


def sampling_model(model: BaseChatModel, temperature: float, seed: int) -> BaseChatModel:
    """Returns the model with another temperature, and with the seed if it takes one.

    Args:
        model: The critic's model.
        temperature: Sampling temperature.
        seed: Any whole number from 0; the model gets it modulo 2³¹.

    Raises:
        ProfileError: The model has no temperature.
    """
    fields = type(model).model_fields
    if "temperature" not in fields:
        raise ProfileError(
            f"rephrasing_temperature needs a model with a temperature; {type(model).__name__} has none. Remove it from "
            "the critic's section of the profile: the critic is then told which prompts were tried."
        )
    update: dict[str, float | int] = {"temperature": temperature}
    if "seed" in fields:
        update["seed"] = seed % _SEED_LIMIT
    return model.model_copy(update=update)
