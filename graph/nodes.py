"""The nodes of the graph: plan, check_plan, approve, generate, critic, refine, check_document.

A node reads the state and returns the changes; it never mutates its input. Errors of planner, generator and critic
propagate: the checkpoint before the node remains, so resuming runs the node again. Once a stop reason is set, all nodes
before `refine` do nothing.
"""

from collections.abc import Awaitable, Callable, Hashable, Mapping, Sequence
from typing import Any

from langgraph.runtime import Runtime

from interleavethinker.tools.protocols import Critic, Rewording
from interleavethinker.tools.references import in_words
from interleavethinker.tools.types import Attempt, CheckReport, CriticInput, Plan, Verdict

from .attempts import (
    attempt_key,
    attempts_for,
    selected_attempt,
)
from .comparing import with_places
from .context import Components, options_of
from .conversation import answer_message, image_address
from .document import Document
from .events import DocumentChecked, Event, Judged, PlanChecked, Planned
from .generating import drafts_after, generate_round, step_to_generate, with_override
from .generative_ui import push_storyboard
from .ledger import Ledger
from .limits import Limits, StopReason
from .look_ahead import LookAhead
from .model_calls import model_calls
from .person import approval_of, reviewed
from .plan_node import plan_steps
from .plan_versions import carried_over
from .planning import asks_again, context_of_check
from .referring import case_of
from .rephrasing import with_untried_prompts
from .reviewing import with_review
from .routing import allowed_attempts, decide, is_spent, limits_of
from .state import (
    TrajectoryState,
    attempts_of,
    current_step_of,
    document_of,
    newest_plan,
    plan_to_carry_out,
    rejected_plans_of,
    request_of,
    stop_reason_of,
)
from .time_limit import TimeLimit

__all__ = ["Nodes"]

Update = dict[str, Any]


class Nodes:
    """The node functions, with access to the components of a run.

    Args:
        find_components: Returns the components of a run: those in its context, or the shared ones of a profile.
        storyboard: Show the component of `generative_ui` with each answer.
    """

    def __init__(
        self, find_components: Callable[[Runtime[Any]], Awaitable[Components]], *, storyboard: bool = False
    ) -> None:
        self._find_components = find_components
        self._storyboard = storyboard
        self._ahead = LookAhead()

    def ledger(self, state: TrajectoryState, runtime: Runtime[Any]) -> Ledger:
        """Returns what the trajectory has to pay for and its state does not contain yet; see `spending.counted`."""
        return self._ahead.ledger(_trajectory(state, runtime))

    async def plan(self, state: TrajectoryState, runtime: Runtime[Any]) -> Update:
        """Asks the planner for all steps, or for the remaining steps after too many failures; see `plan_node`."""
        return await plan_steps(await self._find_components(runtime), state, runtime)

    async def check_plan(self, state: TrajectoryState, runtime: Runtime[Any]) -> Update:
        """Checks the newest plan against the request, and decides whether another plan is asked for."""
        plan = newest_plan(state)
        components = await self._find_components(runtime)
        if plan is None or components.plan_check is None or stop_reason_of(state):
            return {"rejected_plans": 0, "to_check": None}
        limits, tries = limits_of(state), rejected_plans_of(state)
        context = context_of_check(state, plan)
        report: CheckReport | None = None
        async with TimeLimit(state, limits) as timer, model_calls(runtime, components.store):
            report = await components.plan_check.check_plan(in_words(request_of(state)), plan, context)
        update: Update = {"seconds": timer.seconds, "to_check": None}
        if report is None or timer.expired:
            return update | {"rejected_plans": 0, "stop_reason": StopReason.TIME_LIMIT}
        again = bool(report.faults) and asks_again(plan, tries, components, limits, state.get("remaining_steps"))
        checked = plan.model_copy(update={"report": report, "rejected": again})
        _emit(runtime, PlanChecked(plan=checked))
        return update | {"plans": {plan.version: checked}, "rejected_plans": tries + 1 if again else 0}

    def approve(self, state: TrajectoryState) -> Update:
        """Waits for a person's approval if the trajectory requires it.

        LangGraph runs an interrupted node again from its start, so this node does nothing else.
        """
        plan = plan_to_carry_out(state)
        if plan is None or not state.get("approve_plan") or stop_reason_of(state):
            return {}
        return approval_of(state, plan)

    async def generate(self, state: TrajectoryState, runtime: Runtime[Any]) -> Update:
        """Generates the next attempt of the current step, or takes it from its drafts."""
        state = with_review(state)
        plan, limits = plan_to_carry_out(state), limits_of(state)
        if plan is None or stop_reason_of(state):
            return {}
        if is_spent(state, limits) and step_to_generate(state, plan, limits) is not None:
            return {"stop_reason": StopReason.MAX_COST}  # The plan took it all.
        components = await self._find_components(runtime)
        ahead = self._ahead.of(components, _trajectory(state, runtime))
        generated: dict[str, Attempt] = {}
        edited, override = with_override(state, plan)
        if edited is not plan:
            _emit(runtime, Planned(plan=edited, first=current_step_of(state)))
        async with TimeLimit(state, limits) as timer:
            await generate_round(ahead, runtime, state, edited, override, generated)
        update: Update = {"attempts": generated, "seconds": timer.seconds}
        if override is not None and generated:
            update["override"] = None
            if edited is not plan:
                kept = carried_over(attempts_of(state), plan, edited, override.step)
                update |= {"plans": {edited.version: edited}, "attempts": kept | generated}
        approved = tuple(state.get("approved_plans") or ())
        if generated and state.get("approve_plan") and edited.version not in approved:
            update["approved_plans"] = (*approved, edited.version)
        return update | {"stop_reason": StopReason.TIME_LIMIT} if timer.expired else update

    async def critic(self, state: TrajectoryState, runtime: Runtime[Any]) -> Update:
        """Judges all unjudged attempts, drafts later steps meanwhile, and finds other words for a refused prompt."""
        state = with_review(state)
        plan = plan_to_carry_out(state)
        if plan is None or stop_reason_of(state):
            return {}
        components = await self._find_components(runtime)
        limits = limits_of(state)
        pending = _attempts_to_judge(state, plan, limits, components.critic.gives_confidence)
        if not pending:
            return {}
        cases = [None if one.image is None else case_of(state, plan, one, one.image) for one in pending]
        done: list[Attempt] = []
        async with TimeLimit(state, limits) as timer, model_calls(runtime, components.store):
            shown = [case for case in cases if case is not None]
            found = iter(await self._judge(components, runtime, state, plan, shown, pending[-1]))
            verdicts = [
                await self._after_refusal(components.critic, state, plan, attempt)
                if attempt.image is None
                else next(found)
                for attempt in pending
            ]
            done = [a.model_copy(update={"verdict": v}) for a, v in zip(pending, verdicts, strict=True)]
            done = await with_places(components.critic, done, cases)
            done = await with_untried_prompts(components.critic, state, plan, done)
        for attempt in done:
            _emit(runtime, Judged(attempt=attempt))
        judged = {attempt_key(each.plan_version, each.step, each.iteration): each for each in done}
        update: Update = {"attempts": judged, "seconds": timer.seconds}
        return update | {"stop_reason": StopReason.TIME_LIMIT} if timer.expired else update

    async def _judge(
        self,
        components: Components,
        runtime: Runtime[Any],
        state: TrajectoryState,
        plan: Plan,
        cases: Sequence[CriticInput],
        last: Attempt,
    ) -> Sequence[Verdict]:
        if not cases:
            return ()
        drafts = () if last.image is None else drafts_after(state, plan, limits_of(state), last.step)
        ahead = self._ahead.of(components, _trajectory(state, runtime))
        return await ahead.judge(cases, drafts, attempts_of(state).values())

    @staticmethod
    async def _after_refusal(critic: Critic, state: TrajectoryState, plan: Plan, attempt: Attempt) -> Verdict:
        """Returns the verdict on an attempt that the image service refused, with other words if it can be repeated."""
        made = len(attempts_for(attempts_of(state), plan.version, attempt.step))
        prompt = attempt.prompt
        if made < allowed_attempts(state, plan.version, attempt.step) and isinstance(critic, Rewording):
            prompt = await critic.reword(
                prompt, attempt.wish or plan.steps[attempt.step].prompt or prompt, attempt.refusal
            )
        return Verdict(success=False, refined_prompt=prompt, reasoning=attempt.refusal)

    async def refine(self, state: TrajectoryState, runtime: Runtime[Any]) -> Update:
        """Applies a person's verdict, if the trajectory asks for one, and `decide`: continue, retry, replan, or end."""
        update, state = await reviewed(state, runtime, self._find_components)
        plan_to_carry_out(state)
        decision = decide(with_review(state))
        for event in decision.events:
            _emit(runtime, event)
        update |= {"current_step": decision.current_step, "stop_reason": decision.stop_reason}
        attempts = attempts_of(state)
        outdated = {key: attempts[key].model_copy(update={"outdated": True}) for key in decision.outdated}
        if outdated:
            update["attempts"] = update.get("attempts", {}) | outdated
        if decision.stop_reason is not None:
            self._ahead.drop(_trajectory(state, runtime))
            attempts |= outdated
            document = document_of({**state, **update, "attempts": attempts, "document_report": None})
            update["document"] = document
            if decision.stop_reason == StopReason.COMPLETE:
                components = await self._find_components(runtime)
                update["to_check"] = None if components.document_check is None else "document"
            if update.get("to_check") is None:
                update |= self._answer({**state, "attempts": attempts}, document, runtime)
        return update

    async def check_document(self, state: TrajectoryState, runtime: Runtime[Any]) -> Update:
        """Checks the complete document against the request. Its time limit ends the check, not the trajectory."""
        plan, attempts, stop_reason = newest_plan(state), attempts_of(state), stop_reason_of(state)
        components = await self._find_components(runtime)
        if plan is None or stop_reason is None or components.document_check is None:
            return {"to_check": None}
        shown = tuple(
            None if step.prompt is None else selected_attempt(attempts, index) for index, step in enumerate(plan.steps)
        )
        report = CheckReport(checked=False)
        async with TimeLimit(state, limits_of(state)) as timer, model_calls(runtime, components.store):
            report = await components.document_check.check_document(in_words(request_of(state)), plan, shown)
        _emit(runtime, DocumentChecked(report=report))
        update: Update = {"document_report": report, "seconds": timer.seconds, "to_check": None}
        document = document_of({**state, **update})
        return update | {"document": document} | self._answer(state, document, runtime)

    def _answer(self, state: Mapping[str, Any], document: Document, runtime: Runtime[Any]) -> Update:
        """Returns the answer to the message that the trajectory answers, if it answers one."""
        if state.get("message_id") is None:
            return {}
        address = image_address(options_of(runtime))
        message = answer_message(document, address)
        if self._storyboard:
            push_storyboard(state, document, message, address)
        return {"messages": [message]}


def _emit(runtime: Runtime[Any], event: Event) -> None:
    runtime.stream_writer(event)


def _trajectory(state: TrajectoryState, runtime: Runtime[Any]) -> Hashable:
    """Identifies a trajectory among those that the process runs now; without a checkpointer, by its seed."""
    info = runtime.execution_info
    if info is None:
        return state.get("seed")
    return info.thread_id or info.run_id, info.checkpoint_ns.rpartition("|")[0], state.get("seed")


def _attempts_to_judge(state: TrajectoryState, plan: Plan, limits: Limits, gives_confidence: bool) -> list[Attempt]:
    """Returns the attempts to judge, ordered by step: all that have no verdict.

    Without `judge_last_attempt` a step's last allowed attempt is left out, unless the critic's confidence helps to
    choose among several.
    """
    current_step = current_step_of(state)
    pending = [
        attempt
        for attempt in attempts_of(state).values()
        if attempt.plan_version == plan.version
        and attempt.step >= current_step
        and attempt.verdict is None
        and not attempt.outdated
    ]
    pending.sort(key=lambda attempt: attempt.step)
    if limits.judge_last_attempt:
        return pending
    made = {a.step: len(attempts_for(attempts_of(state), plan.version, a.step)) for a in pending}
    return [
        attempt
        for attempt in pending
        if attempt.image is None
        or made[attempt.step] < allowed_attempts(state, plan.version, attempt.step)
        or (gives_confidence and made[attempt.step] > 1)
    ]
