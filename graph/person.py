"""What a person adds to a trajectory inside a node: a message that is the request, a decision on a plan, a verdict.

The functions that ask call LangGraph's `interrupt`. LangGraph runs an interrupted node again from its start, and
records an answer, so that an unusable one is asked for again instead of raised.
"""

import asyncio
import uuid
from collections.abc import Awaitable, Callable, Mapping
from typing import Any, cast

from langgraph.runtime import Runtime
from langgraph.types import interrupt

from interleavethinker.tools.errors import InputError, ModelAnswerError
from interleavethinker.tools.images.store import ImageStore
from interleavethinker.tools.request_parsing import as_request, check_length
from interleavethinker.tools.types import Plan, Request, Sha256, TextPart

from .attempts import attempts_for, attempts_to_review
from .context import Components, GraphContext, options_of
from .conversation import continued, image_address, stored_form, unanswered_message
from .events import Judged
from .human_loop import finished_steps_problem, image_question, image_verdict, plan_decision, plan_question
from .limits import Limits, StopReason
from .message_blocks import message_parts
from .planning import check_steps
from .routing import limits_of
from .state import (
    TrajectoryState,
    attempts_of,
    current_step_of,
    document_of,
    newest_plan,
    request_of,
    stop_reason_of,
)
from .workspace.human_review import HumanVerdict, human_verdict_update, with_mask

__all__ = ["approval_of", "message_read", "reviewed"]

Update = dict[str, Any]


async def message_read(state: Mapping[str, Any], components: Components, options: GraphContext) -> Update:
    """Returns the request that an unanswered message makes, and that message without the bytes of its images.

    Raises:
        InputError: There is neither such a message nor a request, or the message cannot be used.
    """
    message = unanswered_message(state)
    if message is None:
        if not state.get("request"):
            raise InputError("There is no request. Give `request`, or `messages` whose last one is a person's.")
        check_length(request_of(state))
        return {}
    parts = await asyncio.to_thread(message_parts, message, components.store)
    request = as_request(parts)
    check_length(request)
    shown: tuple[Sha256, ...] = ()
    if newest_plan(state) is not None:
        request, shown = continued(document_of(state), parts, state.get("shown") or ())
    identified = message if message.id is not None else message.model_copy(update={"id": str(uuid.uuid4())})
    return {
        "request": request,
        "message_id": identified.id,
        "shown": shown,
        "messages": [stored_form(identified, parts, image_address(options))],
    }


def approval_of(state: Mapping[str, Any], plan: Plan) -> Update:
    """Asks a person about a plan, and returns the changes that the answer makes."""
    problem = ""
    while True:
        question, schema = plan_question(plan, problem)
        decision = plan_decision(interrupt(question, response_schema=schema))
        problem = decision.problem
        if problem:
            continue
        if decision.rejected:
            if not decision.message:
                return {"stop_reason": StopReason.REJECTED}
            parts = (*request_of(state).parts, TextPart(text=decision.message))
            return {"request": Request(parts=parts), "plans": dict.fromkeys(state["plans"])}
        if decision.steps is None:
            return {}
        version, reasoning = plan.version + 1, "edited by a person"
        edited = Plan(steps=decision.steps, version=version, reasoning=reasoning, made_by="person")
        problem = _problem_of(edited, limits_of(state), request_of(state))
        problem = problem or finished_steps_problem(edited.steps, plan.steps[: current_step_of(state)])
        if not problem:
            return {"plans": {edited.version: edited}}


async def reviewed(
    state: TrajectoryState, runtime: Runtime[Any], find_components: Callable[[Runtime[Any]], Awaitable[Components]]
) -> tuple[Update, TrajectoryState]:
    """Asks a person about the newest attempt of the current step, or its variants, if the trajectory requires it.

    Args:
        state: The trajectory's state.
        runtime: The node's.
        find_components: Their store is needed for a region or a mask.

    Returns:
        The changes that the answer makes, and the state with them.
    """
    plan = newest_plan(state)
    if plan is None or not state.get("review_images") or stop_reason_of(state):
        return {}, state
    # Those that the image service refused have nothing to look at.
    of_step = attempts_for(attempts_of(state), plan.version, current_step_of(state))
    asked = [one for one in attempts_to_review(of_step) if one.image is not None]
    if not asked:
        return {}, state
    problem = ""
    while True:
        question, schema = image_question(asked, image_address(options_of(runtime)), problem)
        verdict, problem = image_verdict(asked, interrupt(question, response_schema=schema))
        if verdict is not None:
            if verdict.region is not None or verdict.mask is not None:
                try:
                    verdict = await _with_mask(state, verdict, (await find_components(runtime)).store)
                except InputError as error:
                    problem = str(error)
                    continue
            update, judged = human_verdict_update(state, verdict)
            runtime.stream_writer(Judged(attempt=judged))
            changed = {**state, **update, "attempts": attempts_of(state) | update["attempts"]}
            return update, cast("TrajectoryState", changed)


async def _with_mask(state: TrajectoryState, verdict: HumanVerdict, store: ImageStore | None) -> HumanVerdict:
    if store is None:
        raise InputError("The components have no image store, so no region can be changed. Reject without one.")
    return await with_mask(state, verdict, store, running=False)


def _problem_of(plan: Plan, limits: Limits, request: Request) -> str:
    """Returns why a person's plan cannot be carried out; empty if it can."""
    try:
        check_steps(plan, limits, request)
    except ModelAnswerError as error:
        return str(error)
    return ""
