"""Trains an 8 B critic with random weights for a few steps on one GPU, and prints seconds and memory; `make gpu-steps`.

The recipe is `critic-sft-8b` with the LoRA adapter that its first lines give for one GPU. Size, sequence length and
images are those of a real run, but nothing is downloaded: the weights are random, and text is written with the micro
critic's tokenizer. Memory is compared with what `training/layouts.py` computes. With `--shape micro` the same runs on
a CPU with a model of a few million parameters, which shows that the script works and measures nothing.
"""

import argparse
import json
import shutil
import time
from dataclasses import replace
from importlib.resources import files
from pathlib import Path
from typing import Any

from PIL import Image

from interleavethinker.tools.images.png import encode_png
from interleavethinker.tools.types import CriticInput, Verdict
from interleavethinker.training.data.folder import DataFolder
from interleavethinker.training.data.schema import CriticRow
from interleavethinker.training.layouts import QWEN3_VL_8B, memory_of
from interleavethinker.training.recipe import SftRecipe, load_training_recipe, recipe_path

MICRO = replace(QWEN3_VL_8B, layers=2, hidden=128, heads=2, key_value_heads=1, head_size=64, intermediate=256)
SHAPES = {"8b": QWEN3_VL_8B, "micro": MICRO}
VISION = {
    "8b": {
        "depth": 27,
        "hidden_size": 1152,
        "intermediate_size": 4304,
        "deepstack_visual_indexes": [8, 16, 24],
        "num_heads": 16,
    },
    "micro": {"depth": 2, "hidden_size": 64, "intermediate_size": 128, "deepstack_visual_indexes": [1], "num_heads": 2},
}
IMAGE_SIDE = {"8b": 1024, "micro": 64}
PATCH = 32
"""Pixels a side of an image's token."""


def config_of(shape: str, vocabulary: int, **more: Any) -> Any:
    """Returns transformers' configuration of a model of this shape; that of `8b` is Qwen/Qwen3-VL-8B-Instruct's."""
    from transformers import Qwen3VLConfig

    sizes = SHAPES[shape]
    return Qwen3VLConfig(
        text_config={
            "num_hidden_layers": sizes.layers,
            "hidden_size": sizes.hidden,
            "num_attention_heads": sizes.heads,
            "num_key_value_heads": sizes.key_value_heads,
            "head_dim": sizes.head_size,
            "intermediate_size": sizes.intermediate,
            "vocab_size": vocabulary,
            "max_position_embeddings": 262_144,
        },
        vision_config={**VISION[shape], "out_hidden_size": sizes.hidden},
        tie_word_embeddings=False,
        **more,
    )


def make_model(folder: Path, shape: str) -> None:
    """Writes a folder with random weights, in bfloat16, and a processor for images of the shape's size."""
    import torch
    import transformers

    critic = Path(str(files("interleavethinker.microworld") / "checkpoints" / "critic"))
    shutil.copytree(critic, folder, ignore=shutil.ignore_patterns("*.safetensors", "README.md"))
    known = json.loads((critic / "config.json").read_text())
    vocabulary = SHAPES[shape].vocabulary if shape == "8b" else known["text_config"]["vocab_size"]
    tokens = {name: number for name, number in known.items() if name.endswith("_token_id")}
    config = config_of(shape, vocabulary, **tokens)
    torch.set_default_dtype(torch.bfloat16)
    try:
        with torch.device("cuda" if torch.cuda.is_available() else "cpu"):
            model = transformers.Qwen3VLForConditionalGeneration(config)
    finally:
        torch.set_default_dtype(torch.float32)
    model.save_pretrained(folder)
    del model
    if torch.cuda.is_available():
        torch.cuda.empty_cache()
    processor = json.loads((folder / "processor_config.json").read_text())
    for part in ("image_processor", "video_processor"):
        processor[part]["size"] = {"longest_edge": IMAGE_SIDE[shape] ** 2, "shortest_edge": 1024}
    (folder / "processor_config.json").write_text(json.dumps(processor))


def make_rows(folder: DataFolder, count: int, tokens: int, shape: str) -> None:
    """Writes critic rows whose sequences have about as many tokens as wanted: two images, and a long answer."""
    side = IMAGE_SIDE[shape]
    images = [folder.store.put(encode_png(Image.effect_noise((side, side), 60 + n).convert("RGB"))) for n in (0, 1)]
    words = max(1, tokens - 2 * (side // PATCH) ** 2 - 600)  # 600: instructions and prompts
    folder.critic_sft.write(
        CriticRow(
            id=f"row{number}",
            trajectory="t",
            split="train",
            generator="noise",
            step=0,
            iteration=number,
            case=CriticInput(source=images[0], image=images[1], original_prompt="a red ball", prompt="a red ball"),
            reference=None,
            semantics=5.0,
            quality=5.0,
            success=False,
            answer=Verdict(success=False, refined_prompt="a big red ball", reasoning=" ".join(["red"] * words)),
            strategy=None,
            next_seed=number,
        )
        for number in range(count)
    )


def measure(root: Path, shape: str, steps: int, tokens: int) -> dict[str, Any]:
    """Trains and returns seconds, memory and what was computed for it."""
    import torch

    from interleavethinker.training.agents.sft import run_sft

    started = time.perf_counter()
    make_model(root / "model", shape)
    data, accumulated = DataFolder(root / "data"), 2
    make_rows(data, steps * accumulated, tokens, shape)
    ready = time.perf_counter()
    on_gpu = torch.cuda.is_available()
    recipe = load_training_recipe(
        recipe_path("critic-sft-8b"),
        [
            *(f"model={root / 'model'}", f"data={data.root}", "lora.rank=32", "repeats=1", "evaluate_every=0"),
            *(f"arguments.gradient_accumulation_steps={accumulated}", f"arguments.max_steps={steps}"),
            *("arguments.logging_steps=1", "arguments.save_strategy=no", "arguments.report_to=none"),
            *(() if on_gpu else ("arguments.use_cpu=true", "arguments.bf16=false")),
        ],
    )
    assert isinstance(recipe, SftRecipe)
    run_sft(recipe, root / "run")
    lines = [json.loads(line) for line in (root / "run" / "metrics.jsonl").read_text().splitlines()]
    (runtime,) = [line["train_runtime"] for line in lines if "train_runtime" in line]
    gib = 2**30
    return {
        "recipe": "critic-sft-8b, LoRA of rank 32, one GPU",
        "shape": shape,
        "device": torch.cuda.get_device_name() if on_gpu else "cpu",
        "tokens_per_sequence": round(max(line.get("num_tokens", 0) for line in lines) / steps / accumulated),
        "steps": steps,
        "sequences_per_step": accumulated,
        "seconds_to_prepare": round(ready - started, 1),
        "seconds_per_sequence": round(runtime / steps / accumulated, 2),
        "losses": [round(line["loss"], 3) for line in lines if "loss" in line],
        "gib_allocated": round(torch.cuda.max_memory_allocated() / gib, 1) if on_gpu else None,
        "gib_reserved": round(torch.cuda.max_memory_reserved() / gib, 1) if on_gpu else None,
        "gib_computed": round(memory_of(recipe, SHAPES[shape], 1).total, 1),
    }


def main() -> None:
    """Prints the measurement as JSON."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--shape", choices=sorted(SHAPES), default="8b")
    parser.add_argument("--steps", type=int, default=4)
    parser.add_argument("--tokens", type=int, default=16_384, help="of a sequence; the default is the recipe's longest")
    parser.add_argument("--out", type=Path, default=Path("runs/real-size-steps"), help="a new folder; needs 20 GB")
    arguments = parser.parse_args()
    report = measure(arguments.out, arguments.shape, arguments.steps, arguments.tokens)
    print(json.dumps(report, indent=2))  # noqa: T201 - the result


if __name__ == "__main__":
    main()
