"""Whether a person looks at each image of a run, and whose steps therefore wait for one another.

Either the trajectory says so (`review_images`, which interrupts inside the graph), or whoever runs it does: a workspace
that streams with `review=True` stops the graph from outside, and the nodes learn of it through a context variable.
"""

from collections.abc import Mapping
from contextvars import ContextVar
from typing import Any, TypeVar

__all__ = ["review_each_image", "with_review"]

_State = TypeVar("_State", bound=Mapping[str, Any])
_reviews: ContextVar[bool] = ContextVar("reviews_each_image", default=False)


def review_each_image() -> None:
    """Has the nodes that run in this context work in order, so that a person can look at each image."""
    _reviews.set(True)


def with_review(state: _State) -> _State:
    """Returns the state with `review_images` set if the run in this context is reviewed; else as it is."""
    return {**state, "review_images": True} if _reviews.get() else state  # type: ignore[return-value]
