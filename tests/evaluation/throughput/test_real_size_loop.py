"""The script that measures real sizes on a GPU runs on a CPU with tiny models."""

from pathlib import Path

import pytest

from .real_size_loop import Report, measure
from .real_size_models import TEXT_ENCODER, TINY, TRANSFORMER


def test_every_part_is_measured_and_both_loops_make_the_same_calls(tmp_path: Path) -> None:
    figures = measure(tmp_path / "models", TINY, budget=1000)
    assert "left_out" not in figures
    serial, alone, together = (figures[part] for part in ("serial", "at_once.1", "at_once.2"))
    for part in (serial, alone, together):
        assert part["images"] == 4 * part["trajectories"], "three steps, one of which is tried twice"
        stages = part["stage_seconds_per_trajectory"]
        assert min(stages[name] for name in ("plan", "generate", "judge")) > 0
        assert part["trajectories_per_hour"] == pytest.approx(3600 * part["trajectories"] / part["seconds"], rel=0.02)
    assert alone["ratio"] == pytest.approx(alone["trajectories_per_hour"] / serial["trajectories_per_hour"], abs=0.01)
    assert figures["decoding"]["eager.8.tokens_per_second"] > 0


def test_what_the_budget_does_not_reach_is_named() -> None:
    report = Report(TINY, budget=0)
    assert not report.has_time_for("serial")
    assert not report.has_time_for("product")
    assert report.figures["left_out"] == ["serial", "product"]


def test_the_shapes_have_the_sizes_of_the_real_models() -> None:
    import torch
    from diffusers.models import Flux2Transformer2DModel
    from transformers import Qwen3Config, Qwen3ForCausalLM

    with torch.device("meta"):
        denoiser = Flux2Transformer2DModel(**TRANSFORMER)
        encoder = Qwen3ForCausalLM(Qwen3Config(**TEXT_ENCODER))
    assert denoiser.num_parameters() == pytest.approx(3.9e9, rel=0.05)
    assert encoder.num_parameters() == pytest.approx(4.02e9, rel=0.02)
