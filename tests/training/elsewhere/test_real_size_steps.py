"""The script that measures an 8 B recipe on a GPU runs on a CPU with a small model."""

from pathlib import Path

import pytest

from .real_size_steps import measure

pytest.importorskip("trl", reason="needs the train extra")


@pytest.mark.filterwarnings("ignore")
def test_two_steps_are_trained_on_sequences_of_the_wanted_length_and_reported(tmp_path: Path) -> None:
    report = measure(tmp_path, "micro", steps=2, tokens=900)
    assert report["seconds_per_sequence"] > 0
    assert report["tokens_per_sequence"] == pytest.approx(900, rel=0.1)
    assert len(report["losses"]) == 2
    assert report["gib_computed"] > 0
    assert (tmp_path / "run" / "model" / "adapter_model.safetensors").is_file()
