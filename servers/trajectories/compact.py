"""A `View` for answers to models: the same form with bounded size. Pure functions."""

from .view import RequestPart, StepView, View

__all__ = ["compact", "shortened"]

_TEXT = 240
_BYTES = 24_000
"""About 8,000 tokens: a third of the smallest limit that a chat client has for one answer."""


def compact(view: View) -> View:
    """Returns a view in at most about 24 kB: long texts are shortened, and attempts left out if need be.

    The newest attempts of the current step stay to the last.
    """
    short = view.model_copy(
        update={
            "steps": tuple(_short_step(step, view.step) for step in view.steps),
            "reasoning": shortened(view.reasoning),
            "request": tuple(_short_part(part) for part in view.request),
            "reason": shortened(view.reason, 1000),
            "notes": tuple(shortened(note) for note in view.notes[:20]),
            "faults": tuple(shortened(fault) for fault in view.faults[:20]),
            "branches": view.branches[-20:],
        }
    )
    for kept in (2, 1, 0):
        if _fits(short):
            return short
        thinned = (
            step.model_copy(update={"attempts": step.attempts[-kept:] if step.n == view.step and kept else ()})
            for step in short.steps
        )
        short = short.model_copy(update={"steps": tuple(thinned)})
    if _fits(short):
        return short
    # Dozens of steps with long texts.
    shorter = tuple(
        step.model_copy(
            update={
                "instruction": shortened(step.instruction, 80),
                "caption": shortened(step.caption, 60),
                "shows": shortened(step.shows, 80),
                "prompt": None if step.prompt is None else shortened(step.prompt, 40),
            }
        )
        for step in short.steps
    )
    return short.model_copy(update={"steps": shorter, "branches": ()})


def shortened(text: str, length: int = _TEXT) -> str:
    """Returns a text of at most `length` characters, with an ellipsis where it was cut off."""
    return text if len(text) <= length else text[: length - 1] + "…"


def _fits(view: View) -> bool:
    return len(view.model_dump_json().encode()) <= _BYTES


def _short_part(part: RequestPart) -> RequestPart:
    if part.text is None:
        return part.model_copy(update={"purpose": shortened(part.purpose, 100)})
    return RequestPart(text=shortened(part.text, 2000))


def _short_step(step: StepView, current: int) -> StepView:
    attempts = step.attempts if step.n == current else tuple(one for one in step.attempts if one.selected)
    return step.model_copy(
        update={
            "instruction": shortened(step.instruction),
            "caption": shortened(step.caption),
            "prompt": None if step.prompt is None else shortened(step.prompt),
            "shows": shortened(step.shows),
            "attempts": tuple(
                one.model_copy(update={"prompt": shortened(one.prompt), "reason": shortened(one.reason)})
                for one in attempts[-5:]
            ),
        }
    )
