"""Results that exist and no checkpoint holds yet, because their process or their run ended before it was written.

A run that goes on takes them up. A change from outside does not: LangGraph applies it to the checkpoint and drops them,
and with them what a model or the generator was paid for.
"""

from collections.abc import Mapping
from typing import Any

from langchain_core.runnables import RunnableConfig
from langgraph.graph import END
from langgraph.types import StateSnapshot

from interleavethinker.graph.state import attempts_of
from interleavethinker.tools.types import Attempt

__all__ = ["keep_attempts", "state_to_change"]


async def state_to_change(graph: Any, config: RunnableConfig) -> StateSnapshot:
    """Writes the checkpoint that such results lack, and returns the state. The caller must hold the trajectory's lock.

    Args:
        graph: With the workspace's checkpointer.
        config: Names the trajectory.
    """
    state: StateSnapshot = await graph.aget_state(config)
    if state.next or not state.tasks:  # A node is still to run, or the graph has ended.
        return state
    await graph.aupdate_state(config, None, as_node=END)  # Ends the tasks; all of them have results.
    changed: StateSnapshot = await graph.aget_state(config)
    return changed


async def keep_attempts(graph: Any, config: RunnableConfig, attempts: Mapping[str, Attempt]) -> None:
    """Writes attempts that the checkpoint lacks: a round that was cut had made them. The caller must hold the lock.

    Args:
        graph: With the workspace's checkpointer.
        config: Names the trajectory.
        attempts: By key. Those of plan versions that the state does not have are left out.
    """
    if not attempts:
        return
    values = (await state_to_change(graph, config)).values
    known, plans = attempts_of(values), values.get("plans") or {}
    missing = {key: one for key, one in attempts.items() if key not in known and one.plan_version in plans}
    if missing:
        await graph.aupdate_state(config, {"attempts": missing}, as_node="generate")
