"""Damaged and unsafe weights are named before anything is loaded: by the reader, by `doctor`, by the image server."""

import json
import shutil
import struct
from collections.abc import Callable
from importlib.resources import files
from pathlib import Path

import pytest

from interleavethinker.graph.profiles.checks import check_profile, require_whole_weights
from interleavethinker.graph.profiles.profile import load_profile
from interleavethinker.tools.errors import ProfileError
from interleavethinker.tools.weights import damaged_weights

WEIGHTS = "transformer/diffusion_pytorch_model.safetensors"
PROFILE = """
description = "d"
planner = {{ object = "interleavethinker.tools.testing.agents:FixedPlanner" }}
critic = {{ model = "qwen3-vl:interleavethinker.microworld:checkpoints/critic" }}
generator = {{ model = {model} }}
"""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A copy of the micro world's generator."""
    copied = tmp_path / "model"
    shutil.copytree(str(files("interleavethinker.microworld") / "checkpoints" / "generator"), copied)
    return copied


def cut(path: Path) -> None:
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])


def pickled(path: Path) -> None:
    path.unlink()
    path.with_suffix(".bin").write_bytes(b"\x80\x04.")


def with_missing_part(path: Path) -> None:
    path.with_name("model.safetensors.index.json").write_text(json.dumps({"weight_map": {"a": "part-2.safetensors"}}))


DAMAGES: list[tuple[Callable[[Path], object], str]] = [
    (cut, "is cut off: it has"),
    (lambda path: path.write_bytes(b""), "is cut off: it has 0 bytes"),
    (lambda path: path.write_text("version https://git-lfs.github.com/spec/v1\noid sha256:0"), "pointer of Git LFS"),
    (lambda path: path.write_bytes(struct.pack("<Q", 2**60)), "is damaged"),
    (lambda path: path.write_bytes(struct.pack("<Q", 5) + b"hello"), "is damaged"),
    (lambda path: path.with_suffix(".incomplete").write_bytes(b"x"), "download that was interrupted"),
    (lambda path: (path.parents[1] / "model_index.json").write_text('{"_class_name": '), "no valid JSON"),
    (with_missing_part, "names part-2.safetensors, which is missing"),
    (pickled, "pickle format"),
]


@pytest.mark.parametrize(("damage", "said"), DAMAGES)
def test_a_damaged_file_is_named_and_the_remedy_too(
    damage: Callable[[Path], object], said: str, folder: Path, tmp_path: Path
) -> None:
    damage(folder / WEIGHTS)
    problem = damaged_weights(folder)
    assert problem is not None
    assert said in problem
    assert "ownload" in problem or "convert" in problem
    path = tmp_path / "mine.toml"
    path.write_text(PROFILE.format(model=json.dumps(str(folder))))
    profile = load_profile(str(path))
    with pytest.raises(ProfileError, match="The model model cannot be loaded"):
        require_whole_weights(profile)
    found = next(check for check in check_profile(profile) if check.name == "generator")
    assert not found.good
    assert said in found.found


@pytest.mark.parametrize("name", ["generator", "planner", "critic", "one-agent", "adapters/critic-grpo"])
def test_the_shipped_weights_are_whole(name: str) -> None:
    assert damaged_weights(Path(str(files("interleavethinker.microworld") / "checkpoints" / name))) is None
