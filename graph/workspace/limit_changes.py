"""Other limits for a trajectory that is not running; one that a limit ended goes on from where it stopped."""

from collections.abc import Mapping
from typing import Any

from interleavethinker.graph.build import TrajectoryGraph
from interleavethinker.graph.channels import validated
from interleavethinker.graph.limits import Limits, StopReason
from interleavethinker.graph.spending import spending_of
from interleavethinker.graph.state import (
    attempts_of,
    inherited_calls_of,
    newest_plan,
    rejected_plans_of,
    stop_reason_of,
)
from interleavethinker.tools.errors import InputError, TrajectoryError
from interleavethinker.tools.prices import dollar_amount
from interleavethinker.tools.validation import require_type

from .catalog import Catalog, TrajectorySummary
from .finished_tasks import state_to_change

__all__ = ["change_limits", "node_before"]

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
        InputError: A limit is out of range, or more of it was used already.
        TrajectoryError: It is complete, or its plan was rejected.
    """
    require_type(limits, Limits, "limits", "Limits")
    limits = validated(Limits, limits, "limits")
    config: Any = {"configurable": {"thread_id": entry.id}}
    state = await state_to_change(graph, config)
    reason = stop_reason_of(state.values)
    if reason is not None and reason not in _CAN_GO_ON:
        raise TrajectoryError(
            f"Trajectory {entry.id} has ended ({reason.value}); other limits would change nothing. `branch` starts a "
            "new trajectory from any of its steps."
        )
    _check_used(entry.id, limits, state.values)
    if entry.status == "done":  # First: with the new limits and this status, nothing would run it on.
        await catalog.mark(entry.id, "paused")
    values: dict[str, Any] = {"limits": limits}
    if newest_plan(state.values) is not None:
        node, values["stop_reason"] = node_before(state.next, state.values), None
    elif reason is None:  # Planning starts again, and resets everything else.
        node = "__start__"
    else:  # Likewise; but an input has no reason, so it begins as after a rejected plan.
        node, values["stop_reason"], values["rejected_plans"] = "check_plan", None, 1
    await graph.aupdate_state(config, values, as_node=node)


def _check_used(trajectory: str, limits: Limits, state: Mapping[str, Any]) -> None:
    """Checks that what was used already is within the limits that change; otherwise they would only end the trajectory.

    Raises:
        InputError: It is not.
    """
    before: Limits = state["limits"]
    calls = len(attempts_of(state)) - inherited_calls_of(state)
    dollars, seconds = spending_of(state).dollars, state.get("seconds", 0.0)
    for name, used, words in (
        ("max_calls", calls, f"{calls} generator call{'s' * (calls != 1)}"),
        ("max_cost", dollars, dollar_amount(dollars)),
        ("time_limit", seconds, f"{seconds:.1f} s of work"),
    ):
        most = getattr(limits, name)
        if most is not None and most != getattr(before, name) and used > most:
            raise InputError(
                f"Trajectory {trajectory} has used {words} already; {name} {most:g} would only end it. Give more, or "
                "leave that limit out."
            )


def node_before(following: tuple[str, ...], state: Mapping[str, Any]) -> str:
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
