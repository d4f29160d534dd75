"""What was looked up before planning: rules as pure functions of the state.

Every call of a tool is recorded before the next one begins, so a run that is resumed repeats no finished call.
"""

import hashlib
from collections.abc import Mapping, Sequence
from typing import Any

from pydantic import BaseModel, ConfigDict

from interleavethinker.tools.stable_json import stable_json
from interleavethinker.tools.types import Lookup, Request

__all__ = ["Research", "digest_of", "lookups_of", "pending_of", "sources_of"]

_MOST_SOURCES = 40


class Research(BaseModel):
    """The lookups for one request."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    request: str
    """`digest_of` the request."""
    lookups: tuple[Lookup, ...] = ()
    """Ended calls, then those that are still to be made."""
    finished: bool = False
    """Whether nothing more is looked up."""


def digest_of(request: Request) -> str:
    """Returns a hash of a request, by which lookups for an earlier one are recognized, by later versions too."""
    return hashlib.sha256(stable_json(request).encode()).hexdigest()


def lookups_of(state: Mapping[str, Any]) -> tuple[Lookup, ...]:
    """Returns the lookups that have ended."""
    research: Research | None = state.get("research")
    return () if research is None else tuple(one for one in research.lookups if one.result is not None)


def pending_of(research: Research) -> int | None:
    """Returns the position of the first lookup that has not ended; None if all have."""
    return next((at for at, one in enumerate(research.lookups) if one.result is None), None)


def sources_of(lookups: Sequence[Lookup]) -> tuple[str, ...]:
    """Returns where the facts come from, each source once, in order."""
    named = (source for one in lookups if not one.failed for source in one.sources)
    return tuple(dict.fromkeys(named))[:_MOST_SOURCES]
