"""Batching of concurrent prompts, with a function in place of a model."""

import threading
from collections.abc import Sequence

import pytest

from interleavethinker.tools.errors import ModelError
from interleavethinker.tools.qwen3vl.batching import Batcher, Completion, Prompt, SamplingParams


def prompt(max_new_tokens: int = 1024) -> Prompt:
    return Prompt((), (), SamplingParams(max_new_tokens=max_new_tokens))


def batch_size(prompts: Sequence[Prompt]) -> list[Completion]:
    """Completes each prompt with the size of its batch."""
    return [Completion(str(len(prompts)), (), 0, finished=True) for _ in prompts]


class Gate:
    """Completes like `batch_size`, but only once it is opened; `prompts` is what it was called with."""

    def __init__(self) -> None:
        self.prompts: list[Sequence[Prompt]] = []
        self.opened = threading.Event()

    def complete(self, prompts: Sequence[Prompt]) -> list[Completion]:
        self.opened.wait(timeout=60)
        self.prompts.append(prompts)
        return batch_size(prompts)


def test_only_prompts_with_equal_sampling_parameters_share_a_batch_and_none_is_lost() -> None:
    gate = Gate()
    batcher = Batcher(gate.complete)
    futures = [batcher.submit(prompt(max_new_tokens=1 + i % 2), 4) for i in range(9)]
    gate.opened.set()
    assert all(future.result(timeout=60).finished for future in futures)
    assert sum(batcher.batches) == 9
    assert 1 < max(batcher.batches) <= 4
    assert all(len({one.sampling for one in prompts}) == 1 for prompts in gate.prompts)


def test_prompts_with_a_batch_limit_of_one_are_completed_alone() -> None:
    gate = Gate()
    batcher = Batcher(gate.complete)
    limits = [1, 8, 1, 8, 8]
    futures = [batcher.submit(prompt(), limit) for limit in limits]
    gate.opened.set()
    sizes = [int(future.result(timeout=60).text) for future in futures]
    assert [size for size, limit in zip(sizes, limits, strict=True) if limit == 1] == [1, 1]
    assert sum(batcher.batches) == 5


def test_a_long_queue_is_completed_in_full_batches() -> None:
    gate = Gate()
    batcher = Batcher(gate.complete)
    first, others = prompt(max_new_tokens=1), prompt(max_new_tokens=2)
    futures = [batcher.submit(one, 8) for one in (first, *[others] * 13, first, *[others] * 9)]
    gate.opened.set()
    assert all(future.result(timeout=60).finished for future in futures)
    assert max(batcher.batches) == 8


def test_an_error_reaches_its_callers_and_the_next_prompt_is_completed() -> None:
    calls = []

    def fail_once(prompts: Sequence[Prompt]) -> list[Completion]:
        calls.append(prompts)
        if len(calls) == 1:
            raise RuntimeError("out of memory")
        return batch_size(prompts)

    batcher = Batcher(fail_once)
    with pytest.raises(RuntimeError, match="out of memory"):
        batcher.submit(prompt(), 1).result(timeout=60)
    assert batcher.submit(prompt(), 1).result(timeout=60).text == "1"


def test_closing_completes_what_was_submitted_and_ends_the_thread() -> None:
    before = set(threading.enumerate())
    gate = Gate()
    batcher = Batcher(gate.complete)
    futures = [batcher.submit(prompt(max_new_tokens=1 + i % 3), 2) for i in range(7)]
    closing = [threading.Thread(target=batcher.close) for _ in range(2)]
    for thread in closing:
        thread.start()
    gate.opened.set()
    for thread in closing:
        thread.join(timeout=60)
    assert all(future.done() and future.result().finished for future in futures)
    assert set(threading.enumerate()) <= before
    with pytest.raises(ModelError) as caught:
        batcher.submit(prompt(), 1)
    assert caught.value.code == "unloaded"


def test_a_batcher_that_never_had_a_prompt_can_be_closed() -> None:
    batcher = Batcher(batch_size)
    batcher.close()
    batcher.close()


def test_a_prompt_that_fails_fails_alone() -> None:
    def complete(prompts: Sequence[Prompt]) -> list[Completion]:
        if any(prompt.conversation for prompt in prompts):
            raise ValueError("this one")
        return batch_size(prompts)

    gate = threading.Event()
    batcher = Batcher(lambda prompts: (gate.wait(60), complete(prompts))[1])
    broken = Prompt(({"role": "user"},), (), SamplingParams())
    futures = [batcher.submit(each, 8) for each in (prompt(), broken, prompt())]
    gate.set()
    assert [future.exception(60) is None for future in futures] == [True, False, True]
