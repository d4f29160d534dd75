"""The agent: a LangGraph graph that turns a request into an interleaved document, and its stored trajectories.

The package contains the graph, the rules of its loop, the profiles that configure it, and the workspace that stores
and runs trajectories. It knows planner, critic and image generator only as protocols. It deliberately does not know
the micro world, training, evaluation or the command line.
"""

from .build import build_graph, make_graph
from .context import Components
from .document import Block, Document
from .limits import DriftGuard, Limits, StopReason
from .profiles.opening import shared_store
from .profiles.profile import Profile, load_profile
from .state import serializer
from .workspace.branching import BranchPoint
from .workspace.catalog import RequestKey, TrajectorySummary
from .workspace.human_review import HumanVerdict
from .workspace.snapshot import Trajectory
from .workspace.workspace import Workspace

__all__ = [
    "Block",
    "BranchPoint",
    "Components",
    "Document",
    "DriftGuard",
    "HumanVerdict",
    "Limits",
    "Profile",
    "RequestKey",
    "StopReason",
    "Trajectory",
    "TrajectorySummary",
    "Workspace",
    "build_graph",
    "load_profile",
    "make_graph",
    "serializer",
    "shared_store",
]
