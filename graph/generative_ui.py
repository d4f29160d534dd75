"""The storyboard component of LangGraph's generative UI: its data, and the message that shows it beside an answer.

`servers/storyboard_ui.tsx` draws it. A served graph pushes it if its operator has configured that component, because a
client that is told of a component which its server does not have shows an error instead.
"""

from collections.abc import Callable, Mapping
from typing import Any

from langchain_core.messages import AIMessage
from langgraph.graph.ui import push_ui_message

from interleavethinker.tools.types import Attempt, Sha256

from .document import Document
from .state import attempts_of

__all__ = ["COMPONENT", "push_storyboard", "storyboard_props"]

COMPONENT = "storyboard"


def push_storyboard(
    state: Mapping[str, Any], document: Document, message: AIMessage, address: Callable[[Sha256], str]
) -> None:
    """Shows the storyboard with a message. Must be called inside a node.

    Args:
        state: The state at the end of the trajectory.
        document: The answer.
        message: The answer as a message, with an `id`.
        address: Returns the address of an image.
    """
    push_ui_message(COMPONENT, storyboard_props(state, document, address), message=message)


def storyboard_props(state: Mapping[str, Any], document: Document, address: Callable[[Sha256], str]) -> dict[str, Any]:
    """Returns what the component shows, as JSON: each step of the document with all attempts at it."""
    steps: dict[int, dict[str, Any]] = {}
    for block in document.blocks:
        step = steps.setdefault(block.step, {"title": "", "status": block.status, "texts": [], "selected": None})
        match block.kind:
            case "heading":
                step["title"] = block.text
            case "text":
                step["texts"].append(block.text)
            case "image":
                step["selected"] = block.sha256
    for number, step in steps.items():
        attempts = [attempt for attempt in attempts_of(state).values() if attempt.step == number]
        attempts.sort(key=lambda attempt: (attempt.plan_version, attempt.iteration))
        selected = step.pop("selected")
        step["attempts"] = [_attempt(attempt, selected, address) for attempt in attempts]
    return {
        "status": document.status,
        "notes": list(document.notes),
        "steps": [{"number": number + 1} | steps[number] for number in sorted(steps)],
    }


def _attempt(attempt: Attempt, selected: Sha256 | None, address: Callable[[Sha256], str]) -> dict[str, Any]:
    verdict = attempt.verdict
    return {
        "prompt": attempt.prompt,
        "image": None if attempt.image is None else address(attempt.image),
        "selected": attempt.image is not None and attempt.image == selected,
        "accepted": None if verdict is None else verdict.success,
        "reason": attempt.refusal or ("" if verdict is None else verdict.reasoning),
    }
