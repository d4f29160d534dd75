"""The agent: a LangGraph graph that turns a request into an interleaved document, and its stored trajectories.

The package contains the graph, the rules of its loop, the profiles that configure it, and the workspace that stores
and runs trajectories. It knows planner, critic and image generator only as protocols. It deliberately does not know
the micro world, training, evaluation or the command line.

Names are imported when they are first used: a program that only reads a profile does not import LangGraph, which takes
about as long as everything else here together.
"""

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
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

_EXPORTS = {
    "build": ("build_graph", "make_graph"),
    "context": ("Components",),
    "document": ("Block", "Document"),
    "limits": ("DriftGuard", "Limits", "StopReason"),
    "profiles.opening": ("shared_store",),
    "profiles.profile": ("Profile", "load_profile"),
    "state": ("serializer",),
    "workspace.branching": ("BranchPoint",),
    "workspace.catalog": ("RequestKey", "TrajectorySummary"),
    "workspace.human_review": ("HumanVerdict",),
    "workspace.snapshot": ("Trajectory",),
    "workspace.workspace": ("Workspace",),
}
"""Names by the module, below this package, that defines them."""
_MODULES = {name: module for module, names in _EXPORTS.items() for name in names}


def __getattr__(name: str) -> object:
    if name not in _MODULES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    value = getattr(import_module(f"{__name__}.{_MODULES[name]}"), name)
    globals()[name] = value
    return value
