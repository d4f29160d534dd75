"""Interleaved text-and-image answers from any image generator.

    >>> import interleavethinker as it
    >>> answer = it.illustrate("First a red ball, at night. Then make the ball blue.")  # doctest: +SKIP
    >>> answer.save("out")  # doctest: +SKIP

This module exports the whole public API and nothing else: `from interleavethinker import …` is the only import that a
program needs, besides `interleavethinker.testing` in its tests. Everything is imported when it is first used, so that
importing this module costs nothing and loads no model library.

| to do | use |
| --- | --- |
| get an answer | `illustrate`, `aillustrate`, `Answer` |
| run, watch, steer and keep trajectories | `Workspace`, `Limits`, `DriftGuard`, `HumanVerdict`, `BranchPoint`, events |
| answer many requests at once | `read_manifest`, `sweep`, `run_batch`, `Batch`, `BatchRequest`, `BatchWorkers` |
| embed the agent in a LangGraph graph | `make_graph`, `GraphContext`, `build_graph`, `serializer`, `shared_store` |
| bring a planner, critic, generator or check | `Components`, `Planner`, `Critic`, `ImageGenerator`, `PlanCheck` |
| catch errors | `InterleaveError` and its subclasses |
"""

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    __version__: str
    from interleavethinker.evaluation.batch_workers import BatchWorkers
    from interleavethinker.evaluation.executors.base import ExecutorConfig
    from interleavethinker.graph.answer import Answer
    from interleavethinker.graph.batch.batch import Batch, run_batch
    from interleavethinker.graph.batch.manifest import BatchRequest, read_manifest, sweep
    from interleavethinker.graph.batch.results import BatchResult
    from interleavethinker.graph.build import build_graph, make_graph
    from interleavethinker.graph.context import Components, GraphContext
    from interleavethinker.graph.document import (
        Block,
        Document,
        DocumentStatus,
        StepStatus,
    )
    from interleavethinker.graph.estimate import CostEstimate, estimate_cost
    from interleavethinker.graph.events import (
        ApprovalNeeded,
        Cancelled,
        DocumentChecked,
        Event,
        Failed,
        Finished,
        GenerationFailed,
        GenerationProgress,
        ImageGenerated,
        ImageRefused,
        Judged,
        ModelWaiting,
        Paused,
        PlanChecked,
        Planned,
        ReviewNeeded,
        Spent,
        StepFinished,
    )
    from interleavethinker.graph.export.export import export
    from interleavethinker.graph.export.forms import export_as
    from interleavethinker.graph.export.notebook import show
    from interleavethinker.graph.illustrate import ImageLike, aillustrate, close, illustrate
    from interleavethinker.graph.limits import DriftGuard, Limits, StopReason
    from interleavethinker.graph.profiles.opening import open_components, shared_store
    from interleavethinker.graph.profiles.profile import Profile, load_profile, shipped_profiles
    from interleavethinker.graph.progress import EventListener
    from interleavethinker.graph.spending import ModelUse, Spending
    from interleavethinker.graph.state import serializer
    from interleavethinker.graph.workspace.branching import BranchPoint
    from interleavethinker.graph.workspace.catalog import RequestKey, TrajectorySummary
    from interleavethinker.graph.workspace.human_review import HumanVerdict
    from interleavethinker.graph.workspace.snapshot import Trajectory
    from interleavethinker.graph.workspace.workspace import Workspace
    from interleavethinker.tools.chat.agents import ChatCritic, ChatPlanner
    from interleavethinker.tools.chat.checker import ChatChecker
    from interleavethinker.tools.errors import (
        GeneratorError,
        InputError,
        InterleaveError,
        ModelAnswerError,
        ModelError,
        ProfileError,
        RefusalError,
        StoreError,
        TrajectoryError,
    )
    from interleavethinker.tools.images.store import ImageStore
    from interleavethinker.tools.mcp.config import GeneratorConfig
    from interleavethinker.tools.mcp.generator import McpImageGenerator
    from interleavethinker.tools.prices import Price, load_prices
    from interleavethinker.tools.protocols import (
        Comparing,
        Critic,
        DocumentCheck,
        ImageGenerator,
        PlanCheck,
        PlanContext,
        Planner,
        ProgressCallback,
        ReferenceWords,
        Rephrasing,
        Researcher,
        Rewording,
        WishReader,
    )
    from interleavethinker.tools.request_checks import CombinedCheck, StructuralCheck
    from interleavethinker.tools.request_parsing import RequestLike
    from interleavethinker.tools.types import (
        Attempt,
        CheckReport,
        CriticInput,
        Drift,
        GeneratedImage,
        GenerationRequest,
        ImageChange,
        ImagePart,
        Lookup,
        Part,
        PinnedReference,
        Plan,
        Request,
        Requirement,
        Sha256,
        StartsFrom,
        Step,
        TextPart,
        Verdict,
    )

__all__ = [
    "Answer",
    "ApprovalNeeded",
    "Attempt",
    "Batch",
    "BatchRequest",
    "BatchResult",
    "BatchWorkers",
    "Block",
    "BranchPoint",
    "Cancelled",
    "ChatChecker",
    "ChatCritic",
    "ChatPlanner",
    "CheckReport",
    "CombinedCheck",
    "Comparing",
    "Components",
    "CostEstimate",
    "Critic",
    "CriticInput",
    "Document",
    "DocumentCheck",
    "DocumentChecked",
    "DocumentStatus",
    "Drift",
    "DriftGuard",
    "Event",
    "EventListener",
    "ExecutorConfig",
    "Failed",
    "Finished",
    "GeneratedImage",
    "GenerationFailed",
    "GenerationProgress",
    "GenerationRequest",
    "GeneratorConfig",
    "GeneratorError",
    "GraphContext",
    "HumanVerdict",
    "ImageChange",
    "ImageGenerated",
    "ImageGenerator",
    "ImageLike",
    "ImagePart",
    "ImageRefused",
    "ImageStore",
    "InputError",
    "InterleaveError",
    "Judged",
    "Limits",
    "Lookup",
    "McpImageGenerator",
    "ModelAnswerError",
    "ModelError",
    "ModelUse",
    "ModelWaiting",
    "Part",
    "Paused",
    "PinnedReference",
    "Plan",
    "PlanCheck",
    "PlanChecked",
    "PlanContext",
    "Planned",
    "Planner",
    "Price",
    "Profile",
    "ProfileError",
    "ProgressCallback",
    "ReferenceWords",
    "RefusalError",
    "Rephrasing",
    "Request",
    "RequestKey",
    "RequestLike",
    "Requirement",
    "Researcher",
    "ReviewNeeded",
    "Rewording",
    "Sha256",
    "Spending",
    "Spent",
    "StartsFrom",
    "Step",
    "StepFinished",
    "StepStatus",
    "StopReason",
    "StoreError",
    "StructuralCheck",
    "TextPart",
    "Trajectory",
    "TrajectoryError",
    "TrajectorySummary",
    "Verdict",
    "WishReader",
    "Workspace",
    "__version__",
    "aillustrate",
    "build_graph",
    "close",
    "estimate_cost",
    "export",
    "export_as",
    "illustrate",
    "load_prices",
    "load_profile",
    "make_graph",
    "open_components",
    "read_manifest",
    "run_batch",
    "serializer",
    "shared_store",
    "shipped_profiles",
    "show",
    "sweep",
]

_EXPORTS = {
    "evaluation.batch_workers": ("BatchWorkers",),
    "evaluation.executors.base": ("ExecutorConfig",),
    "graph.answer": ("Answer",),
    "graph.batch.batch": ("Batch", "run_batch"),
    "graph.batch.manifest": ("BatchRequest", "read_manifest", "sweep"),
    "graph.batch.results": ("BatchResult",),
    "graph.build": (
        "build_graph",
        "make_graph",
    ),
    "graph.context": ("Components", "GraphContext"),
    "graph.document": (
        "Block",
        "Document",
        "DocumentStatus",
        "StepStatus",
    ),
    "graph.estimate": ("CostEstimate", "estimate_cost"),
    "graph.events": (
        "ApprovalNeeded",
        "Cancelled",
        "DocumentChecked",
        "Event",
        "Failed",
        "Finished",
        "GenerationFailed",
        "GenerationProgress",
        "ImageGenerated",
        "ImageRefused",
        "Judged",
        "ModelWaiting",
        "Paused",
        "PlanChecked",
        "Planned",
        "ReviewNeeded",
        "Spent",
        "StepFinished",
    ),
    "graph.export.export": ("export",),
    "graph.export.forms": ("export_as",),
    "graph.export.notebook": ("show",),
    "graph.illustrate": (
        "ImageLike",
        "aillustrate",
        "close",
        "illustrate",
    ),
    "graph.limits": (
        "DriftGuard",
        "Limits",
        "StopReason",
    ),
    "graph.profiles.opening": (
        "open_components",
        "shared_store",
    ),
    "graph.profiles.profile": (
        "Profile",
        "load_profile",
        "shipped_profiles",
    ),
    "graph.progress": ("EventListener",),
    "graph.spending": ("ModelUse", "Spending"),
    "graph.state": ("serializer",),
    "graph.workspace.branching": ("BranchPoint",),
    "graph.workspace.catalog": ("RequestKey", "TrajectorySummary"),
    "graph.workspace.human_review": ("HumanVerdict",),
    "graph.workspace.snapshot": ("Trajectory",),
    "graph.workspace.workspace": ("Workspace",),
    "tools.chat.agents": (
        "ChatCritic",
        "ChatPlanner",
    ),
    "tools.chat.checker": ("ChatChecker",),
    "tools.errors": (
        "GeneratorError",
        "InputError",
        "InterleaveError",
        "ModelAnswerError",
        "ModelError",
        "ProfileError",
        "RefusalError",
        "StoreError",
        "TrajectoryError",
    ),
    "tools.images.store": ("ImageStore",),
    "tools.mcp.config": ("GeneratorConfig",),
    "tools.mcp.generator": ("McpImageGenerator",),
    "tools.prices": ("Price", "load_prices"),
    "tools.protocols": (
        "Comparing",
        "Critic",
        "DocumentCheck",
        "ImageGenerator",
        "PlanCheck",
        "PlanContext",
        "Planner",
        "ProgressCallback",
        "ReferenceWords",
        "Rephrasing",
        "Researcher",
        "Rewording",
        "WishReader",
    ),
    "tools.request_checks": (
        "CombinedCheck",
        "StructuralCheck",
    ),
    "tools.request_parsing": ("RequestLike",),
    "tools.types": (
        "Attempt",
        "CheckReport",
        "CriticInput",
        "Drift",
        "GeneratedImage",
        "GenerationRequest",
        "ImageChange",
        "ImagePart",
        "Lookup",
        "Part",
        "PinnedReference",
        "Plan",
        "Request",
        "Requirement",
        "Sha256",
        "StartsFrom",
        "Step",
        "TextPart",
        "Verdict",
    ),
}
"""Names by the module, below this package, that defines them."""
_MODULES = {name: module for module, names in _EXPORTS.items() for name in names}


def __getattr__(name: str) -> object:
    if name == "__version__":
        from importlib.metadata import version

        return version("interleavethinker")
    if name not in _MODULES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    value = getattr(import_module(f"{__name__}.{_MODULES[name]}"), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return __all__
