"""Checkpoint ids that grow along a trajectory, also when the clock does not.

LangGraph names checkpoints by the time and takes the greatest id of a trajectory for its newest state. In one process
it never goes back. Between two processes the clock may: it is corrected, another system on the machine reads it as
local time, or the second process runs on another machine. What the second one does would then be older than what the
first one did, and lost.
"""

import uuid

from langgraph.checkpoint.base import id as langgraph_ids

__all__ = ["continue_after"]

_LAST_TIMESTAMP = "_last_v6_timestamp"
"""LangGraph's variable: the time in the id that this process made last."""
_LATEST = 2**60 - 2**50
"""The time is counted in 60 bits, until the year 5236. Four years before, so that no process comes to their end."""


def continue_after(checkpoint_id: str) -> None:
    """Makes LangGraph's next checkpoint ids in this process greater than this one.

    Args:
        checkpoint_id: Of a trajectory that this process may be about to continue. Ids of other forms, and such that
            no clock can have made, have no effect: a foreign workspace must not use up the ids of all trajectories.
    """
    try:
        found = uuid.UUID(checkpoint_id)
    except ValueError:
        return
    timestamp = found.int >> 80 << 12 | found.int >> 64 & 0xFFF
    if found.version != 6 or timestamp > _LATEST:
        return
    last: int | None = getattr(langgraph_ids, _LAST_TIMESTAMP, None)
    if last is None or last < timestamp:
        setattr(langgraph_ids, _LAST_TIMESTAMP, timestamp)
