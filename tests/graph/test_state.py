"""Every type that a checkpoint may contain survives a strict round trip; other classes are not instantiated."""

import pytest
from langgraph.checkpoint.serde.jsonplus import JsonPlusSerializer
from langgraph.checkpoint.serde.types import _DeltaSnapshot
from pydantic import BaseModel

from interleavethinker.graph import Block, Document, Limits, serializer
from interleavethinker.graph.limits import DriftGuard, StopReason
from interleavethinker.graph.lookups import Research
from interleavethinker.graph.spending import ModelUse, Spending
from interleavethinker.graph.state import STORED_TYPES, Override, _merge_attempts, _merge_plans
from interleavethinker.tools.types import (
    Attempt,
    CheckReport,
    Drift,
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

SHA = "0" * 64
VERDICT = Verdict(success=False, refined_prompt="näher \U0001f985", reasoning="r", confidence=0.25)
STEP = Step(instruction="u", prompt=None, auxiliary_text="a\n\x00b")
ATTEMPT = Attempt(
    plan_version=2, step=1, iteration=3, prompt="p", seed=2**31 - 1, source=None, image=SHA, verdict=VERDICT
)
CHANGE = ImageChange(changed=0.5, residue=0.01, color=0.1, contrast=-0.5, sharpness=0.5)
REPORT = CheckReport(checked=True, faults=("Step 1 is missing.",))
LOOKUP = Lookup(tool="t", arguments="{}", result="r", sources=("s",))
BLOCK = Block(kind="image", step=0, status="best_effort", text="p", sha256=SHA)
SAMPLES: list[BaseModel | StopReason] = [
    ATTEMPT,
    BLOCK,
    Drift(from_source=CHANGE, outside=0.25, total=0.5),
    DriftGuard(action="redraw", threshold=0.25),
    CHANGE,
    Document(blocks=(BLOCK, Block(kind="text", step=1, status="text_only", text="t")), complete=True, notes=("n",)),
    ImagePart(sha256=SHA),
    Limits(max_calls=3, max_cost=0.5, time_limit=0.5),
    LOOKUP,
    ModelUse(model="m", calls=2, input_tokens=5, dollars=0.5, estimated=1),
    Override(step=1, iteration=0, prompt="p", seed=4),
    Plan(steps=(STEP, STEP), version=2, reasoning="why", made_by="planner", report=REPORT, rejected=True),
    Request(parts=(TextPart(text="t"), ImagePart(sha256=SHA))),
    PinnedReference(sha256=SHA, label="@cat"),
    Requirement(kind="count", text="three balls", met=False),
    REPORT,
    Research(request="d", lookups=(LOOKUP,), finished=True),
    Spending(uses=(ModelUse(model="m", images=1),)),
    STEP,
    StopReason.TIME_LIMIT,
    TextPart(text=""),
    VERDICT,
]


def test_every_stored_type_has_a_sample() -> None:
    assert {type(sample) for sample in SAMPLES} == set(STORED_TYPES)


@pytest.mark.parametrize("sample", SAMPLES, ids=lambda sample: type(sample).__name__)
def test_a_stored_type_survives_a_round_trip_with_its_class(sample: BaseModel | StopReason) -> None:
    for value in (sample, [sample], {"key": sample}, _DeltaSnapshot({1: sample})):
        back = serializer().loads_typed(serializer().dumps_typed(value))
        expected = value.value if isinstance(value, _DeltaSnapshot) else value
        back = back.value if isinstance(back, _DeltaSnapshot) else back
        assert back == expected
    assert type(serializer().loads_typed(serializer().dumps_typed(sample))) is type(sample)


class Foreign(BaseModel):
    x: int = 1


def test_a_foreign_class_in_a_database_is_not_instantiated() -> None:
    lax = JsonPlusSerializer(allowed_msgpack_modules=True)
    assert not isinstance(serializer().loads_typed(lax.dumps_typed(Foreign())), Foreign)


def test_reducers_give_the_same_result_for_one_batch_or_several() -> None:
    one, two = {"1.0.0": ATTEMPT}, {"1.0.1": ATTEMPT, "1.0.0": None}
    assert _merge_attempts(_merge_attempts({}, [one]), [two]) == _merge_attempts({}, [one, two]) == {"1.0.1": ATTEMPT}
    first, second = {1: Plan(steps=(STEP,))}, {2: Plan(steps=(STEP,), version=2)}
    assert _merge_plans(_merge_plans({}, [first]), [second]) == _merge_plans({}, [first, second])


def test_reducers_do_not_mutate_their_input() -> None:
    before = {"1.0.0": ATTEMPT}
    _merge_attempts(before, [{"1.0.0": None}])
    assert before == {"1.0.0": ATTEMPT}
