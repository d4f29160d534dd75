"""A limit that ends steps which run side by side delivers whatever is finished, and says what is not."""

import asyncio
from collections.abc import Callable, Sequence
from contextlib import AbstractAsyncContextManager
from pathlib import Path

import pytest

from interleavethinker.graph import Limits, Workspace
from interleavethinker.graph.batch.manifest import BatchRequest
from interleavethinker.graph.batch.results import result_of
from interleavethinker.graph.document import assemble
from interleavethinker.graph.export.export import export
from interleavethinker.graph.limits import StopReason
from interleavethinker.graph.routing import decide
from interleavethinker.graph.spending import ModelUse, Spending
from interleavethinker.servers.trajectories.view import view_of
from interleavethinker.tools.testing.agents import RuleCritic, accept_only, plan_of
from interleavethinker.tools.types import Attempt, CriticInput, Plan, Step, Verdict

Opened = Callable[..., AbstractAsyncContextManager[Workspace]]


class StuckCritic(RuleCritic):
    """Rejects the first image, and never answers about its second attempt."""

    async def judge(self, cases: Sequence[CriticInput]) -> list[Verdict]:
        if any(case.prompt == "a!" for case in cases):
            await asyncio.Event().wait()
        return await super().judge(cases)


async def test_finished_steps_beside_an_unfinished_one_are_delivered(opened: Opened, tmp_path: Path) -> None:
    steps = (
        Step(instruction="First", prompt="a"),
        Step(instruction="Second", auxiliary_text="Meanwhile."),
        *(Step(prompt=each, starts_from="nothing") for each in "bc"),
        Step(prompt="d", starts_from="step 1"),
        Step(prompt="e", starts_from="nothing"),
        Step(instruction="End", auxiliary_text="The end."),
    )
    async with opened(Plan(steps=steps), StuckCritic(accept_only("b", "c", "d", "e"))) as workspace:
        stopped = await workspace.run(await workspace.create("x", limits=Limits(time_limit=2)))
        page = export(stopped, workspace.store, tmp_path / "out").read_text()
    note = "Stopped at the limit of 2 seconds of work; step 5 was not generated."
    statuses = [(block.step, block.status) for block in stopped.document.blocks if block.kind == "image"]
    assert statuses == [(0, "not_judged"), (2, "accepted"), (3, "accepted"), (5, "accepted")]
    assert "Meanwhile." in stopped.document.text
    assert "The end." not in stopped.document.text
    assert stopped.document.notes[0] == note
    assert "step 5 was not generated" in page
    text = (tmp_path / "out" / "document.md").read_text()
    assert all(f"images/{sha256[:16]}.png" in text for sha256 in stopped.document.images)
    statuses_shown = [step.status for step in view_of(stopped, []).steps]
    assert statuses_shown == ["not_judged", "text_only", "accepted", "accepted", "pending", "accepted", "pending"]
    assert result_of(BatchRequest(text="x"), stopped).accepted_steps == 3


def attempt(step: int, success: bool) -> Attempt:
    return Attempt(
        plan_version=1, step=step, iteration=0, prompt="p", seed=0, source=None, image=f"{step:064x}",
        verdict=Verdict(success=success),
    )  # fmt: skip


def test_a_limit_that_comes_before_a_new_plan_keeps_what_was_accepted_under_the_old_one() -> None:
    plan = Plan(steps=(Step(prompt="a"), *(Step(prompt=each, starts_from="nothing") for each in "bc")))
    state = {
        "request": "x",
        "plans": {1: plan},
        "attempts": {f"1.{step}.0": attempt(step, step > 0) for step in range(3)},
        "limits": Limits(max_attempts=1, replan_after=1, max_cost=1),
    }
    assert decide(state).outdated == {"1.1.0", "1.2.0"}
    ended = decide(state | {"spending": Spending(uses=(ModelUse(model="m", dollars=1.0),))})
    assert (ended.current_step, ended.stop_reason, ended.outdated) == (1, StopReason.MAX_COST, frozenset())


@pytest.mark.parametrize(
    ("made", "words"),
    [
        ((0, 1), "later steps were not generated."),
        ((), "later steps were not generated."),
        ((0, 11), "10 steps were not generated."),
        (range(12), "not every step was finished."),
        ((0, 1, 2, 4, 5, 7, 8, 9, 10, 11), "steps 4 and 7 were not generated."),
    ],
    ids=["serial", "nothing", "many", "all", "gaps"],
)
def test_the_note_says_which_steps_are_missing(made: Sequence[int], words: str) -> None:
    plan = plan_of(*"abcdefghijkl")
    attempts = {f"1.{step}.0": attempt(step, True) for step in made}
    current = next((step for step in range(12) if step not in made), 11)
    document = assemble(plan, attempts, current, StopReason.MAX_COST, Limits(max_cost=1))
    assert document.notes[0].endswith(words)
    assert assemble(plan, attempts, current, None, Limits()).notes == ()
