"""Drafts of look-ahead are paid for whether they are used or not, and count towards the limit of cost.

In virtual time, so that the same drafts are begun on every machine.
"""

import asyncio
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import pytest
from langchain_core.language_models.fake_chat_models import FakeMessagesListChatModel
from langchain_core.messages import AIMessage
from langgraph.checkpoint.memory import InMemorySaver

from interleavethinker.graph import Components, Limits, make_graph
from interleavethinker.graph.state import serializer
from interleavethinker.tools.calls_in_flight import CallsInFlight, call_waiting, count_calls_in
from interleavethinker.tools.chat.usage import count_call
from interleavethinker.tools.images.store import ImageStore
from interleavethinker.tools.protocols import ProgressCallback
from interleavethinker.tools.testing.agents import FixedPlanner, RuleCritic, plan_of
from interleavethinker.tools.testing.generator import MemoryGenerator
from interleavethinker.tools.types import CriticInput, GeneratedImage, GenerationRequest, Plan, Verdict

from .test_look_ahead import in_virtual_time

PRICE = 0.5
"""Dollars of an image."""
EIGHT = plan_of(*(f"thing {number}" for number in range(8)))


@pytest.fixture(autouse=True)
def own_prices(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("INTERLEAVETHINKER_HOME", str(tmp_path / "home"))
    (tmp_path / "home").mkdir()
    table = f'["gpt-image-1"]\nimage = {PRICE}\n["judge"]\ninput = 1.0\noutput = 0.0\n'
    (tmp_path / "home" / "prices.toml").write_text(table)


def some_rejected(case: CriticInput) -> Verdict:
    bad = case.prompt in {"thing 2", "thing 5", "thing 6"}
    return Verdict(success=not bad, refined_prompt=case.prompt + "!" if bad else "")


def all_accepted(case: CriticInput) -> Verdict:  # noqa: ARG001
    return Verdict(success=True)


class SlowGenerator(MemoryGenerator):
    """A second for each image."""

    async def generate(self, call: GenerationRequest, progress: ProgressCallback | None = None) -> GeneratedImage:
        await asyncio.sleep(1)
        return await super().generate(call, progress)


class SlowCritic(RuleCritic):
    """Three seconds for each image: long enough for several drafts."""

    async def judge(self, cases: Sequence[CriticInput]) -> list[Verdict]:
        await asyncio.sleep(3)
        return await super().judge(cases)


def ended(plan: Plan, critic: RuleCritic, generator: MemoryGenerator, limits: Limits) -> dict[str, Any]:
    """Returns the state of a trajectory in which each call is counted as one of its run."""

    async def run() -> dict[str, Any]:
        count_calls_in(CallsInFlight())
        parts = Components(FixedPlanner(plan), critic, generator)
        graph = make_graph(components=parts, checkpointer=InMemorySaver(serde=serializer()))
        config: Any = {"configurable": {"thread_id": "one"}, "recursion_limit": 1000}
        await graph.ainvoke({"request": "x", "seed": 1, "limits": limits}, config)
        values: dict[str, Any] = (await graph.aget_state(config)).values
        return values

    return in_virtual_time(run())


def test_every_drafted_image_is_paid_for_once(tmp_path: Path) -> None:
    generator = SlowGenerator(ImageStore(tmp_path), model="gpt-image-1")
    done = ended(EIGHT, SlowCritic(some_rejected), generator, Limits(look_ahead=4))
    assert len(generator.generated) > len(done["attempts"]), "some drafts were not used"
    assert done["spending"].dollars == pytest.approx(PRICE * len(generator.generated))


@pytest.mark.parametrize("max_cost", [0.6, 1.1, 2.4, 3.0, 4.2, 5.2, 9.0])
@pytest.mark.parametrize("rule", [some_rejected, all_accepted])
def test_drafts_do_not_take_a_trajectory_beyond_its_limit_of_cost(
    tmp_path: Path, max_cost: float, rule: Callable[[CriticInput], Verdict]
) -> None:
    generator = SlowGenerator(ImageStore(tmp_path), model="gpt-image-1")
    done = ended(EIGHT, SlowCritic(rule), generator, Limits(look_ahead=4, max_cost=max_cost))
    bought = PRICE * len(generator.generated)
    assert done["spending"].dollars == pytest.approx(bought)
    assert bought < max_cost + PRICE
    if rule is all_accepted:
        in_order = min(8, -(-max_cost // PRICE))
        assert len(done["document"].images) == len(generator.generated) == in_order


class HeldGenerator(SlowGenerator):
    """The first draft of "b" never ends: the provider works on it, or is overloaded."""

    waits = False

    async def generate(self, call: GenerationRequest, progress: ProgressCallback | None = None) -> GeneratedImage:
        if call.prompt == "b" and not any(one.prompt == "b" for one in self.calls):
            self.calls.append(call)
            if not self.waits:
                await asyncio.Event().wait()
            with call_waiting():
                await asyncio.Event().wait()
        return await super().generate(call, progress)


class StuckCritic(SlowCritic):
    """Never answers about "a"."""

    async def judge(self, cases: Sequence[CriticInput]) -> list[Verdict]:
        if cases[0].prompt == "a":
            await asyncio.Event().wait()
        return await super().judge(cases)


@pytest.mark.parametrize("waits", [False, True], ids=["worked on", "waiting"])
@pytest.mark.parametrize("critic", [SlowCritic, StuckCritic], ids=["a rejection", "the limit of time"])
def test_a_draft_that_is_cancelled_is_paid_for_if_the_provider_works_on_it(
    tmp_path: Path, critic: type[SlowCritic], waits: bool
) -> None:
    generator = HeldGenerator(ImageStore(tmp_path), model="gpt-image-1")
    generator.waits = waits
    rejecting = critic(lambda case: Verdict(success=case.prompt != "a", refined_prompt="a!"))
    done = ended(plan_of("start", "a", "b"), rejecting, generator, Limits(look_ahead=2, time_limit=60))
    assert [call.prompt for call in generator.calls[:3]] == ["start", "a", "b"]
    assert done["stop_reason"] == ("time_limit" if critic is StuckCritic else "complete")
    assert done["spending"].dollars == pytest.approx(PRICE * (len(generator.generated) + (not waits)))


class Judge(FakeMessagesListChatModel):
    """A hosted model that judges."""

    model_name: str = "judge"


class HostedCritic(RuleCritic):
    """Asks a hosted model, which takes a million tokens, at a dollar, for each image."""

    asked = 0

    async def judge(self, cases: Sequence[CriticInput]) -> list[Verdict]:
        self.asked += len(cases)
        await asyncio.sleep(3)
        for _ in cases:
            usage: Any = {"input_tokens": 10**6, "output_tokens": 1, "total_tokens": 10**6 + 1}
            count_call(Judge(responses=[]), [], AIMessage("yes", usage_metadata=usage))
        return await super().judge(cases)


@pytest.mark.parametrize("look_ahead", [1, 4])
def test_verdicts_on_drafts_are_paid_for_wherever_they_end(tmp_path: Path, look_ahead: int) -> None:
    critic = HostedCritic(some_rejected)
    done = ended(EIGHT, critic, SlowGenerator(ImageStore(tmp_path)), Limits(look_ahead=look_ahead))
    assert (critic.asked > len(done["attempts"])) == (look_ahead > 1), "some of drafts that were not used"
    assert done["spending"].dollars == pytest.approx(critic.asked)
    (judge,) = done["spending"].uses
    assert judge.calls == critic.asked
    assert (judge.estimated > 0) == (look_ahead > 1), "those that were cancelled"
