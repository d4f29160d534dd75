"""The components that a run of the graph uses: planner, critic, image generator and default limits."""

from dataclasses import dataclass, field

from interleavethinker.tools.protocols import Critic, ImageGenerator, Planner

from .limits import Limits

__all__ = ["Components"]


@dataclass(frozen=True)
class Components:
    """The components of a run; pass them as `context=` to use the graph without a profile."""

    planner: Planner
    critic: Critic
    generator: ImageGenerator
    limits: Limits = field(default_factory=Limits)
    """Limits of trajectories that set none."""
