"""The shared data types: frozen, strict, and unchanged by JSON and msgpack."""

from collections.abc import Callable

import pytest
from langgraph.checkpoint.serde.jsonplus import JsonPlusSerializer
from pydantic import BaseModel, ValidationError

from interleavethinker.tools import types
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
    PinnedReference,
    Plan,
    Request,
    Requirement,
    Step,
    TextPart,
    Verdict,
)

A, B = "a" * 64, "b" * 64
CHANGE = ImageChange(changed=0.5, residue=0.01, color=0.0, contrast=-0.5, sharpness=0.25)
VERDICT = Verdict(success=False, refined_prompt="a red ball", reasoning="it is blue", confidence=0.25)
SAMPLES: tuple[BaseModel, ...] = (
    TextPart(text="Draw a ball — größer, 更大 \N{ROCKET}"),
    ImagePart(sha256=A),
    Request(parts=(TextPart(text="one"), ImagePart(sha256=A), TextPart(text="two"), ImagePart(sha256=B))),
    Request(parts=()),
    Step(instruction="A ball appears.", prompt="a ball", auxiliary_text="Look!"),
    Step(),
    Plan(steps=(Step(prompt="a ball"), Step(auxiliary_text="the end")), version=2, reasoning="short"),
    Plan(
        steps=(Step(prompt="a ball"),),
        made_by="planner",
        report=CheckReport(checked=True, faults=("no",)),
        rejected=True,
    ),
    CheckReport(checked=False),
    Lookup(tool="find_bird", result="It sleeps on one leg.", sources=("https://example.org/birds",)),
    Requirement(kind="count", text="three balls", met=False),
    PinnedReference(label="@cat", sha256=A),
    CHANGE,
    Drift(from_source=CHANGE, total=0.25),
    VERDICT,
    Verdict(success=None),
    CriticInput(source=None, image=A, original_prompt="a ball", prompt="a red ball"),
    Attempt(plan_version=1, step=0, iteration=3, prompt="a ball", seed=2**63 - 1, source=A, image=B, verdict=VERDICT),
    Attempt(plan_version=1, step=0, iteration=0, prompt="", seed=0, source=None, image=B, seconds=0.1, cached=True),
    GenerationRequest(prompt="a ball", seed=7, source=A, width=128, height=64),
    GeneratedImage(sha256=A, width=64, height=64, seed=7, model="m@1", seconds=0.07, cached=False),
)
STRICT = JsonPlusSerializer(
    allowed_msgpack_modules=[(types.__name__, name) for name in types.__all__], pickle_fallback=False
)


def through_json(value: BaseModel) -> object:
    return type(value).model_validate_json(value.model_dump_json())


def through_msgpack(value: BaseModel) -> object:
    return STRICT.loads_typed(STRICT.dumps_typed(value))


def test_every_exported_type_has_a_sample_here() -> None:
    exported = {getattr(types, name) for name in types.__all__}
    models = {kind for kind in exported if isinstance(kind, type) and issubclass(kind, BaseModel)}
    assert models == {type(sample) for sample in SAMPLES}


@pytest.mark.parametrize("sample", SAMPLES, ids=lambda sample: type(sample).__name__)
@pytest.mark.parametrize("round_trip", [through_json, through_msgpack])
def test_a_value_survives_serialization_unchanged(round_trip: Callable[[BaseModel], object], sample: BaseModel) -> None:
    loaded = round_trip(sample)
    assert type(loaded) is type(sample)
    assert loaded == sample
    assert hash(loaded) == hash(sample)


@pytest.mark.parametrize("sample", SAMPLES, ids=lambda sample: type(sample).__name__)
def test_a_value_cannot_be_changed_or_extended(sample: BaseModel) -> None:
    field = next(iter(type(sample).model_fields))
    with pytest.raises(ValidationError, match="frozen"):
        setattr(sample, field, getattr(sample, field))
    with pytest.raises(ValidationError, match="not permitted"):
        type(sample).model_validate({**sample.model_dump(), "surplus": 1})


def test_the_parts_of_a_request_are_loaded_as_their_own_types_in_order() -> None:
    request = Request.model_validate({"parts": [{"kind": "image", "sha256": A}, {"kind": "text", "text": "one"}]})
    assert request.parts == (ImagePart(sha256=A), TextPart(text="one"))


def test_a_request_has_a_joined_text_and_a_list_of_images() -> None:
    request = Request(parts=(TextPart(text="one"), ImagePart(sha256=B), TextPart(text="two"), ImagePart(sha256=A)))
    assert request.text == "one\ntwo"
    assert request.images == (B, A)


@pytest.mark.parametrize("name", ["", "a" * 63, "a" * 65, "A" * 64, "g" * 64, f"{'a' * 64}\n", f"../{'a' * 61}"])
def test_an_image_name_is_64_lower_case_hexadecimal_digits(name: str) -> None:
    with pytest.raises(ValidationError):
        ImagePart(sha256=name)


def test_a_type_that_is_not_allowed_is_not_loaded_from_a_checkpoint() -> None:
    class Unlisted(BaseModel):
        text: str = "hello"

    assert not isinstance(through_msgpack(Unlisted()), Unlisted)
