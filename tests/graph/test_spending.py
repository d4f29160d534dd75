"""What hosted models cost: counted by node, saved with its result, limited, and continued with a higher limit."""

import json
from collections.abc import Callable
from contextlib import AbstractAsyncContextManager, aclosing
from pathlib import Path

import pytest
from langchain_core.language_models.fake_chat_models import FakeMessagesListChatModel
from langchain_core.messages import AIMessage

from interleavethinker.graph import Components, Limits, StopReason, Workspace
from interleavethinker.graph.events import Spent
from interleavethinker.graph.export.export import export
from interleavethinker.graph.spending import ModelUse, Spending, dollar_words
from interleavethinker.graph.workspace.catalog import Catalog
from interleavethinker.graph.workspace.snapshot import Trajectory
from interleavethinker.tools.chat.agents import ChatPlanner
from interleavethinker.tools.chat.answers import write_plan
from interleavethinker.tools.errors import TrajectoryError
from interleavethinker.tools.images.store import ImageStore
from interleavethinker.tools.protocols import ProgressCallback
from interleavethinker.tools.testing.agents import FixedPlanner, RuleCritic, plan_of
from interleavethinker.tools.testing.generator import MemoryGenerator, fake_image
from interleavethinker.tools.types import (
    CriticInput,
    GeneratedImage,
    GenerationRequest,
    ImagePart,
    Plan,
    Request,
    Step,
    TextPart,
    Verdict,
)

Opened = Callable[..., AbstractAsyncContextManager[Workspace]]


@pytest.fixture(autouse=True)
def own_prices(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("INTERLEAVETHINKER_HOME", str(tmp_path / "home"))
    (tmp_path / "home").mkdir()
    table = '["gpt-image-1"]\nimage = 0.5\n["planner-model"]\ninput = 10.0\noutput = 100.0\n'
    (tmp_path / "home" / "prices.toml").write_text(table)


def components(folder: Path, *, image_model: str = "gpt-image-1", **answer: object) -> Components:
    message = AIMessage(
        write_plan(plan_of("draw a", "make it b", "make it c")),
        response_metadata={"model_name": "planner-model-2025-01-01"},
    )
    message.usage_metadata = {"input_tokens": 1000, "output_tokens": 200, "total_tokens": 1200}
    for name, value in answer.items():
        setattr(message, name, value)  # Not checked, as in LangChain's clients.
    store = ImageStore(folder / "images")
    planner = ChatPlanner(FakeMessagesListChatModel(responses=[message]), store)
    return Components(planner, RuleCritic(), MemoryGenerator(store, model=image_model))


async def test_tokens_and_images_are_priced_by_the_users_table_and_shown_everywhere(tmp_path: Path) -> None:
    async with Workspace.open(tmp_path / "workspace", components(tmp_path / "workspace")) as workspace:
        name = await workspace.create("three pictures")
        async with aclosing(workspace.stream(name)) as events:
            spent = [event.dollars async for event in events if isinstance(event, Spent)]
        done = await workspace.get(name)
        page = export(done, workspace.store, tmp_path / "out").read_text()
    assert done.spending.uses == (
        ModelUse(model="planner-model-2025-01-01", calls=1, input_tokens=1000, output_tokens=200, dollars=0.03),
        ModelUse(model="gpt-image-1", calls=3, images=3, dollars=1.5),
    )
    assert spent == pytest.approx([0.03, 0.53, 1.03, 1.53])
    assert done.short_form()["dollars"] == pytest.approx(1.53)
    assert "$1.53" in page
    assert "$1.53" in (tmp_path / "out" / "document.md").read_text().replace("\\", "")
    record = json.loads((tmp_path / "out" / "trajectory.json").read_text())
    assert record["spending"]["uses"][1]["images"] == 3


async def test_a_limit_of_cost_delivers_the_document_so_far_and_can_be_raised(tmp_path: Path) -> None:
    parts = components(tmp_path / "workspace")
    assert isinstance(parts.generator, MemoryGenerator)
    async with Workspace.open(tmp_path / "workspace", parts) as workspace:
        name = await workspace.create("x", limits=Limits(max_cost=1.0))
        stopped = await workspace.run(name)
        assert stopped.stop_reason is StopReason.MAX_COST
        assert stopped.document.notes == ("Stopped at the limit of $1.00; later steps were not generated.",)
        assert len(stopped.document.images) == 2
        await workspace.change_limits(name, Limits(max_cost=5.0))
        assert (await workspace.get(name)).status == "paused"
        done = await workspace.run(name)
    assert (done.stop_reason, done.status) == ("complete", "done")
    assert done.attempts[:2] == stopped.attempts
    assert len(parts.generator.calls) == 3
    assert done.spending.dollars == pytest.approx(1.53)


async def test_a_plan_that_takes_the_whole_limit_is_delivered_without_an_image_and_goes_on(tmp_path: Path) -> None:
    parts = components(tmp_path / "workspace")
    assert isinstance(parts.generator, MemoryGenerator)
    async with Workspace.open(tmp_path / "workspace", parts) as workspace:
        name = await workspace.create("x", limits=Limits(max_cost=0.03))
        stopped = await workspace.run(name)
        assert (stopped.stop_reason, stopped.attempts) == (StopReason.MAX_COST, ())
        assert len(stopped.plans) == 1
        await workspace.change_limits(name, Limits(max_cost=5.0))
        done = await workspace.run(name)
    assert (done.stop_reason, len(done.attempts), len(done.plans)) == ("complete", 3, 1)


def fresh_scenes(count: int) -> Plan:
    return Plan(steps=tuple(Step(prompt=f"scene {number}", starts_from="nothing") for number in range(count)))


def two_in_three(case: CriticInput) -> Verdict:
    good = sum(map(ord, case.prompt)) % 3 > 0
    return Verdict(success=good, refined_prompt=case.prompt if good else case.prompt + "!")


class OneByOne(MemoryGenerator):
    """Notes how many calls run side by side."""

    open = widest = 0

    async def generate(self, call: GenerationRequest, progress: ProgressCallback | None = None) -> GeneratedImage:
        self.open += 1
        self.widest = max(self.widest, self.open)
        try:
            return await super().generate(call, progress)
        finally:
            self.open -= 1


@pytest.mark.parametrize("variants", [1, 3])
@pytest.mark.parametrize("max_cost", [0.2, 0.6, 1.5, 2.9, 6.0, 50.0])
async def test_steps_side_by_side_go_beyond_the_limit_of_cost_by_one_step_at_most(
    opened: Opened, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, max_cost: float, variants: int
) -> None:
    limits = Limits(max_cost=max_cost, variants=variants, max_attempts=3)

    async def made(root: str) -> tuple[Trajectory, int]:
        generator = OneByOne(ImageStore(tmp_path / root / "images"), model="gpt-image-1")
        async with opened(fresh_scenes(8), two_in_three, generator, root) as workspace:
            done = await workspace.run(await workspace.create("x", limits=limits, seed=3))
        assert done.spending.dollars == pytest.approx(0.5 * len(generator.generated))
        return done, generator.widest

    done, widest = await made("workspace")
    monkeypatch.setattr("interleavethinker.graph.generating.independent_steps", lambda *_: [])
    serial, _ = await made("serial")
    assert done.spending.dollars <= max_cost + 0.5 * variants
    assert (done.document, done.stop_reason) == (serial.document, serial.stop_reason)
    assert (widest > variants) == (max_cost == 50), "a limit that is far away holds nothing up"


async def test_an_image_from_the_servers_store_does_not_tell_what_the_next_one_costs(
    opened: Opened, tmp_path: Path
) -> None:
    generator = MemoryGenerator(ImageStore(tmp_path / "workspace" / "images"), model="gpt-image-1")
    async with opened(fresh_scenes(4), generator=generator) as workspace:
        first = await workspace.run(await workspace.create("x", seed=1, limits=Limits(max_calls=1)))
        again = await workspace.run(await workspace.create("x", seed=1, limits=Limits(max_cost=0.4)))
    assert (first.spending.dollars, again.spending.dollars) == (0.5, 0.5)
    assert [one.cached for one in again.attempts] == [True, False]


async def test_images_are_billed_by_size_with_their_sources_and_references_until_the_limit(tmp_path: Path) -> None:
    table = '["gpt-image-1"]\nimage = 0.5\nimage_sizes = { "96x96" = 0.3 }\ninput_image = 0.1\n'
    (tmp_path / "home" / "prices.toml").write_text(table)
    store = ImageStore(tmp_path / "workspace" / "images")
    generator = MemoryGenerator(store, model="gpt-image-1")
    plan = Plan(steps=(Step(prompt="@tom"), Step(prompt="@tom runs"), Step(prompt="@tom rests")))
    async with Workspace.open(tmp_path / "workspace", Components(FixedPlanner(plan), RuleCritic(), generator)) as ws:
        tom = await ws.add_image(fake_image(GenerationRequest(prompt="a photo", seed=1)))
        request = Request(parts=(ImagePart(sha256=tom, name="tom"), TextPart(text="@tom in three pictures")))
        name = await ws.create(request, limits=Limits(max_cost=0.8))
        stopped = await ws.run(name)
        await ws.change_limits(name, Limits(max_cost=9))
        done = await ws.run(name)
    assert (stopped.stop_reason, len(stopped.document.images)) == (StopReason.MAX_COST, 2)
    assert stopped.spending.dollars == pytest.approx(0.4 + 0.5), "one reference, then a source and a reference"
    assert {(one.width, one.height) for one in done.attempts} == {(96, 96)}
    assert done.stop_reason is StopReason.COMPLETE
    assert done.spending.dollars == pytest.approx(1.4)


async def test_models_without_a_price_are_named_and_local_ones_cost_nothing(tmp_path: Path) -> None:
    parts = components(tmp_path / "a", image_model="dall-e-9", response_metadata={"model_name": "own-model"})
    async with Workspace.open(tmp_path / "a", parts) as workspace:
        done = await workspace.run(await workspace.create("x"))
    assert done.spending.unpriced == ("own-model", "dall-e-9")
    assert dollar_words(done.spending) == "$0.00 without own-model, dall-e-9 (price unknown)"
    store = ImageStore(tmp_path / "b" / "images")
    local = Components(FixedPlanner(plan_of("a")), RuleCritic(), MemoryGenerator(store))
    async with Workspace.open(tmp_path / "b", local) as workspace:
        done = await workspace.run(await workspace.create("x"))
    assert done.spending == Spending()
    assert dollar_words(done.spending) == ""


@pytest.mark.parametrize("said", ["many", "12", -(10**6), 10**30, float("nan"), float("inf"), True, None, [1], 0])
async def test_a_server_that_says_no_number_of_tokens_costs_no_answer_and_earns_no_money(
    said: object, tmp_path: Path
) -> None:
    usage = {"input_tokens": said, "output_tokens": 200}
    parts = components(tmp_path, usage_metadata=usage, response_metadata={"model_name": "planner-model\ud800\x1b[2J"})
    async with Workspace.open(tmp_path, parts) as workspace:
        done = await workspace.run(await workspace.create("x", limits=Limits(max_calls=1)))
    chat, images = done.spending.uses
    assert chat.model.startswith("planner-model")
    assert (chat.calls, chat.output_tokens, chat.estimated, images.estimated) == (1, 200, 1, 0)
    assert 100 < chat.input_tokens < 10_000, "about four characters of the prompt a token"
    assert (images.dollars, done.stop_reason) == (0.5, StopReason.MAX_CALLS)


@pytest.mark.parametrize("usage", [None, {}, {"input_tokens": 0, "output_tokens": 0, "total_tokens": 0}])
async def test_an_answer_without_numbers_of_tokens_counts_towards_the_limit_of_cost(
    usage: dict[str, int] | None, tmp_path: Path
) -> None:
    parts = components(tmp_path, image_model="cells", usage_metadata=usage)
    async with Workspace.open(tmp_path, parts) as workspace:
        stopped = await workspace.run(await workspace.create("three pictures", limits=Limits(max_cost=0.001)))
        page = export(stopped, workspace.store, tmp_path / "out").read_text()
    (chat,) = stopped.spending.uses
    answer = write_plan(plan_of("draw a", "make it b", "make it c"))
    assert chat.output_tokens == pytest.approx(len(answer) / 4, abs=1)
    assert chat.dollars == pytest.approx(chat.input_tokens * 10e-6 + chat.output_tokens * 100e-6)
    assert stopped.stop_reason is StopReason.MAX_COST
    assert "(tokens of planner-model-2025-01-01 estimated)" in dollar_words(stopped.spending)
    assert "(tokens of planner-model-2025-01-01 estimated)" in page


async def test_a_server_that_answers_under_an_unknown_name_is_paid_by_the_name_in_the_profile(tmp_path: Path) -> None:
    store = ImageStore(tmp_path / "images")
    message = AIMessage(write_plan(plan_of("draw a")), response_metadata={"model_name": "routed-to-something"})
    message.usage_metadata = {"input_tokens": 1000, "output_tokens": 200, "total_tokens": 1200}

    class Named(FakeMessagesListChatModel):
        model_name: str = "planner-model"

    planner = ChatPlanner(Named(responses=[message]), store)
    async with Workspace.open(tmp_path, Components(planner, RuleCritic(), MemoryGenerator(store))) as workspace:
        done = await workspace.run(await workspace.create("x"))
    (chat,) = done.spending.uses
    assert (chat.model, chat.unpriced) == ("routed-to-something", 0)
    assert chat.dollars == pytest.approx(0.03)


@pytest.mark.parametrize(
    ("limits", "raised", "calls"),
    [
        (Limits(max_calls=1), Limits(max_calls=3), 3),
        (Limits(max_calls=2, look_ahead=3), Limits(max_calls=9, look_ahead=3), 3),
        (Limits(time_limit=1e-9), Limits(), 3),
    ],
    ids=["calls", "calls with drafts", "time before the plan"],
)
async def test_any_limit_that_stopped_a_trajectory_can_be_raised(
    opened: Opened, tmp_path: Path, limits: Limits, raised: Limits, calls: int
) -> None:
    generator = MemoryGenerator(ImageStore(tmp_path / "workspace" / "images"))
    async with opened(generator=generator) as workspace:
        name = await workspace.create("x", limits=limits, seed=1)
        assert (await workspace.run(name)).stop_reason in {"max_calls", "time_limit"}
        await workspace.change_limits(name, raised)
        waiting = await workspace.get(name)
        assert (waiting.status, waiting.stop_reason, waiting.document.notes) == ("paused", None, ())
        done = await workspace.run(name)
        unlimited = await workspace.run(await workspace.create("x", seed=1, limits=raised))
    assert done.stop_reason == "complete"
    assert done.limits == raised
    assert [one.image for one in done.attempts] == [one.image for one in unlimited.attempts]
    assert len(generator.generated) == calls


async def test_limits_of_a_paused_trajectory_change_and_it_goes_on_where_it_was(opened: Opened, tmp_path: Path) -> None:
    generator = MemoryGenerator(ImageStore(tmp_path / "workspace" / "images"))
    async with opened(generator=generator) as workspace:
        name = await workspace.create("x")
        async with aclosing(workspace.stream(name)) as events:
            async for event in events:
                if event.kind == "image_generated":  # type: ignore[attr-defined]
                    break
        await workspace.change_limits(name, Limits(max_calls=2))
        stopped = await workspace.run(name)
    assert (stopped.stop_reason, len(stopped.attempts)) == ("max_calls", 2)
    assert len(generator.calls) == 2


@pytest.mark.parametrize("before", ["the status", "the limits"])
async def test_a_change_of_limits_that_is_cut_short_can_be_made_again(
    opened: Opened, monkeypatch: pytest.MonkeyPatch, before: str
) -> None:
    class Killed(BaseException):
        pass

    async def killed(*_: object, **__: object) -> None:
        raise Killed

    async with opened() as workspace:
        name = await workspace.create("x", limits=Limits(max_calls=1))
        assert (await workspace.run(name)).stop_reason == "max_calls"
        owner: type = Catalog if before == "the status" else type(workspace._checkpoints.graph)
        with monkeypatch.context() as patched:
            patched.setattr(owner, "mark" if before == "the status" else "aupdate_state", killed)
            with pytest.raises(Killed):
                await workspace.change_limits(name, Limits())
        again = await workspace.run(name)
        assert (again.status, again.stop_reason, len(again.attempts)) == ("done", "max_calls", 1)
        await workspace.change_limits(name, Limits())
        assert (await workspace.run(name)).document.complete


async def test_limits_of_a_complete_trajectory_cannot_change_and_those_of_a_new_one_can(opened: Opened) -> None:
    async with opened(plan_of("a")) as workspace:
        done = await workspace.create("x")
        await workspace.run(done)
        with pytest.raises(TrajectoryError, match=r"has ended \(complete\)"):
            await workspace.change_limits(done, Limits(max_calls=9))
        fresh = await workspace.create("x")
        await workspace.change_limits(fresh, Limits(max_calls=9))
        assert (await workspace.run(fresh)).limits == Limits(max_calls=9)


@pytest.mark.parametrize("answered", [False, True], ids=["before an answer", "after it"])
async def test_limits_of_a_plan_that_waits_change_and_its_answer_is_carried_out(opened: Opened, answered: bool) -> None:
    edited = [Step(prompt="b"), Step(prompt="c"), Step(prompt="d")]
    async with opened(plan_of("a")) as workspace:
        name = await workspace.create("x", approve_plan=True)
        await workspace.run(name)
        if answered:
            await workspace.approve(name, edited)
        for most in (9, 2):
            await workspace.change_limits(name, Limits(max_calls=most))
        still = await workspace.get(name)
        assert (still.status, still.limits.max_calls) == ("waiting", 2)
        if not answered:
            assert (await workspace.run(name)).status == "waiting", "nobody has answered"
            await workspace.change_limits(name, Limits(max_calls=2, max_attempts=1))
            await workspace.approve(name, edited)
        done = await workspace.run(name)
        assert (done.stop_reason, [one.prompt for one in done.attempts]) == ("max_calls", ["b", "c"])


async def test_a_broken_table_of_prices_fails_the_calls_of_hosted_models_and_no_others(tmp_path: Path) -> None:
    table = tmp_path / "home" / "prices.toml"
    good = table.read_text()
    table.write_text("[")
    store = ImageStore(tmp_path / "workspace" / "images")
    plan = plan_of("draw a", "make it b")
    for model, hosted in (("my-own-model", False), ("gpt-image-1", True)):
        parts = Components(FixedPlanner(plan), RuleCritic(), MemoryGenerator(store, model=model))
        async with Workspace.open(tmp_path / "workspace", parts) as ws:
            name = await ws.create("x")
            if hosted:
                failed = await ws.run(name)
                assert failed.status == "failed"
                assert "prices.toml cannot be used" in failed.reason
                table.write_text(good)
            done = await ws.run(name)
        assert (done.stop_reason, bool(done.spending.uses)) == ("complete", hosted)
