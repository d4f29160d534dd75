"""A round of prompts to a local model is answered in full batches, in order, from one seed."""

import asyncio
from collections.abc import Sequence

import pytest

from interleavethinker.evaluation.inference.deterministic_batches import _RoundBatcher
from interleavethinker.tools.qwen3vl.batching import Completion, Prompt, SamplingParams


def prompt(number: int) -> Prompt:
    return Prompt(({"number": number},), (), SamplingParams())


def echo(prompts: Sequence[Prompt]) -> list[Completion]:
    import torch

    sample = torch.rand(1).item()
    return [Completion(f"{one.conversation[0]['number']} {sample:.4f}", (), 0, finished=True) for one in prompts]


def answers_of(rounds: _RoundBatcher, count: int, seed: int) -> list[str]:
    async def run() -> list[str]:
        rounds.expect(count, seed)
        futures = [asyncio.wrap_future(rounds.submit(prompt(number), 4)) for number in range(count)]
        return [answer.text for answer in await asyncio.gather(*futures)]

    return asyncio.run(run())


def test_batches_are_full_and_answers_come_in_order() -> None:
    rounds = _RoundBatcher(echo, 4)
    answers = answers_of(rounds, 10, 0)
    assert rounds.batches == [4, 4, 2]
    assert [answer.split()[0] for answer in answers] == [str(number) for number in range(10)]


def test_sampled_answers_depend_only_on_the_seed() -> None:
    assert (
        answers_of(_RoundBatcher(echo, 4), 6, 1)
        == answers_of(_RoundBatcher(echo, 4), 6, 1)
        != answers_of(_RoundBatcher(echo, 4), 6, 2)
    )


def test_an_error_is_raised_to_all_callers() -> None:
    def fail(_prompts: Sequence[Prompt]) -> list[Completion]:
        raise ValueError("no weights")

    with pytest.raises(ValueError, match="no weights"):
        answers_of(_RoundBatcher(fail, 2), 5, 0)
