"""Defines the graph's nodes and edges on one screen.

`make_graph` loads no model and starts no server. The nodes open the profile's components when they first need them.
"""

import os
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import fields
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

from langgraph.checkpoint.base import BaseCheckpointSaver
from langgraph.graph import END, START, StateGraph
from langgraph.graph.state import CompiledStateGraph
from langgraph.runtime import Runtime
from langgraph.types import RetryPolicy

from interleavethinker.graph.profiles.opening import shared_components
from interleavethinker.graph.profiles.profile import Profile, source_of
from interleavethinker.tools.errors import GeneratorError
from interleavethinker.tools.validation import require_type

from .channels import CheckedInput, refuse_misspelt
from .context import Components, GraphContext
from .event_loop import choice, sync_and_async_node
from .nodes import Nodes
from .routing import next_node, node_after_approval, node_after_plan, node_after_plan_check
from .spending import counted
from .state import TrajectoryInput, TrajectoryOutput, TrajectoryState

if TYPE_CHECKING:
    from langgraph_sdk.runtime import ServerRuntime

__all__ = ["TrajectoryGraph", "build_graph", "make_graph", "served_graph"]

TrajectoryGraph = CompiledStateGraph[TrajectoryState, GraphContext | Components, TrajectoryInput, TrajectoryOutput]
"""A run's `context` is a `GraphContext`, its JSON form, or `Components` of that run."""


def make_graph(
    profile: str | Path | Profile = "micro",
    *,
    components: Components | None = None,
    profiles: Sequence[str] = (),
    checkpointer: BaseCheckpointSaver[Any] | None = None,
    storyboard: bool = False,
) -> TrajectoryGraph:
    """Returns the graph, for use by itself, as a node, as a tool or from `langgraph.json`.

    Args:
        profile: Name of a shipped profile, path of a TOML file, or what `load_profile` read from one.
        components: Used instead of a profile's.
        profiles: Paths of further profiles that a run's context may choose, beside this one and the shipped ones.
            A profile can name any program, so a client never chooses a path of its own.
        checkpointer: Keeps threads, for approvals, forks and further messages. As a node, leave it out: the node uses
            the checkpointer of the graph around it.
        storyboard: Show the component `storyboard` of LangGraph's generative UI with each answer to a message, for a
            server that has it.

    Raises:
        InputError: An argument has another type, or the profile differs from its file.
    """
    name = source_of(profile)
    require_type(components, (Components, type(None)), "components", "Components or None")
    require_type(profiles, (list, tuple), "profiles", "a list of paths")

    async def find(runtime: Runtime[Any]) -> Components:
        if components is not None and not isinstance(runtime.context, Components):
            return components
        return await shared_components(name, runtime, profiles)

    return build_graph(find, checkpointer, storyboard=storyboard)


def served_graph(runtime: "ServerRuntime[Any] | None" = None) -> TrajectoryGraph:
    """Returns the graph for `langgraph.json`.

    LangGraph's server drops what the context's schema does not have before the graph sees it, so that a misspelt
    `approve_plan` would generate images without asking. It passes the context as the client sent it to this function,
    which refuses misspelt fields. Of a run's input, the graph itself refuses them.

    `INTERLEAVETHINKER_PROFILE` names its profile, and `INTERLEAVETHINKER_PROFILES` the paths of further ones that an
    assistant's context may choose, separated as in `PATH`. `INTERLEAVETHINKER_STORYBOARD` is set where the server has
    the component `storyboard`, as in langgraph.ui.json.

    Args:
        runtime: What the server tells of a run. It knows this parameter by its annotation, and would pass its own
            configuration to any other one.

    Raises:
        InputError: The run's context has a misspelt field.
    """
    execution = None if runtime is None else runtime.execution_runtime
    if execution is not None and isinstance(execution.context, Mapping):
        refuse_misspelt(execution.context, [one.name for one in fields(GraphContext)], "context")
    further = [path for path in os.environ.get("INTERLEAVETHINKER_PROFILES", "").split(os.pathsep) if path]
    storyboard = os.environ.get("INTERLEAVETHINKER_STORYBOARD", "0") not in ("", "0")
    profile = os.environ.get("INTERLEAVETHINKER_PROFILE", "micro")
    graph = make_graph(profile, profiles=further, storyboard=storyboard)
    graph.channels[START] = CheckedInput(TrajectoryInput)
    return graph


def build_graph(
    find_components: Callable[[Runtime[Any]], Awaitable[Components]],
    checkpointer: BaseCheckpointSaver[Any] | None = None,
    retry: RetryPolicy | None = None,
    *,
    storyboard: bool = False,
) -> TrajectoryGraph:
    """Builds and compiles the graph.

    Args:
        find_components: Returns the components of a run, called at the start of each node that needs them.
        checkpointer: Stores the state after each node; None if the surrounding program does that.
        retry: Retry policy of the `generate` node; `GENERATE_RETRY_POLICY` by default.
        storyboard: Show the component of `generative_ui` with each answer to a message.
    """
    nodes = Nodes(find_components, storyboard=storyboard)
    graph = StateGraph(TrajectoryState, GraphContext, input_schema=TrajectoryInput, output_schema=TrajectoryOutput)

    graph.add_node("plan", sync_and_async_node(counted(nodes.plan, nodes.ledger), "plan"))
    graph.add_node("check_plan", sync_and_async_node(counted(nodes.check_plan, nodes.ledger), "check_plan"))
    graph.add_node("approve", nodes.approve)
    graph.add_node(
        "generate",
        sync_and_async_node(counted(nodes.generate, nodes.ledger), "generate"),
        retry_policy=retry or GENERATE_RETRY_POLICY,
    )
    graph.add_node("critic", sync_and_async_node(counted(nodes.critic, nodes.ledger), "critic"))
    graph.add_node("refine", sync_and_async_node(counted(nodes.refine, nodes.ledger), "refine"))
    graph.add_node("check_document", sync_and_async_node(counted(nodes.check_document, nodes.ledger), "check_document"))

    graph.add_edge(START, "plan")
    graph.add_conditional_edges(
        "plan", choice(node_after_plan), {"plan": "plan", "check_plan": "check_plan", "approve": "approve"}
    )
    graph.add_conditional_edges("check_plan", choice(node_after_plan_check), {"plan": "plan", "approve": "approve"})
    graph.add_conditional_edges("approve", choice(node_after_approval), {"plan": "plan", "generate": "generate"})
    graph.add_edge("generate", "critic")
    graph.add_edge("critic", "refine")
    graph.add_conditional_edges(
        "refine",
        choice(next_node),
        {"plan": "plan", "generate": "generate", "check_document": "check_document", "end": END},
    )
    graph.add_edge("check_document", END)

    compiled = graph.compile(checkpointer=checkpointer, name="interleavethinker")
    return cast("TrajectoryGraph", compiled)


GENERATE_RETRY_POLICY = RetryPolicy(
    max_attempts=3,
    retry_on=lambda error: isinstance(error, GeneratorError) and error.retryable and not error.exhausted,
)
"""Retries errors that may go away, of generators that do not do so themselves: `McpImageGenerator` has one budget for
each image, `max_resends`. A repeated call that had succeeded is answered from the server's store."""
