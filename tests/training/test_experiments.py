"""Experiments of several trainings: their commands are valid, a stopped run resumes, and folders are not mixed up."""

import json
import re
import threading
from pathlib import Path

import pytest
from typer.testing import CliRunner

from interleavethinker.cli.app import build_app
from interleavethinker.microworld.agents.rewriting import STRATEGIES
from interleavethinker.microworld.language.dialects import DIALECTS, words_of
from interleavethinker.servers.images.backends.other_words import read_words
from interleavethinker.tools.errors import InputError
from interleavethinker.training.experiments import EXPERIMENTS, Size, Stage, run_experiment, stages_of, write_dialects
from interleavethinker.training.recipe import GrpoRecipe, load_training_recipe, recipe_path

from ..docs.command_lines import check_command


@pytest.mark.parametrize("name", EXPERIMENTS)
@pytest.mark.parametrize("size", [Size(), Size.miniature(), Size(data="runs/seeds/data", base="runs/seeds/base/model")])
def test_every_command_of_an_experiment_is_one_that_this_program_has(name: str, size: Size, tmp_path: Path) -> None:
    write_dialects(tmp_path)
    for stage in stages_of(name, tmp_path, size):
        if stage.words[0] == "train":
            overrides = [word for before, word in zip(stage.words, stage.words[1:], strict=False) if before == "--set"]
            load_training_recipe(recipe_path(stage.words[1]), overrides)
        check_command(["interleavethinker", *stage.words])


def test_each_training_seed_and_each_style_has_its_own_runs_and_one_pair(tmp_path: Path) -> None:
    seeds = stages_of("training-seeds", tmp_path, Size(base="runs/mine/model"))
    assert [stage.name for stage in seeds if stage.words[0] == "train"] == [
        f"{kind}-seed-{seed}" for seed in (1001, 1002, 1003) for kind in ("sft", "grpo")
    ]
    styles = stages_of("styles", tmp_path, Size(base="runs/mine/model"))
    pairs = [word for word in styles[-1].words if "=" in word]
    assert len(pairs) == len(STRATEGIES) == len(set(pairs))
    data = {word for stage in styles for word in stage.words if word.startswith("data=")}
    assert data == {f"data={tmp_path / f'data-{style}'}" for style in STRATEGIES}
    for stages in (seeds, styles):
        assert stages[-1].words[-6:-2] == ("--n", "3000", "--seed", "1000")


@pytest.mark.parametrize("name", EXPERIMENTS)
def test_an_experiment_on_the_data_of_another_trains_and_measures_the_same(name: str, tmp_path: Path) -> None:
    other = str(tmp_path / "seeds" / "data")
    own, shared = (stages_of(name, tmp_path, Size(data=data)) for data in (None, other))
    assert (own[0].name, [stage.name for stage in shared]) == ("data", [stage.name for stage in own[1:]])
    for one, two in zip(own[1:], shared, strict=True):
        assert [word.replace(str(tmp_path / "data"), other) for word in one.words if "data-" not in word] == [
            word for word in two.words if "data-" not in word
        ]
    ended: list[str] = []

    def execute(stage: Stage) -> int:
        assert set(stage.needs) <= set(ended)
        ended.append(stage.name)
        return 0

    assert run_experiment(tmp_path / "run", shared, execute) is None
    assert len(ended) == len(shared)


def test_each_critic_learns_on_one_dialect_and_is_measured_on_all(tmp_path: Path) -> None:
    write_dialects(tmp_path)
    stages = {stage.name: stage.words for stage in stages_of("dialects", tmp_path, Size())}
    assert [name for name in stages if name != "data"] == [
        f"{kind}-{dialect}" for kind in ("grpo", "pairs") for dialect in DIALECTS
    ]
    for dialect in DIALECTS:
        overrides = [word for word in stages[f"grpo-{dialect}"] if word.startswith("server=")]
        recipe = load_training_recipe(recipe_path("micro-critic-grpo"), ["data=x", *overrides])
        assert isinstance(recipe, GrpoRecipe)
        tables = [word for word in (*recipe.server, *stages[f"pairs-{dialect}"]) if word.endswith(".toml")]
        wanted = [] if dialect == "trained" else [tmp_path / f"{dialect}.toml"] * 2
        assert [Path(table) for table in tables] == wanted
        assert len([word for word in stages[f"pairs-{dialect}"] if word.startswith("sft=")]) == 3
    assert read_words(tmp_path / "looks.toml") == words_of("looks")


def test_a_stopped_experiment_continues_with_the_stage_that_did_not_end(tmp_path: Path) -> None:
    stages = [Stage(name, ("x", name)) for name in ("a", "b", "c")]
    ran: list[str] = []

    def fails_at_b(stage: Stage) -> int:
        ran.append(stage.name)
        return 3 if stage.name == "b" and ran.count("b") == 1 else 0

    assert run_experiment(tmp_path / "new", stages, fails_at_b) == "b"
    assert run_experiment(tmp_path / "new", stages, fails_at_b) is None
    assert run_experiment(tmp_path / "new", stages, fails_at_b) is None
    assert ran == ["a", "b", "b", "c"]


@pytest.mark.parametrize("name", EXPERIMENTS)
@pytest.mark.parametrize("base", [None, "runs/mine/model"])
def test_a_training_begins_when_its_data_and_its_model_are_there(name: str, base: str | None, tmp_path: Path) -> None:
    ended: list[str] = []
    for stage in stages_of(name, tmp_path, Size(base=base)):
        assert set(stage.needs) <= set(ended)
        made = {f"{tmp_path / one}": one for one in ended}
        read = {word.split("=", 1)[-1].removesuffix("/model") for word in stage.words if "=" in word}
        read |= {word.split("=")[0].removesuffix("/model") for word in stage.words if "=" in word}
        for folder in read & made.keys():
            assert made[folder] in needed(stages_of(name, tmp_path, Size(base=base)), stage.name), stage
        ended.append(stage.name)
    assert ("base" in ended) == (base is None and name != "dialects")


def needed(stages: list[Stage], name: str) -> set[str]:
    """Returns all stages that have ended when a stage begins, however many run side by side."""
    before = {stage.name: stage.needs for stage in stages}
    direct = set(before[name])
    return direct | {further for one in direct for further in needed(stages, one)}


def test_stages_run_side_by_side_but_none_before_those_that_it_needs(tmp_path: Path) -> None:
    stages = [Stage("a", ("x",)), *(Stage(name, (name,), ("a",)) for name in "bcd"), Stage("e", ("e",), ("b", "c"))]
    both = threading.Barrier(2)
    ran: list[str] = []

    def execute(stage: Stage) -> int:
        ran.append(stage.name)  # At once: `d` may begin as soon as one of the two has ended.
        if stage.name in "bc":
            both.wait(timeout=60)  # Passed only if both run at once.
        return int(stage.name == "d")

    assert run_experiment(tmp_path, stages, execute, at_once=2) == "d"
    assert (ran[0], set(ran[1:3])) == ("a", {"b", "c"})
    assert json.loads((tmp_path / "done.json").read_text()).keys() >= {"a", "b", "c"}
    assert run_experiment(tmp_path, stages, lambda _: 0, at_once=2) is None


def test_a_folder_of_another_experiment_is_refused_before_anything_runs(tmp_path: Path) -> None:
    run_experiment(tmp_path, [Stage("a", ("x", "1"))], lambda _: 0)
    for other in ([Stage("a", ("x", "2"))], [Stage("b", ("x", "1"))]):
        with pytest.raises(InputError, match="Name a new folder"):
            run_experiment(tmp_path, other, lambda _: pytest.fail("nothing may run"))
    with pytest.raises(InputError, match="Unknown experiment 'more'; choose one of training-seeds, styles, dialects"):
        stages_of("more", tmp_path, Size())


def test_a_dry_run_prints_the_commands(tmp_path: Path) -> None:
    words = ["experiment", "styles", "--dry-run", "--out", str(tmp_path / "s")]
    result = CliRunner().invoke(build_app(words), words)
    assert result.exit_code == 0
    lines = result.stdout.splitlines()
    assert len(lines) == 2 + 2 * 6 + 2 * 6 + 1
    assert all(re.match(r"interleavethinker (data|train|evaluate) ", line) for line in lines)
    assert not (tmp_path / "s").exists()
