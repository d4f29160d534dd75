"""Look-ahead is measured on requests whose first attempts mostly pass, and the page says what share that is."""

import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from unittest.mock import AsyncMock

import pytest

from interleavethinker.cli import main
from interleavethinker.evaluation.throughput import look_ahead_benchmark, product_run
from interleavethinker.evaluation.throughput.look_ahead_benchmark import (
    LookAheadConfig,
    measure_look_ahead,
    steady_requests,
)
from interleavethinker.evaluation.throughput.loop_report import look_ahead_markdown
from interleavethinker.evaluation.throughput.product_run import Answered, Measured, Stages
from interleavethinker.graph import Components
from interleavethinker.graph.profiles.profile import Profile
from interleavethinker.tools.errors import InputError
from interleavethinker.tools.images.store import ImageStore
from interleavethinker.tools.testing.agents import FixedPlanner, RuleCritic, plan_of
from interleavethinker.tools.testing.generator import MemoryGenerator
from interleavethinker.tools.types import CriticInput, Verdict


def answered(first: str) -> Answered:
    return Answered((), tuple(each == "+" for each in first))


def test_requests_are_taken_in_order_except_those_that_lower_the_share_too_far() -> None:
    answers = [answered(first) for first in ("+++", "++-", "++", "", "++++++", "++-", "+++-", "+++")]
    assert steady_requests(answers, 4, 0.9) == [0, 4, 5, 7]
    assert steady_requests(answers, 4, 0.5) == [0, 1, 4, 5]
    with pytest.raises(InputError, match="Only 4 requests keep 90%"):
        steady_requests(answers, 5, 0.9)


def mostly_accepted(case: CriticInput) -> Verdict:
    return Verdict(success=int(case.image[:2], 16) % 8 > 0, refined_prompt=case.prompt + "!")


async def test_the_same_requests_are_measured_with_each_depth_and_each_generator(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    @asynccontextmanager
    async def open_components(profile: Profile, store: ImageStore) -> AsyncIterator[Components]:
        planner = FixedPlanner(plan_of("a", "b", "c", "d"))
        yield Components(planner, RuleCritic(mostly_accepted), MemoryGenerator(store), profile.limits)

    class Tokenizer:
        def __init__(self, batch: int) -> None:
            assert batch == 1

        def truncated_tokens(self, prompt: str) -> int:
            return int("night" in prompt)

    monkeypatch.setattr(product_run, "open_components", open_components)
    monkeypatch.setattr(look_ahead_benchmark, "MicroGenerator", Tokenizer)
    named: list[str] = []
    config = LookAheadConfig(n=2, rounds=1, look_ahead=(2,), generator_seconds=(0.0, 0.01))
    figures = await measure_look_ahead(config, tmp_path / "bench", named.append)
    assert figures["images"] == 8
    share = figures["first_attempts_passed"]
    assert isinstance(share, float)
    assert share >= 0.9
    assert figures["different_documents"] == 0
    generators = figures["generators"]
    assert isinstance(generators, dict)
    assert set(generators) == {"0", "0.01"}
    for values in generators.values():
        assert values["look_ahead.2.latency_ratio"] > 0
        assert set(values["variants"]) == {"look_ahead.1", "look_ahead.2"}
    waited = generators["0.01"]["variants"]["look_ahead.1"]
    assert waited["generate_seconds_per_trajectory"] >= 0.04 * 0.95
    assert named == [
        "choosing requests",
        "round 1 of 1: generator on this machine, look-ahead 1",
        "round 1 of 1: generator on this machine, look-ahead 2",
        "round 1 of 1: generator of at least 0.01 s, look-ahead 1",
        "round 1 of 1: generator of at least 0.01 s, look-ahead 2",
    ]


def measured(wall: float) -> Measured:
    stages = Stages(pipeline=1.5, calls=5)
    stages.seconds.update(plan=1.0, generate=2.0, judge=3.0)
    return Measured(wall, 4.0, stages, (answered("++++++++++"), answered("+++++++++-")))


def test_the_written_page_says_the_share_and_what_was_reached(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    runs = {
        (0.0, 1): [measured(10.0)],
        (0.0, 2): [measured(10.0)],
        (0.5, 1): [measured(20.0)],
        (0.5, 2): [measured(10.0)],
    }
    config = LookAheadConfig(n=2, rounds=1, look_ahead=(2,))
    figures = look_ahead_benchmark._figures(config, runs)
    monkeypatch.setattr(look_ahead_benchmark, "measure_look_ahead", AsyncMock(return_value=figures))
    out = tmp_path / "loop"
    with pytest.raises(SystemExit):
        main(["bench", "look-ahead", "--n", "2", "--rounds", "1", "--seed", "3", "--out", str(out), "--json"])
    page = (out / "look-ahead.md").read_text(encoding="utf-8")
    assert "Measured by `interleavethinker bench look-ahead --n 2 --rounds 1 --seed 3` at commit" in page
    assert "95.0% of the 20 first attempts passed." in page
    assert "| on this machine | 2 | 1.00 | 1.3 | missed |" in page
    assert "| waits until 0.5 s have passed | 2 | 2.00 | 1.3 | reached |" in page
    assert "| waits until 0.5 s have passed | 2 | 5.00 | 2.00 | 5 | 0.50 | 1.00 | 1.50 |" in page
    assert json.loads((out / "look-ahead.json").read_text(encoding="utf-8"))["first_attempts_passed"] == 0.95


def test_the_shipped_page_is_rendered_from_the_shipped_figures() -> None:
    shipped = Path(__file__).parents[3] / "results" / "loop"
    for data in shipped.glob("look-ahead.json"):
        expected = look_ahead_markdown(json.loads(data.read_text(encoding="utf-8")))
        assert data.with_suffix(".md").read_text(encoding="utf-8") == expected
