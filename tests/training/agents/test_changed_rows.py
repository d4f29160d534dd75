"""A run that is repeated trains on the rows that it began with, or not at all."""

import shutil
from pathlib import Path

import pytest

from interleavethinker.tools.errors import InterleaveError
from interleavethinker.training.agents.grpo import run_grpo
from interleavethinker.training.agents.sft import run_sft
from interleavethinker.training.recipe import GrpoRecipe, SftRecipe, load_training_recipe, recipe_path

from ..conftest import Made

pytest.importorskip("trl", reason="needs the train extra")


def run(name: str, data: Path, root: Path) -> str:
    """Begins a run, which ends where its model is loaded, or before; returns why."""
    overrides = [f"data={data}", f"model={root / 'nowhere'}", "arguments.use_cpu=true", "arguments.bf16=false"]
    recipe = load_training_recipe(recipe_path(name), overrides)
    try:
        if isinstance(recipe, GrpoRecipe):
            run_grpo(recipe, root)
        else:
            assert isinstance(recipe, SftRecipe)
            run_sft(recipe, root)
    except InterleaveError as error:
        return str(error)
    raise AssertionError


@pytest.mark.parametrize(("name", "rows"), [("micro-critic-sft", "critic_sft"), ("micro-critic-grpo", "critic_rl")])
def test_a_run_whose_rows_have_changed_since_it_began_is_refused(
    made: Made, tmp_path: Path, name: str, rows: str
) -> None:
    data = tmp_path / "data"
    shutil.copytree(made.folder.root, data)
    assert "rows of the data set" not in run(name, data, tmp_path / "run")
    assert "rows of the data set" not in run(name, data, tmp_path / "run")
    file = data / f"{rows}.jsonl"
    lines = file.read_text().splitlines(keepends=True)
    file.write_text("".join([*lines[1:], lines[0]]))
    assert run(name, data, tmp_path / "run").startswith("The rows of the data set have changed since")
    assert "rows of the data set" not in run(name, data, tmp_path / "another")
