"""Results that a node has delivered and no checkpoint holds yet, because its process ended between the two writes.

A run that goes on takes them up. A change from outside does not: LangGraph applies it to the checkpoint and drops them,
and with them what a model or the generator was paid for.
"""

from typing import Any

from langchain_core.runnables import RunnableConfig
from langgraph.graph import END
from langgraph.types import StateSnapshot

__all__ = ["state_to_change"]


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
