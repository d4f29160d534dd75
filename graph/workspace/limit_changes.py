"""Other limits for a trajectory that is not running; one that a limit ended goes on from where it stopped."""

from typing import Any

from interleavethinker.graph.build import TrajectoryGraph
from interleavethinker.graph.limits import Limits, StopReason
from interleavethinker.graph.state import newest_plan, rejected_plans_of, stop_reason_of
from interleavethinker.tools.errors import TrajectoryError

from .catalog import Catalog, TrajectorySummary
from .finished_tasks import state_to_change

__all__ = ["change_limits"]

_CAN_GO_ON = {StopReason.MAX_CALLS, StopReason.MAX_COST, StopReason.TIME_LIMIT, StopReason.HOST_LIMIT}


async def change_limits(graph: TrajectoryGraph, catalog: Catalog, entry: TrajectorySummary, limits: Limits) -> None:
    """Records other limits. The caller must hold the trajectory's lock.

    A process that is killed in between leaves a paused trajectory with its old limits, which ends again when it is run.

    Args:
        graph: With the workspace's checkpointer.
        catalog: Where the status is recorded.
        entry: The trajectory as the catalog has it now.
        limits: All of its limits from now on.

    Raises:
        TrajectoryError: It waits for approval, is complete, or its plan was rejected.
    """
    if entry.status == "waiting":
        raise TrajectoryError(
            f"Trajectory {entry.id} waits for approval; approve its plan before you change its limits."
        )
    config: Any = {"configurable": {"thread_id": entry.id}}
    state = await state_to_change(graph, config)
    reason = stop_reason_of(state.values)
    if reason is not None and reason not in _CAN_GO_ON:
        raise TrajectoryError(
            f"Trajectory {entry.id} has ended ({reason.value}); other limits would change nothing. `branch` starts a "
            "new trajectory from any of its steps."
        )
    if entry.status == "done":  # First: with the new limits and this status, nothing would run it on.
        await catalog.mark(entry.id, "paused")
    if newest_plan(state.values) is None:  # Planning starts again, and resets everything else.
        await graph.aupdate_state(config, {"limits": limits}, as_node="__start__")
    else:
        values = {"limits": limits, "stop_reason": None}
        await graph.aupdate_state(config, values, as_node=_node_before(state.next, state.values))


def _node_before(following: tuple[str, ...], state: dict[str, Any]) -> str:
    """Returns the node after which the graph goes on to the same node as before, or, where it had ended, to the work
    that the limit cut off: the critic judges what has no verdict yet, and the loop decides again.
    """
    match following:
        case ("plan",):
            return "check_plan" if rejected_plans_of(state) else "refine"
        case ("check_plan",):
            return "plan"
        case ("approve",):
            return "check_plan"
        case ("generate",):
            return "approve"
        case ("refine",):
            return "critic"
        case ("check_document",):
            return "refine"
        case _:
            return "generate"
