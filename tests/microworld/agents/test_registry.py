"""The registry of trained agents: which weights are installed, and the errors for missing ones."""

from pathlib import Path

import pytest

from interleavethinker.microworld.agents.registry import CRITICS, PLANNERS, AgentWeights, available, weights_of
from interleavethinker.tools.errors import ModelError


@pytest.fixture
def agents(tmp_path: Path) -> dict[str, AgentWeights]:
    for name, file in (("base", "config.json"), ("tuned", "adapter_config.json")):
        (tmp_path / name).mkdir()
        (tmp_path / name / file).write_text("{}", encoding="utf-8")
        (tmp_path / name / "model.safetensors").touch()
    (tmp_path / "begun").mkdir()
    (tmp_path / "begun" / "config.json").write_text("{}", encoding="utf-8")
    base = f"qwen3-vl:{tmp_path / 'base'}"
    return {
        "plain": AgentWeights("plain", base),
        "tuned": AgentWeights("tuned", base, str(tmp_path / "tuned")),
        "lost": AgentWeights("lost", base, str(tmp_path / "nowhere")),
        "baseless": AgentWeights("baseless", f"qwen3-vl:{tmp_path / 'none'}"),
        "begun": AgentWeights("begun", f"qwen3-vl:{tmp_path / 'begun'}"),
    }


def test_only_complete_weights_count_as_installed(agents: dict[str, AgentWeights]) -> None:
    assert list(available(agents)) == ["plain", "tuned"]
    assert weights_of(agents, "tuned").options == {"adapter": agents["tuned"].adapter}
    assert weights_of(agents, "plain").options == {}


def test_missing_weights_are_an_error_that_names_their_folder_and_the_installed_ones(
    agents: dict[str, AgentWeights],
) -> None:
    with pytest.raises(ModelError, match=r"nowhere is missing or incomplete\. Installed: plain, tuned\."):
        weights_of(agents, "lost")
    with pytest.raises(ModelError, match="none is missing or incomplete"):
        weights_of(agents, "baseless")


def test_the_error_for_an_unknown_name_lists_the_known_ones(agents: dict[str, AgentWeights]) -> None:
    expected = "Unknown model 'other'; expected a folder with weights, or one of plain, tuned, lost, baseless, begun"
    with pytest.raises(ModelError, match=expected):
        weights_of(agents, "other")


def test_seeds_of_a_variant_differ_and_weights_are_in_the_package_or_a_recipes_run_folder() -> None:
    trained = [(one.variant, one.seed) for one in CRITICS.values()]
    assert len(set(trained)) == len(trained)
    places = ("qwen3-vl:interleavethinker.microworld:checkpoints/", "qwen3-vl:runs/micro-critic-")
    assert all(one.model.startswith(places) for one in (*PLANNERS.values(), *CRITICS.values()))
