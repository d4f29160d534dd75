"""Options that depend on the device are refused with a reason, and large weights take 16 bits on a GPU."""

from pathlib import Path
from typing import Any

import pytest
import torch

from interleavethinker.tools.errors import ModelError
from interleavethinker.tools.qwen3vl import device_options
from interleavethinker.tools.qwen3vl.chat_model import Qwen3VL
from interleavethinker.tools.qwen3vl.device_options import check_options, dtype_for
from interleavethinker.tools.qwen3vl.inference import LocalModel, ModelIdentity

from .prompts import VARIED, assert_same, by_generate


@pytest.fixture
def gpu(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    monkeypatch.setattr(torch.cuda, "is_bf16_supported", lambda **_options: True)


@pytest.mark.skipif(torch.cuda.is_available(), reason="for machines without a GPU")
@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"attention": "flash_attention_2"}, "needs flash-attn, which is not installed: pip install flash-attn"),
        ({"decoding": "graphs"}, "Decoding with graphs needs an NVIDIA GPU; the model is on cpu"),
    ],
)
def test_what_this_machine_cannot_do_is_said_when_the_model_is_first_used(
    options: dict[str, Any], message: str, folder: Path
) -> None:
    model = Qwen3VL(model=str(folder), **options)
    try:
        with pytest.raises(ModelError, match=message):
            model.invoke("a ball")
    finally:
        model.unload()


def test_flash_attention_needs_a_gpu_besides_its_package(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("importlib.util.find_spec", lambda _name: object())
    with pytest.raises(ModelError, match="flash_attention_2 needs an NVIDIA GPU; the model is on cpu"):
        check_options("flash_attention_2", "eager", "cpu")


def test_unknown_names_are_refused_when_the_profile_is_read(folder: Path) -> None:
    with pytest.raises(ValueError, match="'sdpa', 'eager' or 'flash_attention_2'"):
        Qwen3VL(model=str(folder), attention="flash")
    with pytest.raises(ValueError, match="'eager' or 'graphs'"):
        Qwen3VL(model=str(folder), decoding="fast")


def test_models_with_other_options_have_weights_of_their_own(folder: Path) -> None:
    ways: list[dict[str, Any]] = [{}, {"attention": "eager"}, {"decoding": "graphs"}]
    assert len({Qwen3VL(model=str(folder), **options).identity for options in ways}) == 3


def test_the_plain_operations_generate_what_the_kernels_do(varied_folder: Path, tiny: LocalModel) -> None:
    plain = LocalModel(ModelIdentity(str(varied_folder), "float32", attention="eager"))
    plain.load()
    assert plain._model.config._attn_implementation == "eager"
    assert tiny._model.config._attn_implementation == "sdpa"
    for one in VARIED[:3]:
        (found,) = plain.complete([one])
        assert_same(found, by_generate(tiny, one))


def test_graphs_are_refused_for_weights_that_are_not_decoded_here(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("interleavethinker.tools.qwen3vl.inference.check_options", lambda *_arguments: None)
    monkeypatch.setattr("interleavethinker.tools.qwen3vl.inference.can_decode", lambda _model: False)
    model = LocalModel(ModelIdentity(str(folder), "float32", "cpu", decoding="graphs"))
    for _ in range(2):
        with pytest.raises(ModelError, match="cannot be decoded with graphs"):
            model.load()


@pytest.mark.usefixtures("gpu")
def test_large_weights_of_32_bits_are_loaded_in_16_on_a_gpu(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert dtype_for(str(folder), None, "auto", "cuda") == "auto", "a small model keeps its format"
    monkeypatch.setattr(device_options, "_SMALL", 1000)
    assert dtype_for(str(folder), None, "auto", "cuda") is torch.bfloat16
    assert dtype_for(str(folder), None, "auto", "auto") is torch.bfloat16
    assert dtype_for(str(folder), None, "auto", "cpu") == "auto"
    assert dtype_for(str(folder), None, "float32", "cuda") is torch.float32
    monkeypatch.setattr(torch.cuda, "is_bf16_supported", lambda **_options: False)
    assert dtype_for(str(folder), None, "auto", "cuda:1") is torch.float16


@pytest.mark.usefixtures("gpu")
def test_weights_of_16_bits_stay_as_they_were_saved(
    folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from transformers import AutoConfig

    monkeypatch.setattr(device_options, "_SMALL", 1000)
    config = AutoConfig.from_pretrained(folder)
    config.dtype = torch.float16
    config.save_pretrained(tmp_path)
    assert dtype_for(str(tmp_path), None, "auto", "cuda") == "auto"


def test_without_a_gpu_weights_stay_as_they_were_saved(folder: Path) -> None:
    if torch.cuda.is_available():
        pytest.skip("for machines without a GPU")
    assert dtype_for(str(folder), None, "auto", "cuda") == "auto"
