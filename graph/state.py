"""The state of a trajectory, the reducers of its channels, typed accessors, and the serializer of its checkpoints.

The state holds names and numbers, never pixels. The growing parts (request, plans, attempts) are delta channels: a
checkpoint contains only what a step changed, so the size of any checkpointer's database grows linearly. Measured with
SQLite over 300 generator calls: 7.0 KB and 2.4 ms per call, compared with 294 KB per call for an ordinary merging
channel (quadratic growth) and 5.5 KB and 2.6 ms for rows in separate tables. Separate tables are not cheaper, and they
would split a trajectory into two parts for everyone who uses another checkpointer, forks or time travel. The cost is
that delta channels are beta: LangGraph is pinned to a minor version, and a test checks that databases of earlier
versions stay readable.
"""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Annotated, Any, Literal, TypeVar

from langchain_core.messages import AnyMessage
from langgraph.channels import DeltaChannel
from langgraph.checkpoint.serde.jsonplus import JsonPlusSerializer
from langgraph.graph.message import add_messages
from langgraph.graph.ui import AnyUIMessage, ui_message_reducer
from langgraph.managed import RemainingSteps
from pydantic import AfterValidator, BaseModel, ConfigDict, Field, GetCoreSchemaHandler
from pydantic_core import CoreSchema, to_jsonable_python
from typing_extensions import TypedDict  # pydantic needs this one before Python 3.12, to make schemas

from interleavethinker.tools.errors import InputError
from interleavethinker.tools.image_sizes import ImageSize
from interleavethinker.tools.plain_text import valid_unicode
from interleavethinker.tools.request_parsing import RequestLike, as_request, named_step_count
from interleavethinker.tools.types import (
    Attempt,
    CheckReport,
    Drift,
    ImageChange,
    ImagePart,
    Lookup,
    Part,
    PinnedReference,
    Plan,
    Request,
    Requirement,
    Sha256,
    Step,
    TextPart,
    Verdict,
)

from .channels import NonNegativeValue, ValidatedValue, validated
from .document import Block, Document, assemble
from .limits import DriftGuard, Limits, StopReason
from .lookups import Research, lookups_of, sources_of
from .spending import ModelUse, Spending

__all__ = [
    "Override",
    "TrajectoryInput",
    "TrajectoryOutput",
    "TrajectoryState",
    "attempts_of",
    "current_step_of",
    "defaults_for",
    "document_of",
    "extra_attempts_of",
    "given_options",
    "inherited_calls_of",
    "initial_state",
    "newest_plan",
    "plan_to_carry_out",
    "rejected_plans_of",
    "request_of",
    "serializer",
    "stop_reason_of",
]

_K = TypeVar("_K")
_V = TypeVar("_V")
_SNAPSHOT_EVERY = 1000
"""Updates of a delta channel between two full copies. Reading replays at most this many, in about 16 ms."""


class Override(BaseModel):
    """A person's prompt or seed for the next attempt of the current step.

    A prompt makes a new version of the plan when the attempt is generated, so that the critic judges by it.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    step: int
    iteration: int
    prompt: Annotated[str, AfterValidator(valid_unicode)] | None = None
    seed: int | None = None


def _latest_request(_: Sequence[Part], writes: Sequence[RequestLike]) -> Sequence[Part]:
    return as_request(writes[-1]).parts


def _merge_plans(plans: Mapping[int, Plan], writes: Sequence[Mapping[int, Plan | None]]) -> dict[int, Plan]:
    """Inserts or replaces plans by version; None removes one, which is how a new trajectory begins."""
    merged = dict(plans)
    for write in writes:
        _merge(merged, validated(dict[int, Plan | None], write, "plans"))
    return merged


def _merge_attempts(
    attempts: Mapping[str, Attempt], writes: Sequence[Mapping[str, Attempt | None]]
) -> dict[str, Attempt]:
    """Inserts or replaces attempts by key; None removes one."""
    merged = dict(attempts)
    for write in writes:
        _merge(merged, validated(dict[str, Attempt | None], write, "attempts"))
    return merged


def _merge(merged: dict[_K, _V], write: Mapping[_K, _V | None]) -> None:
    for key, value in write.items():
        if value is None:
            merged.pop(key, None)
        else:
            merged[key] = value


if TYPE_CHECKING:
    _RequestChannel = RequestLike
    _MessagesChannel = list[AnyMessage]
else:  # Callers may pass more types than the channels store.

    class _Parts(list):
        """The channel's empty value is a list; its schema shows everything that callers may pass."""

        @classmethod
        def __get_pydantic_core_schema__(cls, source: object, handler: GetCoreSchemaHandler) -> CoreSchema:
            return handler.generate_schema(str | Request | list[Part | str])

    _RequestChannel = Annotated[_Parts, DeltaChannel(_latest_request, snapshot_frequency=_SNAPSHOT_EVERY)]
    _MessagesChannel = Annotated[list[AnyMessage], add_messages]


class TrajectoryInput(TypedDict, total=False):
    """Input of the graph: a request, or messages of which the last one is a person's."""

    request: _RequestChannel
    """A text, a `Request`, or a list of its parts."""
    messages: _MessagesChannel
    """A conversation. Its last message, with texts and images, is the request unless `request` is given."""
    seed: Annotated[int | None, ValidatedValue, Field(description="Seed of the trajectory; chosen at random if absent")]
    """Seed of the trajectory; chosen at random and recorded if absent."""
    limits: Annotated[Limits | None, ValidatedValue]
    """Limits of the trajectory; those of the context or the profile by default."""
    image_size: Annotated[
        ImageSize | None,
        ValidatedValue,
        Field(description="Size of the images in pixels (1024x576), or their aspect ratio (16:9)"),
    ]
    """Size or aspect ratio of the images; that of the context or the profile, or the model's own, by default."""
    approve_plan: Annotated[bool, ValidatedValue, Field(description="Interrupt for a person's approval of each plan")]
    """Whether to interrupt for a person's approval after each plan."""


class TrajectoryOutput(TypedDict, total=False):
    """Output of the graph."""

    document: Annotated[Document, ValidatedValue]
    stop_reason: Annotated[StopReason | None, ValidatedValue]
    messages: _MessagesChannel
    """The conversation with the answer in Markdown, if the input had messages."""
    plans: Annotated[dict[int, Plan], DeltaChannel(_merge_plans, snapshot_frequency=_SNAPSHOT_EVERY)]
    """All plans by version number; the newest is in effect."""
    attempts: Annotated[dict[str, Attempt], DeltaChannel(_merge_attempts, snapshot_frequency=_SNAPSHOT_EVERY)]
    """All attempts by `attempt_key`, with their verdicts, including outdated ones."""


class _OldChannels(TypedDict, total=False):
    """Channels of version 0.1 databases; the accessors below read them, and nothing writes them."""

    allowances: dict[str, int]
    cursor: int
    free_calls: int
    outcome: str | None


class TrajectoryState(TrajectoryInput, TrajectoryOutput, _OldChannels, total=False):
    """Everything about a trajectory except the bytes of its images."""

    current_step: Annotated[int, NonNegativeValue]
    """Index of the first unfinished step."""
    review_images: Annotated[bool, ValidatedValue]
    """Whether to interrupt after each attempt, so that a person accepts or rejects its image."""
    approved_plans: Annotated[tuple[int, ...], ValidatedValue]
    """With `approve_plan`: the versions of the plan that images were generated from, with a person's approval."""
    override: Annotated[Override | None, ValidatedValue]
    """A person's prompt or seed for one attempt that has not been generated yet."""
    extra_attempts: Annotated[dict[str, int], ValidatedValue]
    """Number of attempts of a step where a person allowed more than the limits, by the `attempt_key` of its first
    attempt. Only the current step can have an entry, so each write replaces the whole mapping."""
    seconds: Annotated[float, NonNegativeValue]
    """Seconds of work by planner, generator and critic."""
    spending: Annotated[Spending, ValidatedValue]
    """What hosted models have cost."""
    inherited_calls: Annotated[int, NonNegativeValue]
    """Attempts inherited from the parent of a branch; they do not count against `Limits.max_calls`."""
    research: Annotated[Research | None, ValidatedValue]
    """What was looked up before planning; None if nothing is."""
    message_id: Annotated[str | None, ValidatedValue]
    """ID of the message that this trajectory answers; None if it answers `request`."""
    shown: Annotated[tuple[Sha256, ...], ValidatedValue]
    """Images of the thread's earlier answers with which the request begins, oldest first."""
    defaults: Annotated[dict[str, Any], ValidatedValue]
    """Options of the trajectory that its input left out, as JSON: those of its run's context or profile."""
    ui: Annotated[list[AnyUIMessage], ui_message_reducer]
    """Components that chat clients with a generative UI show beside messages."""
    replans: Annotated[int, NonNegativeValue]
    """How often the remaining steps were replanned."""
    rejected_plans: Annotated[int, NonNegativeValue]
    """How many plans in a row the plan check has rejected; 0 once a plan is carried out."""
    to_check: Annotated[Literal["plan", "document"] | None, ValidatedValue]
    """What the next node has to check."""
    document_report: Annotated[CheckReport | None, ValidatedValue]
    """The result of the document check; None before it, or without one."""
    remaining_steps: RemainingSteps
    """Super-steps left under the caller's recursion limit; managed by LangGraph."""


STORED_TYPES: tuple[type, ...] = (
    Attempt,
    Block,
    Document,
    Drift,
    DriftGuard,
    ImageChange,
    ImagePart,
    Limits,
    Lookup,
    ModelUse,
    Override,
    PinnedReference,
    Plan,
    Request,
    Requirement,
    CheckReport,
    Research,
    Spending,
    Step,
    StopReason,
    TextPart,
    Verdict,
)
"""Every class that a checkpoint may contain."""


def serializer() -> JsonPlusSerializer:
    """Returns a serializer that restores `STORED_TYPES` and LangGraph's safe types.

    Any other class named in a database is not instantiated.
    """
    return JsonPlusSerializer(allowed_msgpack_modules=[(t.__module__, t.__name__) for t in STORED_TYPES])


def request_of(state: Mapping[str, Any]) -> Request:
    """Returns the request of a state."""
    return as_request(state["request"])


def newest_plan(state: Mapping[str, Any]) -> Plan | None:
    """Returns the plan in effect, or None before planning."""
    plans: dict[int, Plan] = state.get("plans") or {}
    return plans[max(plans)] if plans else None


def plan_to_carry_out(state: Mapping[str, Any]) -> Plan | None:
    """Returns the plan in effect for a node that works on it, or None before planning.

    Raises:
        InputError: The current step, which clients can write, is not one of the plan.
    """
    plan, step = newest_plan(state), current_step_of(state)
    if plan is not None and step > len(plan.steps):
        raise InputError(
            f"The value of 'current_step' does not fit the plan, which has {len(plan.steps)} steps; it is {step}, "
            "counted from 0."
        )
    return plan


def attempts_of(state: Mapping[str, Any]) -> dict[str, Attempt]:
    """Returns all attempts by key."""
    return state.get("attempts") or {}


def rejected_plans_of(state: Mapping[str, Any]) -> int:
    """Returns how many plans in a row the plan check has rejected."""
    return int(state.get("rejected_plans") or 0)


def document_of(state: Mapping[str, Any], *, at_rest: bool = False) -> Document:
    """Returns the document as far as it is generated; `at_rest`: see `assemble`."""
    requested_steps = named_step_count(request_of(state).text)
    stop_reason, limits = stop_reason_of(state), state.get("limits") or Limits()
    return assemble(
        newest_plan(state),
        attempts_of(state),
        current_step_of(state),
        stop_reason,
        limits,
        requested_steps,
        state.get("document_report"),
        sources_of(lookups_of(state)),
        at_rest=at_rest,
    )


def initial_state(
    limits: Limits,
    seed: int,
    *,
    approve_plan: bool = False,
    review_images: bool = False,
    image_size: str | None = None,
) -> dict[str, Any]:
    """Returns the initial values of a trajectory, apart from its request, plans and attempts."""
    return {
        "approve_plan": approve_plan,
        "approved_plans": (),
        "current_step": 0,
        "defaults": {},
        "document": Document(),
        "document_report": None,
        "extra_attempts": {},
        "image_size": image_size,
        "inherited_calls": 0,
        "limits": limits,
        "message_id": None,
        "override": None,
        "rejected_plans": 0,
        "replans": 0,
        "research": None,
        "review_images": review_images,
        "seconds": 0.0,
        "seed": seed,
        "shown": (),
        "spending": Spending(),
        "stop_reason": None,
        "to_check": None,
    }


_OPTIONS = ("approve_plan", "image_size", "limits", "review_images")


def given_options(state: Mapping[str, Any]) -> dict[str, Any]:
    """Returns the options that the input gave to the trajectory that begins now.

    The state also holds what an earlier trajectory of the thread took from its context, which may have been another
    assistant's. Planning again after a person's rejection is the same trajectory, with all its options.
    """
    defaults = {} if newest_plan(state) is None else state.get("defaults") or {}
    given = {name: state[name] for name in _OPTIONS if state.get(name)}
    return {name: value for name, value in given.items() if defaults.get(name) != to_jsonable_python(value)}


def defaults_for(state: Mapping[str, Any], initial: Mapping[str, Any]) -> dict[str, Any]:
    """Returns the `defaults` of the trajectory that begins now, given its initial values."""
    given = given_options(state)
    kept = state.get("defaults") or {} if newest_plan(state) is None else {}
    return kept | {name: to_jsonable_python(initial[name]) for name in _OPTIONS if name not in given}


def current_step_of(state: Mapping[str, Any]) -> int:
    """Returns the index of the first unfinished step."""
    return int(_value(state, "current_step", "cursor") or 0)


def stop_reason_of(state: Mapping[str, Any]) -> StopReason | None:
    """Returns why the trajectory ended, or None while it has not ended."""
    reason = _value(state, "stop_reason", "outcome")
    return None if reason is None else StopReason(reason)


def extra_attempts_of(state: Mapping[str, Any]) -> dict[str, int]:
    """Returns the numbers of attempts that a person allowed, by the `attempt_key` of a step's first attempt."""
    return _value(state, "extra_attempts", "allowances") or {}


def inherited_calls_of(state: Mapping[str, Any]) -> int:
    """Returns the number of attempts inherited from the parent of a branch, which do not count against the limit."""
    return int(_value(state, "inherited_calls", "free_calls") or 0)


def _value(state: Mapping[str, Any], name: str, old_name: str) -> Any:
    return state[name] if name in state else state.get(old_name)
