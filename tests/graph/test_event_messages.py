"""Events that another process has sent are read as what they were."""

import json

import pytest

from interleavethinker.graph.event_messages import read_event
from interleavethinker.graph.events import Event, Failed, GenerationProgress, Paused, Planned
from interleavethinker.tools.testing.agents import plan_of


@pytest.mark.parametrize(
    "event",
    [
        Planned(plan=plan_of("a", None), first=1),
        GenerationProgress(step=0, iteration=2, prompt="ö", seed=3, fraction=0.5),
        Paused(),
        Failed(code="x", reason="y", refused=True),
    ],
    ids=lambda event: event.kind,
)
def test_an_event_is_read_as_it_was_written(event: Event) -> None:
    assert read_event(json.loads(event.model_dump_json())) == event


@pytest.mark.parametrize("data", [{}, {"kind": "nothing"}, {"kind": "paused", "more": 1}, {"kind": "failed"}])
def test_what_is_no_event_is_refused(data: dict[str, object]) -> None:
    with pytest.raises(ValueError, match=r"no event|validation error"):
        read_event(data)
