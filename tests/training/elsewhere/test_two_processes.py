"""Training by two processes on a CPU, as torchrun and accelerate start them; `make distributed-test`."""

import json
import os
import subprocess
import sys
from importlib.resources import files
from pathlib import Path

import pytest

from interleavethinker.tools.qwen3vl.processor import load_processor

from ..conftest import Made

pytestmark = [
    pytest.mark.skipif("DISTRIBUTED_TESTS" not in os.environ, reason="`make distributed-test` starts process groups"),
    pytest.mark.filterwarnings("ignore"),
]


def train(launcher: list[str], made: Made, root: Path, *overrides: str) -> None:
    settings = [
        f"data={made.folder.root}", "model=interleavethinker.microworld:checkpoints/critic", "arguments.max_steps=2",
        "arguments.per_device_train_batch_size=1", "arguments.logging_steps=1", "arguments.use_cpu=true",
        "arguments.ddp_backend=gloo", "muon=false", "evaluate_every=1", "evaluation_rows=4", "samples=2",
        "sample_tokens=5", *overrides,
    ]  # fmt: skip
    words = ["train", "micro-critic-sft", "--out", str(root), *(word for one in settings for word in ("--set", one))]
    environment = os.environ | {"OMP_NUM_THREADS": "1", "ACCELERATE_USE_CPU": "true"}
    command = [*launcher, "-m", "interleavethinker.cli", *words]
    done = subprocess.run(command, capture_output=True, text=True, check=False, env=environment, timeout=1500)
    assert done.returncode == 0, done.stderr[-4000:]


def check(root: Path) -> None:
    """One process has written each file, and the finished weights are whole."""
    from safetensors.torch import load_file
    from transformers import Qwen3VLForConditionalGeneration

    lines = [json.loads(line) for line in (root / "metrics.jsonl").read_text().splitlines()]
    assert [line["step"] for line in lines if "loss" in line] == [1, 2]
    assert [line["step"] for line in lines if "eval_loss" in line] == [1, 2]
    assert json.loads((root / "recipe.json").read_text())["role"] == "critic"
    assert {path.name for path in (root / "samples").glob("*.md")} == {"step-1.md", "step-2.md"}
    shipped = load_file(Path(str(files("interleavethinker.microworld"))) / "checkpoints/critic/model.safetensors")
    finished = load_file(root / "model" / "model.safetensors")
    assert {name: tensor.shape for name, tensor in finished.items()} == {
        name: tensor.shape for name, tensor in shipped.items()
    }
    Qwen3VLForConditionalGeneration.from_pretrained(root / "model")
    assert type(load_processor(root / "model")).__name__ in {"ImageTextProcessor", "Qwen3VLProcessor"}


def test_torchrun_trains_on_two_processes_and_saves_one_model(made: Made, tmp_path: Path) -> None:
    train([sys.executable, "-m", "torch.distributed.run", "--nproc-per-node", "2"], made, tmp_path)
    check(tmp_path)


def test_the_shipped_fsdp_configuration_saves_whole_weights(made: Made, tmp_path: Path) -> None:
    shipped = Path(str(files("interleavethinker.training"))) / "accelerate" / "fsdp-4.yaml"
    config = shipped.read_text(encoding="utf-8").replace("num_processes: 4", "num_processes: 2")
    config = config.replace("mixed_precision: bf16", "mixed_precision: 'no'") + "use_cpu: true\n"
    (tmp_path / "fsdp.yaml").write_text(config, encoding="utf-8")
    launcher = [sys.executable, "-m", "accelerate.commands.launch", "--config_file", str(tmp_path / "fsdp.yaml")]
    train(launcher, made, tmp_path / "run")
    check(tmp_path / "run")
