"""What happens from one image of a story to the next: what comes, goes, and changes. Knows no words."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from itertools import pairwise

from .story import Story
from .story_things import Frame, Thing

__all__ = ["Change", "StoryChanges"]


@dataclass(frozen=True)
class Change:
    """What differs between one image and the next. Objects have numbers, which they keep from image to image."""

    before: Frame
    after: Frame

    @cached_property
    def added(self) -> frozenset[int]:
        """Objects that only the second image has."""
        return frozenset(self.after.things.keys() - self.before.things.keys())

    @cached_property
    def removed(self) -> frozenset[int]:
        """Objects that only the first image has."""
        return frozenset(self.before.things.keys() - self.after.things.keys())

    @cached_property
    def altered(self) -> frozenset[int]:
        """Objects of both images that are not the same in both."""
        return frozenset(
            one for one, thing in self.after.things.items() if self.before.things.get(one, thing) is not thing
        )

    @cached_property
    def changed(self) -> frozenset[int]:
        """All objects to which anything happens."""
        return self.added | self.removed | self.altered

    @cached_property
    def others(self) -> frozenset[int]:
        """The objects to which nothing happens."""
        return frozenset(self.after.things.keys() - self.changed)

    @property
    def of_ground(self) -> bool:
        """Whether the background becomes another."""
        return self.after.ground is not self.before.ground

    def of(self, attribute: str) -> frozenset[int]:
        """Returns the objects whose `kind`, `colour`, `size` or `cell` becomes another."""
        things = self.before.things
        return frozenset(
            one
            for one in self.altered
            if getattr(self.after.things[one], attribute) is not getattr(things[one], attribute)
        )


class StoryChanges:
    """The images of a story, from the given one on if there is one, and the changes between them.

    Args:
        story: A story that was told to its end.
    """

    def __init__(self, story: Story) -> None:
        self.is_edit = story.source is not None
        self.frames: list[Frame] = [*([story.base] if self.is_edit else []), *story.frames]
        self.changes = [Change(first, second) for first, second in pairwise(self.frames)]

    @cached_property
    def things(self) -> list[Thing]:
        """All objects, once for each image that shows them."""
        return [thing for frame in self.frames for thing in frame.things.values()]

    @property
    def has_relations(self) -> bool:
        """Whether an object's place is told by that of another one."""
        return any(frame.relations for frame in self.frames)

    def happens(self, what: Callable[[Change], frozenset[int]]) -> int:
        """Returns how many objects something happens to, each as often as it does."""
        return sum(len(what(change)) for change in self.changes)
