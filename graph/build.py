"""The graph, on one screen: nodes, edges, nothing else.

`make_graph` loads no model and starts no server; its nodes open the profile's runtime when they first need it.
"""

import os
from collections.abc import Awaitable, Callable
from typing import Any

from langgraph.checkpoint.base import BaseCheckpointSaver
from langgraph.graph import END, START, StateGraph
from langgraph.graph.state import CompiledStateGraph
from langgraph.runtime import Runtime
from langgraph.types import RetryPolicy

from interleavethinker.graph.profiles.opening import shared_components
from interleavethinker.tools.errors import GeneratorError

from .context import Components
from .event_loop import sync_and_async_node
from .nodes import Nodes
from .routing import next_node
from .state import TrajectoryInput, TrajectoryOutput, TrajectoryState

__all__ = ["TrajectoryGraph", "build", "make_graph", "served_graph"]

TrajectoryGraph = CompiledStateGraph[TrajectoryState, Components, TrajectoryInput, TrajectoryOutput]


def make_graph(profile: str = "micro") -> TrajectoryGraph:
    """Returns the graph without a checkpointer, to embed anywhere: a node, a tool, `langgraph.json`.

    Args:
        profile: A shipped profile's name or a TOML file. Used unless the run brings `context=Ports(…)`.
    """
    return build(lambda runtime: shared_components(profile, runtime))


def served_graph() -> TrajectoryGraph:
    """Returns the graph for `langgraph.json`, with the profile that `INTERLEAVETHINKER_PROFILE` names.

    It takes nothing, because LangGraph's server would hand its own configuration to any parameter.
    """
    return make_graph(os.environ.get("INTERLEAVETHINKER_PROFILE", "micro"))


def build(
    find_components: Callable[[Runtime[Any]], Awaitable[Components]],
    checkpointer: BaseCheckpointSaver[Any] | None = None,
    retry: RetryPolicy | None = None,
) -> TrajectoryGraph:
    """Adds the nodes and edges."""
    nodes = Nodes(find_components)
    graph = StateGraph(TrajectoryState, Components, input_schema=TrajectoryInput, output_schema=TrajectoryOutput)

    graph.add_node("plan", sync_and_async_node(nodes.plan, "plan"))
    graph.add_node("approve", nodes.approve)
    graph.add_node(
        "generate", sync_and_async_node(nodes.generate, "generate"), retry_policy=retry or GENERATE_RETRY_POLICY
    )
    graph.add_node("critic", sync_and_async_node(nodes.critic, "critic"))
    graph.add_node("refine", sync_and_async_node(nodes.refine, "refine"))

    graph.add_edge(START, "plan")
    graph.add_edge("plan", "approve")
    graph.add_edge("approve", "generate")
    graph.add_edge("generate", "critic")
    graph.add_edge("critic", "refine")
    graph.add_conditional_edges("refine", next_node, {"plan": "plan", "generate": "generate", "end": END})

    return graph.compile(checkpointer=checkpointer, name="interleavethinker")


GENERATE_RETRY_POLICY = RetryPolicy(
    max_attempts=3, retry_on=lambda error: isinstance(error, GeneratorError) and error.retryable
)
"""Only what may succeed later is tried again; a call that did succeed is answered from the server's store."""
