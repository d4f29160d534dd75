"""The tools' arguments: types with what a chat model needs to know of them, and schemas without what it does not.

Clients put the list of tools into every prompt, so it stays below 8 kB.
"""

import hashlib
import json
from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import Annotated, Any, cast, get_args

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from interleavethinker.graph.limits import DriftAction
from interleavethinker.graph.workspace.catalog import RequestKey
from interleavethinker.graph.workspace.human_review import HumanVerdict
from interleavethinker.tools.errors import InputError
from interleavethinker.tools.image_names import split_named
from interleavethinker.tools.types import ImagePart, Part, Sha256, Step
from interleavethinker.tools.validation import problems_of
from interleavethinker.tools.which_one import which

__all__ = [
    "Attempt",
    "Image",
    "ImageSize",
    "MaxAttempts",
    "MaxCalls",
    "MaxCost",
    "OnDrift",
    "PlanStep",
    "Region",
    "Seed",
    "Since",
    "StepNumber",
    "TimeLimit",
    "Trajectory",
    "Variants",
    "Words",
    "drift_action",
    "key_of",
    "named_images",
    "small_schema",
    "step_of",
    "verdict_of",
]

_LONGEST = 8000
_REPEATED_WITHIN = 60.0
"""Seconds in which an equal call is taken as a repetition: chat clients resend a call that has timed out."""

Trajectory = Annotated[str, Field(json_schema_extra={"maxLength": 100})]
Since = Annotated[str | None, Field(description="`version` of the answer that the user has seen")]
StepNumber = Annotated[int, Field(json_schema_extra={"minimum": 1})]
Attempt = Annotated[int | None, Field(json_schema_extra={"minimum": 1})]
Seed = Annotated[int | None, Field(json_schema_extra={"minimum": 0, "maximum": 2**31 - 1})]
ImageSize = Annotated[str | None, Field(description="1024x576, or 16:9")]
MaxAttempts = Annotated[int | None, Field(description="Images per step at most")]
Variants = Annotated[int | None, Field(description="First images per step to choose from")]
OnDrift = Annotated[DriftAction | None, Field(description="If edits do damage")]
MaxCalls = Annotated[int | None, Field(description="Images in total at most")]
MaxCost = Annotated[float | None, Field(description="US dollars at most")]
TimeLimit = Annotated[float | None, Field(description="Seconds of work at most")]
Words = Annotated[str | None, Field(json_schema_extra={"maxLength": _LONGEST})]
Region = Annotated[str | None, Field(description="Change only X,Y,WIDTH,HEIGHT, as 50%,0,50%,100%")]
Image = Annotated[str | None, Field(description="image://…, data:image/… or an allowed path")]


class PlanStep(BaseModel):
    """A step of a plan, as a model or the board gives it."""

    model_config = ConfigDict(extra="forbid")

    instruction: str | None = None
    prompt: str | None = None
    caption: str | None = None
    size: str | None = None
    starts_from: str | None = None
    references: list[str] | None = None


def step_of(given: PlanStep) -> Step:
    """Returns the plan's step.

    Raises:
        InputError: Its size, or what it starts from or refers to, cannot be read.
    """
    try:
        return Step(
            instruction=given.instruction,
            prompt=given.prompt,
            auxiliary_text=given.caption,
            size=given.size or None,
            starts_from=given.starts_from,
            references=tuple(given.references or ()),
        )
    except ValidationError as error:
        raise InputError(f"A step of the plan cannot be used: {problems_of(error)}.") from error


def verdict_of(
    *,
    accept: bool,
    prompt: str | None,
    reason: str,
    region: str | None,
    mask: Sha256 | None,
    step: int | None,
    attempt: int | None,
) -> HumanVerdict:
    """Returns a person's verdict, given with numbers that count from 1."""
    return HumanVerdict(
        success=accept,
        prompt=prompt,
        reasoning=reason,
        region=region or None,
        mask=mask,
        step=None if step is None else step - 1,
        iteration=None if attempt is None else attempt - 1,
    )


def drift_action(given: str | None) -> DriftAction | None:
    """Returns what the drift guard is told by a tool whose schema does not name the values: the list has 8 kB.

    Raises:
        InputError: There is no such action.
    """
    if not given:
        return None
    for action in get_args(DriftAction):
        if given == action:
            return cast("DriftAction", action)
    raise InputError(f"on_drift must be one of {', '.join(get_args(DriftAction))}; got {given[:60]!r}.")


def key_of(key: str | None, parts: Sequence[Part], given: list[Any], image_size: str | None) -> RequestKey:
    """Returns a client's own key, or the one that equal calls share for a minute.

    Args:
        key: The client's; None: it has none.
        parts: Of the request.
        given: The call's other arguments.
        image_size: The same; None is no part of the call.
    """
    if key is not None:
        return RequestKey(f"key {key}")
    call = [[part.model_dump() for part in parts], *given, *([] if image_size is None else [image_size])]
    digest = hashlib.sha256(json.dumps(call).encode(errors="surrogatepass")).hexdigest()
    return RequestKey(f"call {digest}", _REPEATED_WITHIN)


async def named_images(
    given: Sequence[str | bytes | ImagePart], add: Callable[[str | bytes], Awaitable[str]]
) -> list[ImagePart]:
    """Stores the images of a request; see `_named_image`. An error says which one it is about."""
    parts = []
    for number, one in enumerate(given, 1):
        with which(f"Image {number} of {len(given)}", among=len(given)):
            parts.append(await _named_image(one, add))
    return parts


async def _named_image(given: str | bytes | ImagePart, add: Callable[[str | bytes], Awaitable[str]]) -> ImagePart:
    """Stores an image, which may have a name before it (`cat=image://…`), and returns it as a part of a request.

    Args:
        given: Bytes, or an address or path with or without a name, or a part whose image is stored.
        add: Stores an image and returns its name in the store.
    """
    if isinstance(given, ImagePart):
        return given.model_copy(update={"sha256": await add(f"image://{given.sha256}")})
    name, purpose, image = (None, "", given) if isinstance(given, bytes) else split_named(given)
    return ImagePart(sha256=await add(image), name=name, purpose=purpose)


def small_schema(schema: Mapping[str, Any]) -> dict[str, Any]:
    """Returns a JSON Schema of a tool's arguments without titles and null alternatives, and with references resolved.

    A client may still send null for an argument that it leaves out.
    """
    definitions = schema.get("$defs", {})

    def small(part: Any) -> Any:
        if isinstance(part, list):
            return [small(each) for each in part]
        if not isinstance(part, Mapping):
            return part
        if "$ref" in part:
            return small(definitions[part["$ref"].rpartition("/")[2]])
        choices = [each for each in part.get("anyOf", ()) if each.get("type") != "null"]
        if len(choices) == 1:
            outside = {name: value for name, value in part.items() if name != "anyOf"}
            return small({**choices[0], **outside})
        kept = {
            name: value
            for name, value in part.items()
            if name not in {"title", "$defs"} and not (name == "default" and value in (None, ""))
        }
        if "properties" in kept:
            kept["properties"] = {name: small(value) for name, value in part["properties"].items()}
            kept.pop("description", None)
        return {name: value if name == "properties" else small(value) for name, value in kept.items()}

    result: dict[str, Any] = small(schema)
    return result
