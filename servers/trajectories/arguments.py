"""The tools' arguments: types with what a chat model needs to know of them, and schemas without what it does not.

Clients put the list of tools into every prompt, so it stays below 8 kB.
"""

from collections.abc import Mapping
from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from interleavethinker.graph.profiles.profile import problems_of
from interleavethinker.tools.errors import InputError
from interleavethinker.tools.types import Step

__all__ = [
    "Attempt",
    "Image",
    "ImageSize",
    "MaxAttempts",
    "MaxCalls",
    "PlanStep",
    "Seed",
    "Since",
    "StepNumber",
    "TimeLimit",
    "Trajectory",
    "Words",
    "small_schema",
    "step_of",
]

_LONGEST = 8000

Trajectory = Annotated[str, Field(json_schema_extra={"maxLength": 100})]
Since = Annotated[str | None, Field(description="`version` of the answer that the user has seen")]
StepNumber = Annotated[int, Field(json_schema_extra={"minimum": 1})]
Attempt = Annotated[int | None, Field(json_schema_extra={"minimum": 1})]
Seed = Annotated[int | None, Field(json_schema_extra={"minimum": 0, "maximum": 2**31 - 1})]
ImageSize = Annotated[str | None, Field(description="1024x576, or 16:9")]
MaxAttempts = Annotated[int | None, Field(description="Images per step at most")]
MaxCalls = Annotated[int | None, Field(description="Images in total at most")]
TimeLimit = Annotated[float | None, Field(description="Seconds of work at most")]
Words = Annotated[str | None, Field(json_schema_extra={"maxLength": _LONGEST})]
Image = Annotated[str | None, Field(description="image://…, data:image/… or an allowed path")]


class PlanStep(BaseModel):
    """A step of a plan, as a model or the board gives it."""

    model_config = ConfigDict(extra="forbid")

    instruction: str | None = None
    prompt: str | None = None
    caption: str | None = None
    size: str | None = None
    starts_from: str | None = None


def step_of(given: PlanStep) -> Step:
    """Returns the plan's step.

    Raises:
        InputError: Its size, or what it starts from, cannot be read.
    """
    try:
        return Step(
            instruction=given.instruction,
            prompt=given.prompt,
            auxiliary_text=given.caption,
            size=given.size or None,
            starts_from=given.starts_from,
        )
    except ValidationError as error:
        raise InputError(f"A step of the plan cannot be used: {problems_of(error)}.") from error


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
