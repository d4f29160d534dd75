"""A training stage can be interrupted and resumed, and logs readable metrics."""

import json
from pathlib import Path

import numpy as np
import pytest
import torch
from torch import nn

from interleavethinker.tools.errors import InputError
from interleavethinker.training.loop import RunFolder, Stage, muon_adamw, run_stage

STAGE = Stage("toy", steps=12, learning_rate=1e-2, seed=3, log_every=3, save_every=4)


class KilledError(Exception):
    """Simulates SIGKILL between two steps."""


def train(folder: Path, *, killed_at: int | None = None) -> dict[str, torch.Tensor]:
    torch.manual_seed(0)
    module = nn.ModuleDict({"layers": nn.Linear(4, 4), "conv_blocks": nn.Conv2d(2, 3, 3), "head": nn.Linear(4, 1)})
    calls = 0

    def loss(rng: np.random.Generator) -> tuple[torch.Tensor, dict[str, float]]:
        nonlocal calls
        if calls == killed_at:
            raise KilledError
        calls += 1
        x = torch.from_numpy(rng.normal(size=(8, 4)).astype(np.float32)) + torch.randn(8, 4)
        image = module["conv_blocks"](torch.randn(2, 2, 5, 5)).square().mean()
        return module["head"](module["layers"](x).tanh()).square().mean() + image, {"calls": calls}

    run_stage(STAGE, RunFolder(folder), module, muon_adamw(module, 1e-2, 1e-2), loss)
    return {name: value.clone() for name, value in module.state_dict().items()}


def test_a_stage_that_was_killed_and_resumed_ends_with_the_weights_of_an_uninterrupted_one(tmp_path: Path) -> None:
    uninterrupted = train(tmp_path / "uninterrupted")
    with pytest.raises(KilledError):
        train(tmp_path / "killed", killed_at=7)
    resumed = train(tmp_path / "killed")
    for name, value in uninterrupted.items():
        assert torch.equal(value, resumed[name]), name


def test_a_finished_stage_is_not_trained_again(tmp_path: Path) -> None:
    once = train(tmp_path)
    again = train(tmp_path, killed_at=0)  # a first step would raise
    assert all(torch.equal(value, again[name]) for name, value in once.items())


def test_a_run_folder_that_cannot_be_created_is_an_input_error_with_its_name(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("in the way")
    for root in (tmp_path / "file", tmp_path / "file" / "run"):
        with pytest.raises(InputError, match=rf"Cannot use .*{root.name} as a run folder: "):
            RunFolder(root)


def test_metrics_are_means_over_the_steps_since_the_last_line(tmp_path: Path) -> None:
    train(tmp_path)
    lines = [json.loads(line) for line in (tmp_path / "metrics.jsonl").read_text().splitlines()]
    assert [line["step"] for line in lines] == [3, 6, 9, 12]
    assert [line["calls"] for line in lines] == [2, 5, 8, 11]


def test_the_learning_rate_rises_and_then_decays_to_zero() -> None:
    scales = [STAGE.scale(step) for step in range(STAGE.steps)]
    assert scales[0] == max(scales) == 1
    assert scales[-1] < 0.03
    assert scales == sorted(scales, reverse=True)
