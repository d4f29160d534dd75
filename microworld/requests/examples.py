"""Example requests by family. `micro examples` prints them; the documentation and the tests use this list as well.

The rule-based planner plans each of them. Data only.
"""

from __future__ import annotations

from dataclasses import dataclass

__all__ = ["EXAMPLES", "Example"]


@dataclass(frozen=True)
class Example:
    """One request that works."""

    family: str
    request: str
    images: tuple[str, ...] = ()
    """Descriptions of the images that the request is about, in order; `micro generate` makes them."""


_PAIR = ("a small white cat on the left and a big green tree on the right, in a meadow",)
_BALL = ("a big red ball on the left, at night",)

EXAMPLES: tuple[Example, ...] = (
    Example("single image", "Draw a red ball at night."),
    Example("single image", "A small white cat on the left and a big green tree on the right, in a meadow."),
    Example("single image", "An empty beach."),
    Example("single image", "A girl next to a red house at sunset, but no tree."),
    Example("count", "Draw two cats in the snow."),
    Example("count", "Two big red balls, one on the left and one on the right."),
    Example("count", "Five small yellow stars at night."),
    Example("story", "A red car on the left. Then the car drives to the right. Then night falls."),
    Example(
        "story",
        "Tell me a story about a small white cat in a forest. A bird appears at the top. The bird flies away. "
        "It starts to snow.",
    ),
    Example(
        "story", "Start with a big blue boat at the beach. Next, make it red. Finally, add a yellow star at the top."
    ),
    Example("story", "1. A girl on the left, in a meadow. 2. A ball appears on the right. 3. The ball turns blue."),
    Example("how-to", "How do I draw a big green tree on the left and a small red house on the right?"),
    Example("how-to", "Show in 3 steps how to draw a cat, a ball and a flower."),
    Example("edit", "Make the ball blue.", _BALL),
    Example("edit", "Swap the cat and the tree. Everything else stays.", _PAIR),
    Example("edit", "Remove the tree, then make the cat big, then make it night.", _PAIR),
    Example("question", "What is on the left?", _PAIR),
    Example("question", "How many things are there?", _PAIR),
    Example("question", "Which color is the ball?", _BALL),
    Example("comparison", "What has changed?", (*_PAIR, "a small orange cat on the left, in a meadow")),
)
"""Twenty requests, ordered by family."""
