"""The graph's spans: one for each run of a trajectory; in it one for each node and each call of generator and critic.

A run's span lies beside its checkpoints: their metadata name it, so that whoever resumes the trajectory, in whichever
process, can link the new run to it, even if the first one was killed and its own span never ended.
"""

import asyncio
import json
import logging
from collections.abc import Mapping, Sequence
from typing import Any

from langchain_core.runnables import RunnableConfig
from langgraph.checkpoint.base import BaseCheckpointSaver
from langgraph.errors import GraphBubbleUp

from interleavethinker.tools.tracing.spans import AttributeValue, Carrier, Span, carrier, is_on, span
from interleavethinker.tools.types import GeneratedImage, GenerationRequest

from .events import ApprovalNeeded, Cancelled, Event, Failed, Finished, Paused, ReviewNeeded

__all__ = ["end_run", "generation_span", "judging_span", "node_span", "record_image", "run_span", "trace_metadata"]

_log = logging.getLogger(__name__)
_CHECKPOINTS = 5
"""How far back the previous run is looked for: verdicts and limits of a person are checkpoints of no run."""
_OF_A_STEP = {"generate", "critic", "refine"}
_FIELDS = ("traceparent", "tracestate")
_STATUS: Mapping[type, str] = {
    Finished: "done",
    Failed: "failed",
    Cancelled: "cancelled",
    ApprovalNeeded: "waiting",
    Paused: "paused",
    ReviewNeeded: "paused",
}


def trace_metadata(of: Carrier | None = None) -> dict[str, str]:
    """Returns what a checkpoint's metadata say of a span, by default the one around; nothing where there is none."""
    found = carrier() if of is None else of
    return {name: found[name] for name in _FIELDS if name in found}


async def run_span(trajectory: str, saver: object, config: RunnableConfig) -> Span:
    """Begins the span of one run of a trajectory, linked to the run before it or to whoever created it.

    Args:
        trajectory: Its id.
        saver: Has its checkpoints.
        config: Names its thread.
    """
    if not is_on():
        return span("invoke_agent")
    earlier, steps = await _earlier(saver, config) if isinstance(saver, BaseCheckpointSaver) else ({}, 0)
    attributes: dict[str, AttributeValue] = {
        "gen_ai.operation.name": "invoke_agent",
        "gen_ai.agent.name": "interleavethinker",
        "gen_ai.conversation.id": trajectory,
        "interleavethinker.resumed": steps > 0,
    }
    return span("invoke_agent interleavethinker", attributes, links=[earlier] if earlier else [])


async def _earlier(saver: BaseCheckpointSaver[Any], config: RunnableConfig) -> tuple[Carrier, int]:
    """Returns the span that the newest checkpoints name, and the number of the newest one."""
    steps = 0
    try:
        async for one in saver.alist(config, limit=_CHECKPOINTS):
            said: Mapping[str, Any] = {**one.metadata}
            steps = max(steps, int(said.get("step", 0)))
            found = {name: str(said[name]) for name in _FIELDS if name in said}
            if found:
                return found, steps
    except Exception:  # noqa: BLE001 - the run reads fewer checkpoints, and may do without a damaged one
        _log.debug("the trajectory's earlier runs cannot be linked", exc_info=True)
    return {}, steps


def end_run(run: Span, last: Event | None, error: Exception | None) -> None:
    """Ends a run's span.

    Args:
        run: From `run_span`.
        last: The run's last event; None: its reader left, which pauses the trajectory.
        error: Why it failed.
    """
    if not is_on():
        return
    run.set({"interleavethinker.status": _STATUS.get(type(last), "paused")})
    if isinstance(last, Finished):
        run.set({"interleavethinker.stop_reason": str(last.stop_reason)})
    run.end(asyncio.CancelledError() if isinstance(last, Cancelled) else error)


def node_span(name: str, state: object) -> Span:
    """Begins the span of a node. LangGraph's interrupts end it without an error."""
    if not is_on():
        return span(name)
    step = state.get("current_step") if name in _OF_A_STEP and isinstance(state, Mapping) else None
    attributes = {"interleavethinker.node": name, "interleavethinker.step": None if step is None else step + 1}
    return span(name, attributes, expected=(GraphBubbleUp,))


def generation_span(call: GenerationRequest) -> Span:
    """Begins the span of a generator call, with everything that is done for it: uploads, resends, reading the image."""
    if not is_on():
        return span("generate_image")
    from interleavethinker.tools.tracing.recording import captures_content

    tool = "generate_image" if call.source is None else "edit_image"
    attributes: dict[str, AttributeValue] = {
        "gen_ai.operation.name": "execute_tool",
        "gen_ai.tool.name": tool,
        "interleavethinker.seed": call.seed,
    }
    if captures_content():
        attributes["gen_ai.tool.call.arguments"] = json.dumps(call.model_dump(mode="json", exclude_none=True))
    return span(f"execute_tool {tool}", attributes)


def record_image(to: Span, image: GeneratedImage) -> None:
    """Adds to a generator call's span what its image says about itself."""
    if is_on():
        to.set(
            {
                "gen_ai.response.model": image.model,
                "interleavethinker.cached": image.cached,
                "interleavethinker.image.height": image.height,
                "interleavethinker.image.sha256": image.sha256,
                "interleavethinker.image.width": image.width,
            }
        )


def judging_span(cases: Sequence[object]) -> Span:
    """Begins the span of a critic's call."""
    return span("judge", {"interleavethinker.images": len(cases)}) if is_on() else span("judge")
