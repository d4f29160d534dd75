"""The five nodes of the graph: plan, approve, generate, critic, refine.

A node reads the state and returns what changes; it never mutates what it was given. Errors of the ports pass through:
the checkpoint before the node stays, so that resuming runs the node again. Once a stop reason is set, the nodes between
it and `refine` do nothing.
"""

import contextvars
import secrets
from collections.abc import Awaitable, Callable, Mapping
from typing import Any, Literal

from langgraph.runtime import Runtime
from langgraph.types import Overwrite, interrupt
from pydantic import BaseModel, ConfigDict, ValidationError

from interleavethinker.tools.errors import ModelAnswerError
from interleavethinker.tools.protocols import PlanContext
from interleavethinker.tools.request_parsing import named_step_count
from interleavethinker.tools.types import Attempt, CriticInput, GenerationRequest, Plan, Step

from .attempts import (
    attempt_key,
    attempts_for,
    derive_seed,
    failed_steps,
    next_prompt,
    selected_attempt,
    source_image_for,
)
from .context import Components
from .document import assemble
from .events import Event, GenerationProgress, ImageGenerated, Judged, Planned
from .limits import Limits, StopReason
from .routing import allowed_attempts, decide, limits_of, needs_replan
from .state import (
    TrajectoryState,
    attempts_of,
    current_step_of,
    inherited_calls_of,
    initial_state,
    newest_plan,
    request_of,
    stop_reason_of,
)
from .timer import NodeTimer

__all__ = ["Approval", "Nodes"]

Update = dict[str, Any]


class Approval(BaseModel):
    """The answer to the approval interrupt: take the plan as it is, or these steps instead."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    approved: Literal[True]
    """Said in words, because LangGraph takes an empty answer for none."""
    steps: tuple[Step, ...] | None = None


class Nodes:
    """The nodes, bound to a way of finding the ports.

    Args:
        find_ports: Returns the ports of a run: its context, or a shared runtime's.
    """

    def __init__(self, find_components: Callable[[Runtime[Any]], Awaitable[Components]]) -> None:
        self._find_components = find_components

    async def plan(self, state: TrajectoryState, runtime: Runtime[Any]) -> Update:
        """Asks the planner for all steps, or for the remaining ones where a plan failed too often."""
        components = await self._find_components(runtime)
        limits = Limits.model_validate(state.get("limits") or components.limits)
        request, current_step = request_of(state), current_step_of(state)
        # Whoever invokes a thread again, finished or not, wants a new answer; only `refine` leads here for a replan.
        replanning = not stop_reason_of(state) and needs_replan(state, current_step)
        previous = newest_plan(state) if replanning else None
        async with NodeTimer(state if replanning else {}, limits) as work:
            answer = await components.planner.plan(request, _plan_context(state, previous, current_step))
        update: Update = _new_trajectory(state, limits) if previous is None else {}
        update["seconds"] = work.seconds
        if work.expired:
            return update | {"stop_reason": StopReason.TIME_LIMIT}
        kept = previous.steps[:current_step] if previous else ()
        version = previous.version + 1 if previous else 1
        plan = answer.model_copy(update={"steps": kept + answer.steps, "version": version})
        _check_plan(plan, limits)
        _emit(runtime, Planned(plan=plan, first=len(kept)))
        if previous is None:
            return update | {"plans": Overwrite({version: plan})}
        return update | {"plans": {version: plan}, "replans": state.get("replans", 0) + 1}

    def approve(self, state: TrajectoryState) -> Update:
        """Waits for a person where the trajectory asks for it. Runs again from its top on resume, so it does only
        this.
        """
        plan = newest_plan(state)
        if plan is None or not state.get("approve_plan") or stop_reason_of(state):
            return {}
        question = {"kind": "approve_plan", "plan": plan.model_dump(mode="json")}
        edited, problem = _edited(plan, interrupt(question), limits_of(state))
        while problem:  # The answer is recorded, so raising here would fail at every resume; asking again does not.
            edited, problem = _edited(plan, interrupt(question | {"problem": problem}), limits_of(state))
        return {} if edited is plan else {"plans": {edited.version: edited}}

    async def generate(self, state: TrajectoryState, runtime: Runtime[Any]) -> Update:
        """Makes the next attempt of the current step, and the first attempts of the steps that look-ahead allows."""
        plan, limits = newest_plan(state), limits_of(state)
        if plan is None or stop_reason_of(state):
            return {}
        components = await self._find_components(runtime)
        drawn: dict[str, Attempt] = {}
        async with NodeTimer(state, limits) as work:
            for step in _steps_to_draw(state, plan, limits):
                attempt = await _draw(components, runtime, state, plan, step, drawn)
                drawn[attempt_key(plan.version, step, attempt.iteration)] = attempt
        update: Update = {"attempts": drawn, "seconds": work.seconds}
        return update | {"stop_reason": StopReason.TIME_LIMIT} if work.expired else update

    async def critic(self, state: TrajectoryState, runtime: Runtime[Any]) -> Update:
        """Judges, in one batch, the attempts that nobody judged yet."""
        plan = newest_plan(state)
        if plan is None or stop_reason_of(state):
            return {}
        components = await self._find_components(runtime)
        limits = limits_of(state)
        pending = _worth_judging(state, plan, components.critic.gives_confidence)
        if not pending:
            return {}
        cases = [
            CriticInput(
                source=attempt.source,
                image=attempt.image,
                original_prompt=plan.steps[attempt.step].prompt or attempt.prompt,
                prompt=attempt.prompt,
            )
            for attempt in pending
        ]
        async with NodeTimer(state, limits) as work:
            verdicts = await components.critic.judge(cases)
        if work.expired:
            return {"seconds": work.seconds, "stop_reason": StopReason.TIME_LIMIT}
        judged = {}
        for attempt, verdict in zip(pending, verdicts, strict=True):
            done = attempt.model_copy(update={"verdict": verdict})
            judged[attempt_key(done.plan_version, done.step, done.iteration)] = done
            _emit(runtime, Judged(attempt=done))
        return {"attempts": judged, "seconds": work.seconds}

    async def refine(self, state: TrajectoryState, runtime: Runtime[Any]) -> Update:
        """Decides: accept and go on, retry, keep the best attempt, plan anew, or end."""
        decision = decide(state)
        for event in decision.events:
            _emit(runtime, event)
        update: Update = {"current_step": decision.current_step, "stop_reason": decision.stop_reason}
        if decision.dropped:
            update["attempts"] = dict.fromkeys(decision.dropped)
        if decision.stop_reason is not None:
            remaining = {k: a for k, a in attempts_of(state).items() if k not in decision.dropped}
            asked = named_step_count(request_of(state).text)
            update["document"] = assemble(
                newest_plan(state), remaining, decision.current_step, decision.stop_reason, limits_of(state), asked
            )
        return update


def _emit(runtime: Runtime[Any], event: Event) -> None:
    runtime.stream_writer(event)


def _edited(plan: Plan, answer: object, limits: Limits) -> tuple[Plan, str]:
    """Returns the plan after an approval, and what is wrong with the answer, if anything."""
    try:
        approval = Approval.model_validate(answer)
        if approval.steps is None:
            return plan, ""
        edited = Plan(steps=approval.steps, version=plan.version + 1, reasoning="edited by hand")
        _check_plan(edited, limits)
    except (ValidationError, ModelAnswerError) as error:
        return plan, f'An approval must be {{"approved": true}}, optionally with "steps": {error}'
    return edited, ""


def _new_trajectory(state: TrajectoryState, limits: Limits) -> Update:
    """Returns the values that every trajectory starts from; what an earlier one left in the thread is dropped."""
    # The seed is recorded before anything depends on it, so a crash cannot change it.
    seed = state.get("seed", secrets.randbelow(2**31))
    start = initial_state(limits, seed, approve_plan=state.get("approve_plan", False))
    return start | {"attempts": Overwrite({}), "plans": Overwrite({})}


def _check_plan(plan: Plan, limits: Limits) -> None:
    if not plan.steps:
        raise ModelAnswerError("A plan must have at least one step; the planner gave none.")
    if len(plan.steps) > limits.max_steps:
        raise ModelAnswerError(
            f"A plan must have at most {limits.max_steps} steps; the planner gave {len(plan.steps)}. "
            "Raise limits.max_steps if that many are wanted."
        )


def _plan_context(state: TrajectoryState, previous: Plan | None, current_step: int) -> PlanContext:
    if previous is None:
        return PlanContext()
    attempts = attempts_of(state)
    kept = (selected_attempt(attempts, step) for step in range(current_step))
    done = tuple(attempt for attempt in kept if attempt is not None)
    return PlanContext(previous, done, tuple(failed_steps(previous, attempts, current_step)), current_step)


def _steps_to_draw(state: TrajectoryState, plan: Plan, limits: Limits) -> list[int]:
    """Returns the current step and those drafted ahead: only steps with a prompt, and no more than calls are left."""
    current_step = current_step_of(state)
    ahead = [
        i for i in range(current_step, min(current_step + limits.look_ahead, len(plan.steps))) if plan.steps[i].prompt
    ]
    if limits.max_calls is None:
        return ahead
    used = len(attempts_of(state)) - inherited_calls_of(state)
    return ahead[: max(0, limits.max_calls - used)]


async def _draw(
    components: Components,
    runtime: Runtime[Any],
    state: TrajectoryState,
    plan: Plan,
    step: int,
    drawn: Mapping[str, Attempt],
) -> Attempt:
    tries = attempts_for(attempts_of(state), plan.version, step)
    iteration = tries[-1].iteration + 1 if tries else 0
    prompt = next_prompt(plan.steps[step].prompt or "", tries)
    seed = derive_seed(state.get("seed", 0), step, iteration)
    override = state.get("override")
    if override is not None and (override.step, override.iteration) == (step, iteration):
        prompt = prompt if override.prompt is None else override.prompt
        seed = seed if override.seed is None else override.seed
    source = source_image_for(attempts_of(state) | dict(drawn), step, request_of(state).images)
    call = GenerationRequest(prompt=prompt, seed=seed, source=source)

    # The generator's client calls back from a task of its own, where LangGraph would not know this node.
    here = contextvars.copy_context()

    def progress(fraction: float, message: str) -> None:
        here.run(_emit, runtime, started.model_copy(update={"fraction": fraction, "message": message}))

    started = GenerationProgress(step=step, iteration=iteration, prompt=prompt, seed=seed)
    _emit(runtime, started)
    made = await components.generator.generate(call, progress)
    attempt = Attempt(
        plan_version=plan.version,
        step=step,
        iteration=iteration,
        prompt=prompt,
        seed=seed,
        source=call.source,
        image=made.sha256,
        seconds=made.seconds,
        cached=made.cached,
    )
    _emit(runtime, ImageGenerated(attempt=attempt))
    return attempt


def _worth_judging(state: TrajectoryState, plan: Plan, gives_confidence: bool) -> list[Attempt]:
    """Returns the attempts to judge, in order.

    A step's last allowed attempt cannot be retried, so a verdict on it matters only where a confidence helps to choose
    among several.
    """
    current_step = current_step_of(state)
    pending = [
        attempt
        for attempt in attempts_of(state).values()
        if attempt.plan_version == plan.version and attempt.step >= current_step and attempt.verdict is None
    ]
    pending.sort(key=lambda attempt: attempt.step)
    return [
        attempt
        for attempt in pending
        if attempt.iteration + 1 < allowed_attempts(state, plan, attempt.step)
        or (gives_confidence and attempt.iteration > 0)
    ]
