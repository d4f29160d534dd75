"""The exact arguments with which each family of pipelines is called, with stub pipelines and no weights."""

import importlib.util
import json
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
import torch
from PIL import Image

from interleavethinker.servers.images.backends.diffusers import DiffusersBackend
from interleavethinker.servers.images.backends.pipeline_loading import LoadedPipelines

from .backend_jobs import RecordingObserver, make_job, sample_png

Calls = list[tuple[str, dict[str, Any]]]


@pytest.fixture
def run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[..., Calls]:
    """Runs a batch on a pipeline class and returns its calls: which pipeline, with which arguments."""
    find_spec = importlib.util.find_spec
    # Qwen's settings check that torchvision is installed; these stubs do not need it.
    monkeypatch.setattr("importlib.util.find_spec", lambda name: object() if name == "torchvision" else find_spec(name))

    def batch(pipeline_class: str, count: int, *, edit: bool, **settings: object) -> Calls:
        (tmp_path / "model_index.json").write_text(json.dumps({"_class_name": pipeline_class}))
        (tmp_path / "call_arguments.json").write_text(json.dumps(settings))
        calls: Calls = []

        def stub(name: str) -> Callable[..., object]:
            def call(**arguments: Any) -> object:
                calls.append((name, arguments))
                prompts = arguments["prompt"]
                images = [Image.new("RGB", (8, 8))] * (len(prompts) if isinstance(prompts, list) else 1)
                return SimpleNamespace(images=images)

            return call

        backend = DiffusersBackend(str(tmp_path))
        loaded = LoadedPipelines(stub("edit"), stub("generate"), "cpu", "float32")
        sources = [sample_png(index, 128, 96) if edit else None for index in range(count)]
        jobs = [make_job(backend, f"p{index}", 10 + index, source) for index, source in enumerate(sources)]
        assert len(backend._call(loaded, jobs, RecordingObserver())) == count
        return calls

    return batch


def plain(value: Any) -> Any:
    """Arguments in a form that can be compared: seeds for generators, sizes for images."""
    if isinstance(value, list):
        return [plain(item) for item in value]
    if isinstance(value, torch.Generator):
        return ("seed", value.initial_seed())
    if isinstance(value, Image.Image):
        return (value.mode, value.size)
    return "callback" if callable(value) else value


def test_klein_gets_a_single_source_as_a_list_of_one(run: Callable[..., Calls]) -> None:
    ((name, arguments),) = run("Flux2KleinPipeline", 1, edit=True)
    assert name == "edit"
    assert {key: plain(value) for key, value in arguments.items()} == {
        "width": 128,
        "height": 96,
        "num_inference_steps": 4,
        "guidance_scale": 1.0,
        "prompt": "p0",
        "generator": ("seed", 10),
        "image": [("RGB", (128, 96))],
        "callback_on_step_end": "callback",
    }


def test_klein_gets_a_batch_of_edits_in_one_call(run: Callable[..., Calls]) -> None:
    ((name, arguments),) = run("Flux2KleinPipeline", 3, edit=True)
    assert name == "edit"
    assert arguments["prompt"] == ["p0", "p1", "p2"]
    assert plain(arguments["generator"]) == [("seed", 10), ("seed", 11), ("seed", 12)]
    assert plain(arguments["image"]) == [("RGB", (128, 96))] * 3


def test_kontext_gets_a_single_source_by_itself_and_its_area(run: Callable[..., Calls]) -> None:
    ((name, arguments),) = run("FluxKontextPipeline", 1, edit=True)
    assert (name, plain(arguments["image"]), arguments["max_area"]) == ("edit", ("RGB", (128, 96)), 128 * 96)
    ((_, generated),) = run("FluxKontextPipeline", 2, edit=False)
    assert generated["max_area"] == 1024 * 1024
    assert "image" not in generated


def test_qwen_gets_one_prompt_per_call_and_its_own_guidance_argument(run: Callable[..., Calls]) -> None:
    generated = run("QwenImageEditPlusPipeline", 3, edit=False, generate_with=None)
    assert [(name, arguments["prompt"]) for name, arguments in generated] == [
        ("generate", "p0"),
        ("generate", "p1"),
        ("generate", "p2"),
    ]
    assert all("guidance_scale" not in arguments for _, arguments in generated)
    edited = run("QwenImageEditPlusPipeline", 2, edit=True)
    assert [plain(arguments["image"]) for _, arguments in edited] == [[("RGB", (128, 96))]] * 2
    assert all(
        (arguments["true_cfg_scale"], arguments["guidance_scale"], arguments["negative_prompt"]) == (4.0, 1.0, " ")
        for _, arguments in edited
    )


def test_edits_that_cannot_share_a_call_are_made_one_by_one_and_generations_still_share(
    run: Callable[..., Calls],
) -> None:
    assert len(run("AnyOtherPipeline", 3, edit=True)) == 3
    assert len(run("AnyOtherPipeline", 3, edit=False)) == 1


def test_a_negative_prompt_is_repeated_for_every_prompt_of_a_batch(run: Callable[..., Calls]) -> None:
    ((_, batch),) = run("AnyOtherPipeline", 2, edit=False, negative_prompt="blurry")
    assert batch["negative_prompt"] == ["blurry", "blurry"]
    ((_, single),) = run("AnyOtherPipeline", 1, edit=False, negative_prompt="blurry")
    assert single["negative_prompt"] == "blurry"
