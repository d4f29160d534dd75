"""The profile of the paper's checkpoints: what the user must supply, and whether it fits."""

import json
import struct
from pathlib import Path

from interleavethinker.graph.profiles.checks import check_profile
from interleavethinker.graph.profiles.profile import load_profile

PLANNER = 'Answer with {"execution_plan": []}.'
CRITIC = 'Was {{original_prompt}} met by {{prompt}}? {"previous_step_success": true, "refine_prompt": ""}'


def supplied(folder: Path, **changed: str) -> Path:
    """Writes weights, prompts and a copy of the profile that names them."""
    for name in ("Planner-8B", "Critic-8B"):
        (folder / name).mkdir()
        config = {"model_type": "qwen3_vl", "text_config": {"hidden_size": 4096}}
        (folder / name / "config.json").write_text(json.dumps(config))
        (folder / name / "model.safetensors").write_bytes(struct.pack("<Q", 2) + b"{}")
    prompts = {"planner_text": PLANNER, "planner_interleaved": PLANNER, "critic": CRITIC} | changed
    (folder / "prompts").mkdir()
    for name, text in prompts.items():
        (folder / "prompts" / f"{name}.md").write_text(text)
    shipped = Path(load_profile.__code__.co_filename).with_name("released.toml").read_text()
    (folder / "mine.toml").write_text(shipped.replace("/path/to", str(folder)))
    return folder / "mine.toml"


def problems(path: str) -> dict[str, str]:
    return {check.name: check.found for check in check_profile(load_profile(path)) if not check.good}


def test_the_shipped_profile_says_what_is_missing() -> None:
    found = problems("released")
    assert set(found) >= {"planner", "critic", "planner prompts", "critic prompts"}
    assert "critic.md" in found["critic prompts"]
    assert "You supply both" in load_profile("released").notice


def test_fitting_weights_and_prompts_pass(tmp_path: Path) -> None:
    assert not problems(str(supplied(tmp_path))).keys() - {"generator"}


def test_prompts_for_another_role_or_form_are_found(tmp_path: Path) -> None:
    found = problems(str(supplied(tmp_path, critic="Is {{prompt}} right?", planner_text="Plan it.")))
    assert "{{original_prompt}}, previous_step_success, refine_prompt" in found["critic prompts"]
    assert "planner_text.md lacks execution_plan" in found["planner prompts"]


def test_weights_of_another_architecture_are_found(tmp_path: Path) -> None:
    path = supplied(tmp_path)
    (tmp_path / "Critic-8B" / "config.json").write_text('{"model_type": "llama"}')
    (tmp_path / "Planner-8B" / "model.safetensors").unlink()
    found = problems(str(path))
    assert "'llama', not of 'qwen3_vl'" in found["critic"]
    assert "has no weights" in found["planner"]


def test_the_micro_worlds_own_prompts_and_weights_pass() -> None:
    assert not problems("micro")
