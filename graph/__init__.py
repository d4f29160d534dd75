"""The agent: a LangGraph state machine from request to interleaved document, and the trajectories it leaves behind."""

from .branch import BranchPoint
from .build import build, make_graph
from .catalog import Entry
from .document import Block, Document
from .hand import Judgement
from .limits import Limits
from .look import Trajectory
from .ports import Ports
from .profile import Profile, load_profile
from .runtime import shared_store
from .state import serializer
from .workspace import Workspace

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
