"""The agent: a LangGraph state machine from request to interleaved document, and the trajectories it leaves behind."""

from .build import build, make_graph
from .context import Ports
from .document import Block, Document
from .limits import Limits
from .profiles.opening import shared_store
from .profiles.profile import Profile, load_profile
from .state import serializer
from .workspace.branching import BranchPoint
from .workspace.catalog import Entry
from .workspace.human_review import Judgement
from .workspace.snapshot import Trajectory
from .workspace.workspace import Workspace

__all__ = [
    "Block",
    "BranchPoint",
    "Document",
    "Entry",
    "Judgement",
    "Limits",
    "Ports",
    "Profile",
    "Trajectory",
    "Workspace",
    "build",
    "load_profile",
    "make_graph",
    "serializer",
    "shared_store",
]
