"""Prompts from any thread join a running engine, leave it when they are complete, and stop when nobody wants them."""

import asyncio
import threading
from concurrent.futures import Future
from dataclasses import dataclass, field

import pytest

from interleavethinker.tools.errors import ModelError
from interleavethinker.tools.qwen3vl.batching import Completion, Prompt, SamplingParams
from interleavethinker.tools.qwen3vl.scheduling import Scheduler

WAIT = 120


def prompt(name: str, tokens: int = 1) -> Prompt:
    return Prompt(({"name": name},), (), SamplingParams(max_new_tokens=tokens))


@dataclass
class CountingEngine:
    """Needs as many steps for a prompt as its `max_new_tokens`. Each step waits for a permit."""

    permits: threading.Semaphore = field(default_factory=lambda: threading.Semaphore(0))
    rows: list[list[str]] = field(default_factory=list)
    """The names of the prompts that each step advanced."""
    left: dict[object, int] = field(default_factory=dict)
    names: dict[object, str] = field(default_factory=dict)
    stepped: threading.Semaphore = field(default_factory=lambda: threading.Semaphore(0))

    def start(self, prompt: Prompt) -> object:
        name = str(prompt.conversation[0]["name"])
        if name == "unreadable":
            raise ValueError("cannot be read")
        key = object()
        self.left[key], self.names[key] = prompt.sampling.max_new_tokens, name
        return key

    def step(self) -> list[tuple[object, Completion]]:
        assert self.permits.acquire(timeout=WAIT)
        self.rows.append([self.names[key] for key in self.left])
        if "poison" in self.rows[-1]:
            raise RuntimeError("out of memory")
        self.left = {key: left - 1 for key, left in self.left.items()}
        done = [key for key, left in self.left.items() if not left]
        for key in done:
            self.drop(key)
        self.stepped.release()
        return [(key, Completion(self.names[key], (), 0, finished=True)) for key in done]

    def drop(self, key: object) -> None:
        self.left.pop(key, None)

    def allow(self, steps: int) -> None:
        """Lets the engine take some steps, and waits for the last of them."""
        for _ in range(steps):
            self.permits.release()
            assert self.stepped.acquire(timeout=WAIT)


def texts(futures: list["Future[Completion]"]) -> list[str]:
    return [future.result(WAIT).text for future in futures]


def test_a_complete_answer_frees_its_slot_at_once_and_the_next_prompt_takes_it() -> None:
    engine = CountingEngine()
    scheduler = Scheduler(lambda: engine)
    # The first prompt, which wants no company, holds the thread until the others have arrived.
    first = scheduler.submit(prompt("first"), 1)
    futures = [scheduler.submit(prompt(name, steps), 2) for name, steps in (("long", 4), ("short", 1), ("next", 2))]
    engine.allow(5)
    assert texts([first, *futures]) == ["first", "long", "short", "next"]
    assert engine.rows == [
        ["first"],
        ["long", "short"],
        ["long", "next"],
        ["long", "next"],
        ["long"],
    ]
    scheduler.close()
    assert scheduler.steps == {1: 2, 2: 3}


def test_a_prompt_that_wants_no_company_runs_alone_and_none_overtakes_it() -> None:
    engine = CountingEngine()
    scheduler = Scheduler(lambda: engine)
    limits = {"first": 1, "a": 4, "alone": 1, "b": 4}
    futures = [scheduler.submit(prompt(name), limit) for name, limit in limits.items()]
    engine.allow(4)
    assert texts(futures) == list(limits)
    assert engine.rows == [[name] for name in limits]
    scheduler.close()


async def test_a_cancelled_call_stops_at_the_next_token_and_leaves_its_slot_to_others() -> None:
    engine = CountingEngine()
    scheduler = Scheduler(lambda: engine)
    abandoned = asyncio.ensure_future(asyncio.wrap_future(scheduler.submit(prompt("abandoned", 1000), 1)))
    waiting = asyncio.ensure_future(asyncio.wrap_future(scheduler.submit(prompt("waiting"), 1)))
    never = asyncio.ensure_future(asyncio.wrap_future(scheduler.submit(prompt("never started"), 1)))
    await asyncio.to_thread(engine.allow, 2)
    abandoned.cancel()
    never.cancel()
    await asyncio.gather(abandoned, never, return_exceptions=True)
    engine.permits.release(2)
    assert (await asyncio.wait_for(waiting, WAIT)).text == "waiting"
    await asyncio.to_thread(scheduler.close)
    assert engine.rows.count(["abandoned"]) <= 3
    assert ["never started"] not in engine.rows


def test_a_defect_on_the_thread_reaches_the_callers_and_the_next_call_is_answered() -> None:
    class Defective(CountingEngine):
        def drop(self, key: object) -> None:  # noqa: ARG002 - the signature of the engine
            raise RuntimeError("a defect")

    engines = [Defective(), CountingEngine()]
    first = engines[0]
    scheduler = Scheduler(lambda: engines.pop(0))
    abandoned, waiting = (scheduler.submit(prompt(name, 1000), 2) for name in ("abandoned", "waiting"))
    first.allow(1)
    abandoned.cancel()
    first.permits.release(2)
    with pytest.raises(RuntimeError, match="a defect"):
        waiting.result(WAIT)
    engines[0].permits.release(1)
    assert scheduler.submit(prompt("next", 1), 2).result(WAIT).text == "next"
    scheduler.close()


def test_a_prompt_that_cannot_be_read_fails_alone() -> None:
    engine = CountingEngine()
    scheduler = Scheduler(lambda: engine)
    futures = [scheduler.submit(prompt(name), 4) for name in ("first", "unreadable", "other")]
    engine.permits.release(4)
    assert futures[0].result(WAIT).text == "first"
    assert futures[2].result(WAIT).text == "other"
    with pytest.raises(ValueError, match="cannot be read"):
        futures[1].result(WAIT)
    scheduler.close()


def test_a_failing_step_starts_its_prompts_again_one_by_one() -> None:
    engine = CountingEngine()
    scheduler = Scheduler(lambda: engine)
    futures = [scheduler.submit(prompt(name), 4) for name in ("first", "a", "poison", "b")]
    engine.permits.release(9)
    assert texts([futures[0], futures[1], futures[3]]) == ["first", "a", "b"]
    with pytest.raises(RuntimeError, match="out of memory"):
        futures[2].result(WAIT)
    scheduler.close()


def test_an_engine_that_cannot_be_loaded_is_loaded_again_for_the_next_prompt() -> None:
    engine, failures = CountingEngine(), [ModelError("no weights")]

    def load() -> CountingEngine:
        if failures:
            raise failures.pop()
        return engine

    scheduler = Scheduler(load)
    with pytest.raises(ModelError, match="no weights"):
        scheduler.submit(prompt("a"), 1).result(WAIT)
    engine.permits.release()
    assert scheduler.submit(prompt("b"), 1).result(WAIT).text == "b"
    scheduler.close()


def test_closing_completes_what_was_submitted_and_refuses_what_comes_later() -> None:
    engine = CountingEngine()
    scheduler = Scheduler(lambda: engine)
    futures = [scheduler.submit(prompt(str(number), 1 + number % 3), 2) for number in range(7)]
    closing = [threading.Thread(target=scheduler.close) for _ in range(2)]
    for thread in closing:
        thread.start()
    engine.permits.release(20)
    assert texts(futures) == [str(number) for number in range(7)]
    for thread in closing:
        thread.join(WAIT)
        assert not thread.is_alive()
    with pytest.raises(ModelError, match="unloaded while it was in use"):
        scheduler.submit(prompt("late"), 1)
    Scheduler(lambda: engine).close()
