"""Prompts of many kinds, what transformers generates for them, and how completions are compared."""

from typing import Any

import pytest
from PIL import Image

from interleavethinker.tools.qwen3vl.batching import Completion, Prompt, SamplingParams
from interleavethinker.tools.qwen3vl.inference import LocalModel


def prompt(text: str, *images: Image.Image, **sampling: Any) -> Prompt:
    content = [{"type": "image"} for _ in images]
    conversation = ({"role": "user", "content": [*content, {"type": "text", "text": text}]},)
    return Prompt(conversation, images, SamplingParams(**{"max_new_tokens": 24} | sampling))


def picture(color: str, width: int = 64, height: int = 64) -> Image.Image:
    image = Image.new("RGB", (width, height), color)
    image.paste("black", (8, 8, width // 2, height // 3))
    return image


def by_generate(model: LocalModel, one: Prompt) -> Completion:
    """Returns what transformers' own loop generates, from the prompt's seed."""
    import torch

    if one.sampling.seed is not None:
        torch.manual_seed(one.sampling.seed)
    (completion,) = model.generate([one])
    return completion


def assert_same(found: Completion, expected: Completion) -> None:
    assert found.text == expected.text
    assert (found.prompt_tokens, found.completion_tokens, found.finished) == (
        expected.prompt_tokens,
        expected.completion_tokens,
        expected.finished,
    )
    assert [token.text for token in found.tokens] == [token.text for token in expected.tokens]
    for one, other in zip(found.tokens, expected.tokens, strict=True):
        assert one.logprob == pytest.approx(other.logprob, abs=1e-4)


VARIED = (
    prompt("a ball"),
    prompt("what changed?", picture("white"), picture("red")),
    prompt("wide and high", picture("blue", 128, 48), picture("green", 40, 120), picture("white")),
    prompt("make the ball green, please " * 20, picture("white"), max_new_tokens=90),
    prompt("stop early", max_new_tokens=1),
    prompt("without log-probabilities", picture("red"), logprobs=False),
    *(prompt(f"draw {seed}", picture("red"), temperature=1.5, seed=seed) for seed in range(3)),
    prompt("draw from the likeliest", temperature=0.8, top_p=0.7, seed=4),
)
