"""The agent: a LangGraph state machine from request to interleaved document, and the trajectories it leaves behind."""

from .build import build, make_graph
from .context import Components
from .document import Block, Document
from .limits import Limits
from .profiles.opening import shared_store
from .profiles.profile import Profile, load_profile
from .state import serializer
from .workspace.branching import BranchPoint
from .workspace.catalog import TrajectorySummary
from .workspace.human_review import HumanVerdict
from .workspace.snapshot import Trajectory
from .workspace.workspace import Workspace

__all__ = [
    "Block",
    "BranchPoint",
    "Components",
    "Document",
    "HumanVerdict",
    "Limits",
    "Profile",
    "Trajectory",
    "TrajectorySummary",
    "Workspace",
    "build",
    "load_profile",
    "make_graph",
    "serializer",
    "shared_store",
]
