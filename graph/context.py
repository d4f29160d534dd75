"""The configuration of a run: `GraphContext`, which clients send as JSON, and `Components`, which programs pass.

`GraphContext` is plain data with a JSON Schema, so that LangGraph's server can store it with an assistant, check it,
and draw a form for it. Planner, critic and generator are objects; `make_graph(components=…)` binds them to a graph.
"""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Annotated, Any

from langgraph.runtime import Runtime
from pydantic import ConfigDict, Field
from pydantic.dataclasses import dataclass as validated_dataclass

from interleavethinker.tools.image_sizes import ImageSize
from interleavethinker.tools.images.store import ImageStore
from interleavethinker.tools.protocols import (
    Critic,
    DocumentCheck,
    ImageGenerator,
    PlanCheck,
    Planner,
    ReferenceWords,
    Researcher,
    WishReader,
)
from interleavethinker.tools.types import Request

from .limits import Limits

__all__ = ["IMAGE_URL", "Components", "GraphContext", "options_of"]

IMAGE_URL = r"^https?://[^\s()<>]+$"
"""Pattern of addresses that may stand in a link of Markdown."""


@dataclass(frozen=True)
class Components:
    """The components of a run, for a graph without a profile: `make_graph(components=…)`, or `context=` of one run."""

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
    request_check: Callable[[Request], None] | None = None
    """Raises `InputError` for a request that these components cannot serve; called in a thread, before planning."""
    limit_check: Callable[[Limits], None] | None = None
    """Raises `InputError` for limits that cannot work with these components; called in a thread, before planning."""
    image_size: ImageSize | None = None
    """Size or aspect ratio of the images of trajectories that set none; None leaves it to the model."""
    researcher: Researcher | None = None
    """Looks up facts before the planner is asked; None: nothing is looked up."""
    wish_reader: WishReader | None = None
    """Tells what an edit should have left alone, and merges prompts for the drift guard; None: without reading them."""
    store: ImageStore | None = None
    """Where images in `messages` are put. Without it, messages may only name images that the generator knows."""
    reference_words: ReferenceWords | None = None
    """Describes named images, for planners and generators that take no reference images; needs `store`."""


def _ui(kind: str, description: str, **hints: Any) -> dict[str, Any]:
    """Returns the hints from which Open Agent Platform and similar clients draw the form of an assistant."""
    return {"x_oap_ui_config": {"type": kind, "description": description} | hints}


@validated_dataclass(frozen=True, config=ConfigDict(extra="forbid"))
class GraphContext:
    """The options of a run, and of an assistant of LangGraph's server. All fields are optional and plain JSON.

    Raises:
        pydantic.ValidationError: A field is unknown, or its value is not allowed.
    """

    profile: Annotated[
        str | None,
        Field(
            description="Profile that names planner, critic and image generator: a shipped one's name, or one that the "
            "server's operator allows. Default: the graph's own.",
            json_schema_extra=_ui("text", "Profile: planner, critic, image generator", placeholder="micro"),
        ),
    ] = None
    limits: Annotated[
        Limits | None,
        Field(
            description="Limits of trajectories whose input sets none. Default: the profile's.",
            json_schema_extra=_ui("json", "Limits of a trajectory", placeholder='{"max_attempts": 3, "max_calls": 20}'),
        ),
    ] = None
    image_size: Annotated[
        ImageSize | None,
        Field(
            description="Size of the images in pixels (1024x576), or their aspect ratio (16:9), of trajectories whose "
            "input sets none. Default: the profile's, or the model's own.",
            json_schema_extra=_ui("text", "Image size or aspect ratio", placeholder="16:9"),
        ),
    ] = None
    approve_plan: Annotated[
        bool,
        Field(
            description="Interrupt after planning, so that a person approves, edits or rejects the plan.",
            json_schema_extra=_ui("switch", "Ask before a plan is carried out", default=False),
        ),
    ] = False
    review_images: Annotated[
        bool,
        Field(
            description="Interrupt after each attempt, so that a person accepts or rejects the image; no drafts are "
            "generated ahead.",
            json_schema_extra=_ui("switch", "Ask whether each image is right", default=False),
        ),
    ] = False
    stream_models: Annotated[
        bool,
        Field(
            description="Show the tokens of planner and critic in `messages` streams.",
            json_schema_extra=_ui("switch", "Stream the planner's and the critic's words", default=False),
        ),
    ] = False
    image_url: Annotated[
        str | None,
        Field(
            pattern=IMAGE_URL,
            description="Address below which clients find `images/SHA256.png`. Default: the address that the client "
            "called; outside a server, images are named `image://SHA256`.",
            json_schema_extra=_ui("text", "Address of this server for image links"),
        ),
    ] = None


def options_of(runtime: Runtime[Any]) -> GraphContext:
    """Returns the options of a run: its context, or the defaults where it has none or brings components instead.

    A graph inside another one is given that graph's context, which may be of any type.
    """
    context: object = runtime.context
    return context if isinstance(context, GraphContext) else GraphContext()
