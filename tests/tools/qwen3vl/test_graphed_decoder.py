"""Decoding with recorded steps generates the tokens of `generate`. A CPU repeats a step where a GPU starts a graph."""

from collections.abc import Callable

import pytest
import torch

from interleavethinker.tools.qwen3vl.batching import Prompt
from interleavethinker.tools.qwen3vl.engine import ContinuousEngine
from interleavethinker.tools.qwen3vl.graphed_decoder import CudaGraphs, GraphedDecoder, StepRecorder
from interleavethinker.tools.qwen3vl.inference import LocalModel
from interleavethinker.tools.qwen3vl.text_decoder import TextDecoder

from .prompts import VARIED, assert_same, by_generate, picture, prompt


class Repetition:
    """Records a step by keeping it, and its result at a fixed address; as with a graph, recording computes it first."""

    def __init__(self) -> None:
        self.recorded = self.repeated = 0

    def record(self, step: Callable[[], torch.Tensor]) -> tuple[Callable[[], None], torch.Tensor]:
        self.recorded += 1
        step()
        result = torch.full_like(step(), torch.nan)  # A graph's result is only there after it ran.

        def repeat() -> None:
            self.repeated += 1
            result.copy_(step())

        return repeat, result


def engine_with(model: LocalModel, recorder: StepRecorder, *, folds: bool = True) -> ContinuousEngine:
    decoder = GraphedDecoder(model._model, recorder)
    decoder._folds_groups = folds  # As on a GPU.
    return ContinuousEngine(model._model, model._processor, decoder)


@pytest.mark.parametrize("one", VARIED, ids=lambda one: one.conversation[0]["content"][-1]["text"][:20])
def test_the_tokens_are_those_of_generate(tiny: LocalModel, one: Prompt) -> None:
    (found,) = engine_with(tiny, Repetition()).complete([one], 1)
    assert_same(found, by_generate(tiny, one))


@pytest.mark.parametrize("folds", [False, True])
@pytest.mark.parametrize("rows", [2, 5, 16])
def test_prompts_side_by_side_get_what_they_get_alone(tiny: LocalModel, rows: int, folds: bool) -> None:
    engine = engine_with(tiny, Repetition(), folds=folds)
    for _ in range(2):  # The second time in rows that other prompts have left their keys in.
        for found, one in zip(engine.complete(VARIED, rows), VARIED, strict=True):
            assert_same(found, by_generate(tiny, one))


def test_a_step_is_recorded_once_for_each_shape_and_again_when_the_cache_has_moved(tiny: LocalModel) -> None:
    recorder = Repetition()
    engine = engine_with(tiny, recorder)
    short = prompt("a ball", picture("red"), max_new_tokens=20)
    engine.complete([short] * 3, 3)
    assert recorder.recorded == 1, "1, 2 and 3 rows take the step of 4"
    steps = recorder.repeated
    engine.complete([short], 1)
    assert recorder.recorded == 1
    assert recorder.repeated > steps
    engine.complete([short] * 6, 6)
    assert recorder.recorded == 2, "8 rows"
    long = prompt("make the ball green, please " * 90, max_new_tokens=600)
    (found,) = engine.complete([long], 1)
    assert found.prompt_tokens + found.completion_tokens > 1024 or found.finished
    assert_same(found, by_generate(tiny, long))
    again = engine.complete([short], 1)[0]
    assert_same(again, by_generate(tiny, short))


def test_a_second_decoder_of_a_model_needs_no_memory_for_weights(tiny: LocalModel) -> None:
    first, second = TextDecoder(tiny._model), GraphedDecoder(tiny._model, Repetition())
    for one, other in zip(first._layers, second._layers, strict=True):
        assert one.qkv.data_ptr() == other.qkv.data_ptr()
        assert one.gate_up.data_ptr() == other.gate_up.data_ptr()
        assert torch.equal(one.qkv, other.qkv)
        assert torch.equal(one.gate_up, other.gate_up)


@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs an NVIDIA GPU")
def test_graphs_of_a_gpu_generate_the_same_tokens(tiny: LocalModel) -> None:
    model = tiny._model.to("cuda")
    try:
        engine = engine_with(tiny, CudaGraphs(model.device))
        for found, one in zip(engine.complete(VARIED, 4), VARIED, strict=True):
            assert found.text == by_generate(tiny, one).text
    finally:
        model.to("cpu")
