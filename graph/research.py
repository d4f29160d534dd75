"""One round of looking things up before planning: the model is asked for calls, or one call is made.

A round is one run of the `plan` node, whose result is saved before the next one. A kill therefore loses at most the
call that was running.
"""

from collections.abc import Mapping
from typing import Any

from interleavethinker.tools.protocols import Researcher
from interleavethinker.tools.references import in_words
from interleavethinker.tools.types import Request

from .lookups import Research, digest_of, pending_of
from .state import newest_plan, request_of, stop_reason_of

__all__ = ["is_researching", "research_round", "researching"]


def is_researching(state: Mapping[str, Any]) -> bool:
    """Whether something is left to be looked up before the first plan of the trajectory."""
    research: Research | None = state.get("research")
    open_ = research is not None and not research.finished
    return open_ and newest_plan(state) is None and not stop_reason_of(state)


def researching(state: Mapping[str, Any]) -> Research | None:
    """Returns the research that the `plan` node continues; None if it begins with another request."""
    research: Research | None = state.get("research")
    if research is None or not is_researching(state) or digest_of(request_of(state)) != research.request:
        return None
    return research


async def research_round(researcher: Researcher, request: Request, research: Research | None) -> Research:
    """Returns the research after one more round; `finished` if there is nothing left to do.

    Args:
        researcher: Decides what to look up, and does it.
        request: The request.
        research: The research so far; None at the beginning.
    """
    research = research or Research(request=digest_of(request))
    at = pending_of(research)
    if at is not None:
        ended = await researcher.look_up(research.lookups[at])
        lookups = (*research.lookups[:at], ended, *research.lookups[at + 1 :])
        return research.model_copy(update={"lookups": lookups})
    left = researcher.max_calls - len(research.lookups)
    wanted = (await researcher.next_lookups(in_words(request), research.lookups))[:left] if left > 0 else []
    return research.model_copy(update={"lookups": (*research.lookups, *wanted), "finished": not wanted})
