"""Pauses of chat models, for commands that show many trajectories at once and no events of each."""

import logging

from .events import Event, ModelWaiting

__all__ = ["log_pause"]

_log = logging.getLogger(__name__)
_WORTH_SAYING = 5.0
"""Seconds of the shortest pause that is logged; shorter ones come often where many trajectories share a rate limit."""


def log_pause(name: str, event: Event) -> None:
    """Logs that a trajectory waits for its model, if the event says so and the pause is a long one.

    Args:
        name: What to call the trajectory.
        event: Any of its events.
    """
    if isinstance(event, ModelWaiting) and event.seconds >= _WORTH_SAYING:
        _log.warning("%s: waiting %.0f s for the model: %s", name, event.seconds, event.reason)
