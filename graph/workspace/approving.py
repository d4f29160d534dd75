"""A person's answer to a plan, recorded as a command that the next run of the trajectory carries out."""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import Any

from interleavethinker.graph.build import TrajectoryGraph
from interleavethinker.graph.human_loop import Approval, approval_with
from interleavethinker.graph.routing import limits_of
from interleavethinker.graph.state import attempts_of, current_step_of, newest_plan, request_of
from interleavethinker.tools.errors import InputError, TrajectoryError
from interleavethinker.tools.types import Plan, Step

from .catalog import TrajectorySummary
from .commands import CommandQueue
from .finished_tasks import state_to_change
from .limit_changes import node_before
from .storage import Locks

__all__ = ["approve", "recorded_approval", "require_approval", "state_with_answer"]


async def approve(
    commands: CommandQueue,
    entry: TrajectorySummary,
    read: Callable[[str], Awaitable[Mapping[str, Any]]],
    steps: Sequence[Step] | None,
) -> None:
    """Records an approval; see `Workspace.approve`, whose errors these are.

    Args:
        commands: Where it is recorded.
        entry: The trajectory's entry in the catalog.
        read: Returns the values of its state.
        steps: Replace those of the plan; None keeps the plan, or the steps of an answer that is recorded already.
    """
    if entry.status != "waiting":
        raise TrajectoryError(f"Trajectory {entry.id} is {entry.status}; it does not wait for approval.")
    state = await read(entry.id)
    plan = newest_plan(state)
    finished = () if plan is None else plan.steps[: current_step_of(state)]
    approval = approval_with(steps, request_of(state), limits_of(state).max_steps, finished)
    payload = approval.model_dump(mode="json", exclude_none=True)
    if not await commands.enqueue(entry.id, "approve", payload, only_if="waiting", unless_open=steps is None):
        raise TrajectoryError(f"The plan of trajectory {entry.id} was answered meanwhile; this answer is not used.")


async def require_approval(graph: TrajectoryGraph, locks: Locks, trajectory: str, *, but_present: bool) -> None:
    """Has every plan wait; see `Workspace.require_approval`, whose errors these are.

    Args:
        graph: With the workspace's checkpointer.
        locks: The workspace's.
        trajectory: Its id.
        but_present: A person lets the present plan be carried out. Otherwise it waits, or there is an error if its
            images are begun: a node that runs after the approval cannot ask for it.
    """
    config: Any = {"configurable": {"thread_id": trajectory}}
    if (await graph.aget_state(config)).values.get("approve_plan"):
        return
    async with locks.hold(trajectory):
        found = await state_to_change(graph, config)
        state, following = found.values, found.next
        plan = newest_plan(state)
        asks_first = plan is None or plan.rejected or following in {("check_plan",), ("approve",)}
        if not asks_first and not but_present:
            if attempts_of(state) or following != ("generate",):
                raise InputError(
                    f"The plan of trajectory {trajectory} is being carried out, and no person has approved it. A "
                    "person can let it go on: on the board, in the studio, or with `interleavethinker resume "
                    f"{trajectory}` on the command line. `branch` makes one whose plan waits for a person.",
                    code="person_required",
                )
            following = ("approve",)
        if not following:
            node = "check_document"  # It has ended, and stays so.
        elif plan is None:
            node = "__start__"
        else:
            node = node_before(following, state)
        await graph.aupdate_state(config, {"approve_plan": True}, as_node=node)


async def recorded_approval(commands: CommandQueue, trajectory: str) -> Approval | None:
    """Returns the newest approval that no run has carried out, which is the one that counts."""
    answers = [command.payload for command in await commands.pending(trajectory) if command.verb == "approve"]
    return Approval.model_validate(answers[-1]) if answers else None


async def state_with_answer(
    commands: CommandQueue, trajectory: str, read: Callable[[str], Awaitable[Mapping[str, Any]]]
) -> Mapping[str, Any]:
    """Returns a trajectory's state in which the plan has the steps of a person's answer that no run has carried out.

    A branch begins with these steps: the planner's are those that the person has replaced. The answer is read first; a
    run that carries it out in between leaves the same steps in the state.

    Args:
        commands: Where the answer is recorded.
        trajectory: Its id.
        read: Returns the values of its state.
    """
    answer = await recorded_approval(commands, trajectory)
    state = await read(trajectory)
    plan = newest_plan(state)
    if answer is None or answer.steps is None or plan is None or plan.steps == answer.steps:
        return state
    edited = Plan(steps=answer.steps, version=plan.version + 1, reasoning="edited by a person", made_by="person")
    return {**state, "plans": {**state["plans"], edited.version: edited}}
