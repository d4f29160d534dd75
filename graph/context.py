"""What a run of the graph is built from: planner, critic, generator, and the profile's limits."""

from dataclasses import dataclass, field

from interleavethinker.tools.protocols import Critic, ImageGenerator, Planner

from .limits import Limits

__all__ = ["Components"]


@dataclass(frozen=True)
class Components:
    """The graph's dependencies."""

    planner: Planner
    critic: Critic
    generator: ImageGenerator
    limits: Limits = field(default_factory=Limits)
    """Used where a trajectory brings none."""
