"""Hosted chat models: overloaded providers are waited for, within the limits and visibly; slow ones have a timeout."""

import asyncio
from collections.abc import Callable
from contextlib import AbstractAsyncContextManager
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from langchain_core.language_models import BaseChatModel
from langchain_core.messages import HumanMessage
from langchain_core.outputs import ChatResult

from interleavethinker.graph import Limits, Workspace
from interleavethinker.graph.batch.batch import Batch
from interleavethinker.graph.batch.manifest import BatchRequest
from interleavethinker.graph.events import Event, ModelWaiting
from interleavethinker.graph.profiles.opening import _build_role, _policy_of
from interleavethinker.graph.profiles.profile import Role
from interleavethinker.graph.workspace.worker import Worker
from interleavethinker.tools.chat.agents import ChatCritic, ChatPlanner
from interleavethinker.tools.chat.answers import write_plan
from interleavethinker.tools.chat.invocation import invoke
from interleavethinker.tools.chat.loading import load_chat_model
from interleavethinker.tools.chat.waiting import CallPolicy, pause_before_retry
from interleavethinker.tools.errors import ModelError
from interleavethinker.tools.images.store import ImageStore
from interleavethinker.tools.protocols import Planner, ProgressCallback
from interleavethinker.tools.testing.agents import plan_of
from interleavethinker.tools.testing.generator import MemoryGenerator
from interleavethinker.tools.types import GeneratedImage, GenerationRequest
from tests.servers.images.backends.local_api import LocalApi, Reply, local_api

_SLOW = 0.5
Opened = Callable[..., AbstractAsyncContextManager[Workspace]]


def answer(text: str) -> Reply:
    message = {"role": "assistant", "content": text}
    choice = {"index": 0, "message": message, "finish_reason": "stop"}
    return Reply(200, {"id": "1", "object": "chat.completion", "created": 1, "model": "m", "choices": [choice]})


def overloaded(status: int = 429, wait: str = "0.05", code: str = "rate_limit_exceeded") -> Reply:
    return Reply(status, {"error": {"message": "slow down", "code": code}}, {"Retry-After": wait})


def role(api: LocalApi, **values: Any) -> Role:
    options = {"base_url": api.url, "api_key": "not-a-real-key"}
    return Role.model_validate({"model": "openai:m", "options": options, **values})


def planner(api: LocalApi, root: Path, **values: Any) -> Planner:
    return _build_role(role(api, **values), ImageStore(root / "images"), "planner")  # type: ignore[return-value]


async def events_of(workspace: Workspace, trajectory: str) -> list[Event]:
    return [event async for event in workspace.stream(trajectory)]


@pytest.mark.parametrize("status", [429, 503, 529])
async def test_an_overloaded_provider_is_waited_for_with_an_event_that_says_so(
    opened: Opened, tmp_path: Path, status: int
) -> None:
    with local_api(overloaded(status), overloaded(status), answer(write_plan(plan_of("a")))) as api:
        async with opened(planner(api, tmp_path)) as ws:
            events = await events_of(ws, await ws.create("x"))
    waits = [event for event in events if isinstance(event, ModelWaiting)]
    assert [event.seconds for event in waits] == [0.05, 0.05]
    assert str(status) in waits[0].reason
    assert len(api.requests) == 3
    assert events[-1].model_dump()["stop_reason"] == "complete"


@pytest.mark.parametrize("wait", ["nan", "inf", "1e999", "-5", "soon", "Fri, 31 Dec 99999999999 23:59:59 GMT"])
async def test_a_wait_that_is_no_time_is_replaced_by_a_pause_of_our_own(
    opened: Opened, tmp_path: Path, wait: str
) -> None:
    with local_api(overloaded(wait=wait), answer(write_plan(plan_of("a")))) as api:
        async with opened(planner(api, tmp_path)) as ws:
            events = await events_of(ws, await ws.create("x"))
    assert [0.5 <= event.seconds <= 1.5 for event in events if isinstance(event, ModelWaiting)] == [True]
    assert events[-1].model_dump()["stop_reason"] == "complete"


@pytest.mark.parametrize("body", [None, {"id": "1", "choices": []}, {"id": "1", "choices": [{"index": 0}]}])
async def test_an_answer_that_the_providers_client_cannot_read_is_named_as_such(
    opened: Opened, tmp_path: Path, body: dict[str, Any] | None
) -> None:
    with local_api(Reply(200, body)) as api:
        async with opened(planner(api, tmp_path)) as ws:
            last = (await events_of(ws, await ws.create("x")))[-1]
    assert "its client could not send the request or read the answer (" in last.model_dump()["reason"]


async def test_the_time_limit_ends_the_waiting(opened: Opened, tmp_path: Path) -> None:
    with local_api(overloaded(wait="30")) as api:
        async with opened(planner(api, tmp_path)) as ws:
            result = await ws.run(await ws.create("x", limits=Limits(time_limit=0.5)))
    assert (result.stop_reason, result.status) == ("time_limit", "done")


async def test_a_provider_that_asks_for_years_is_not_waited_for_and_the_run_can_be_resumed(
    opened: Opened, tmp_path: Path
) -> None:
    with local_api(overloaded(wait="99999999"), answer(write_plan(plan_of("a")))) as api:
        async with opened(planner(api, tmp_path)) as ws, asyncio.timeout(120):
            name = await ws.create("x")
            failed = await ws.run(name)
            assert failed.status == "failed"
            assert (
                "The next attempt would be in 99999999 s, but a call waits for at most 3600 s in all" in failed.reason
            )
            assert (await ws.run(name)).stop_reason == "complete"


async def test_the_pauses_of_a_call_are_bounded_in_all() -> None:
    with local_api(overloaded(wait="0.05")) as api:
        model = load_chat_model("openai:m", base_url=api.url, api_key="not-a-real-key")
        with pytest.raises(ModelError, match=r"The next attempt would be in 0 s, but .* Resume when"):
            await invoke(model, [HumanMessage("x")], policy=CallPolicy(longest_wait=0.12))
    assert len(api.requests) == 3


async def test_a_worker_says_that_it_waits_for_an_overloaded_provider(
    opened: Opened, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    with local_api(overloaded(wait="3000")) as api:
        async with opened(planner(api, tmp_path)) as ws, asyncio.timeout(120):
            name = await ws.create("x")
            running = asyncio.create_task(Worker(ws, lambda _: None).run(until_empty=True))
            while not caplog.messages:
                await asyncio.wait([running], timeout=0.01)
            await ws.pause(name)
            await running
    assert caplog.messages == [f"trajectory {name}: waiting 3000 s for the model: rate limit (HTTP 429)"]


async def test_a_pause_does_not_wait_for_an_overloaded_provider(opened: Opened, tmp_path: Path) -> None:
    with local_api(overloaded(wait="3000"), answer(write_plan(plan_of("a")))) as api:
        async with opened(planner(api, tmp_path)) as ws, asyncio.timeout(120):
            name = await ws.create("x")
            async for event in ws.stream(name):
                if isinstance(event, ModelWaiting):
                    await ws.pause(name)
            assert event.kind == "paused"  # type: ignore[attr-defined] # every event has a kind
            assert (await ws.summary(name)).status == "paused"
            done = await ws.run(name)
    assert (done.status, done.stop_reason, len(api.requests)) == ("done", "complete", 2)


async def test_a_pause_that_comes_before_the_provider_is_overloaded_does_not_wait_either(
    opened: Opened, tmp_path: Path
) -> None:
    with local_api(overloaded(wait="0.2"), overloaded(wait="3000")) as api:
        async with opened(planner(api, tmp_path)) as ws, asyncio.timeout(120):
            name = await ws.create("x")
            running = asyncio.create_task(events_of(ws, name))
            while not api.requests:
                await asyncio.wait([running], timeout=0.01)
            await ws.pause(name)
            assert (await running)[-1].model_dump()["kind"] == "paused"


class Gate:
    """A generator whose calls after the second one wait for the gate."""

    def __init__(self, store: ImageStore) -> None:
        self.inner = MemoryGenerator(store)
        self.entered, self.gate = asyncio.Event(), asyncio.Event()
        self.calls = 0

    async def generate(self, call: GenerationRequest, progress: ProgressCallback | None = None) -> GeneratedImage:
        self.calls += 1
        if self.calls > 2:
            self.entered.set()
            await self.gate.wait()
        else:
            await asyncio.sleep(_SLOW)
        return await self.inner.generate(call, progress)


async def test_a_pause_still_waits_for_a_generator_call_beside_the_waiting_critic(
    opened: Opened, tmp_path: Path
) -> None:
    store = ImageStore(tmp_path / "workspace" / "images")
    generator = Gate(store)
    # Nothing is drafted before the times of a generation and a verdict are known. Alike, they make a draft pay off.
    verdict = replace(answer('{"previous_step_success": true}'), seconds=_SLOW)
    with local_api(verdict, overloaded(wait="3000")) as api:
        critic = _build_role(role(api), store, "critic")
        async with opened(plan_of("a", "b", "c"), critic, generator) as ws, asyncio.timeout(120):
            name = await ws.create("x", limits=Limits(look_ahead=2))
            running = asyncio.create_task(events_of(ws, name))
            await generator.entered.wait()
            while len(api.requests) < 2:
                await asyncio.wait([running], timeout=0.01)
            await ws.pause(name)
            await asyncio.wait([running], timeout=0.5)
            assert not running.done(), "the draft in flight has been cut"
            generator.gate.set()
            assert (await running)[-1].model_dump()["kind"] == "paused"
    assert len(generator.inner.generated) == 3


async def test_a_batch_says_that_it_waits_for_an_overloaded_provider_and_can_be_paused_meanwhile(
    opened: Opened, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    with local_api(overloaded(wait="3000")) as api:
        async with opened(planner(api, tmp_path)) as ws, asyncio.timeout(120):
            batch = Batch(ws, [BatchRequest(text="x")], tmp_path / "out")

            async def work() -> list[str]:
                return [one.status async for one in batch.run()]

            running = asyncio.create_task(work())
            while not caplog.messages:
                await asyncio.wait([running], timeout=0.01)
            batch.pause()
            assert await running == ["paused"]
    assert caplog.messages == ["001: waiting 3000 s for the model: rate limit (HTTP 429)"]


async def test_max_retries_bounds_the_waiting_and_missing_credit_is_not_waited_for(
    opened: Opened, tmp_path: Path
) -> None:
    for reply, requests in ((overloaded(), 3), (overloaded(code="insufficient_quota"), 1)):
        with local_api(reply) as api:
            async with opened(planner(api, tmp_path, max_retries=2)) as ws:
                result = await ws.run(await ws.create("x"))
        assert result.status == "failed"
        assert "slow down" in result.reason
        assert len(api.requests) == requests


class Silent(BaseChatModel):
    """Never answers."""

    @property
    def _llm_type(self) -> str:
        return "silent"

    def _generate(self, *_: Any, **__: Any) -> ChatResult:
        raise AssertionError

    async def _agenerate(self, *_: Any, **__: Any) -> ChatResult:
        await asyncio.Event().wait()
        raise AssertionError


async def test_a_planner_that_does_not_answer_fails_after_its_timeout(opened: Opened, tmp_path: Path) -> None:
    silent = ChatPlanner(Silent(), ImageStore(tmp_path / "images"), policy=CallPolicy(timeout=0.05))
    async with opened(silent) as ws:
        result = await ws.run(await ws.create("x"))
    assert result.status == "failed"
    assert "gave no answer in 0.05 s" in result.reason


async def test_a_critic_that_does_not_answer_keeps_every_image_and_generates_none_twice(
    opened: Opened, tmp_path: Path
) -> None:
    store = ImageStore(tmp_path / "workspace" / "images")
    generator = MemoryGenerator(store)
    critic = ChatCritic(Silent(), store, policy=CallPolicy(timeout=0.05))
    async with opened(plan_of("a", "b"), critic, generator) as ws:
        result = await ws.run(await ws.create("x"))
    assert len(generator.calls) == 2
    assert {block.status for block in result.document.blocks} == {"not_judged"}
    assert result.stop_reason == "complete"


def test_hosted_models_have_a_timeout_and_models_in_this_process_have_none_by_default() -> None:
    assert _policy_of(Role(model="openai:m")).timeout == 300
    assert _policy_of(Role(model="qwen3-vl:x")).timeout is None
    assert _policy_of(Role(model="qwen3-vl:x", timeout=9, max_retries=1)) == CallPolicy(9, 1)


def test_only_rate_limits_and_overload_are_waited_for() -> None:
    class ProviderError(Exception):
        status_code = 400

    assert pause_before_retry(ProviderError("no"), 1) is None
    assert pause_before_retry(ValueError("no"), 1) is None
