"""The components that a run of the graph uses: planner, critic, image generator, checks and default limits."""

from dataclasses import dataclass, field

from interleavethinker.tools.protocols import Critic, DocumentCheck, ImageGenerator, PlanCheck, Planner

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
    fallback_planner: Planner | None = None
    """Plans if the planner's answers cannot be used or fail the plan check; None: the planner's last plan is used."""
    plan_check: PlanCheck | None = None
    """Checks each plan before it is carried out; None: no check."""
    document_check: DocumentCheck | None = None
    """Checks the complete document; None: it is marked as not checked."""
