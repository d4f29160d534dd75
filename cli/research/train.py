"""`interleavethinker train RECIPE`: trains the shipped models from scratch; an interrupted run can be resumed."""

from pathlib import Path
from typing import Annotated

import typer

from interleavethinker.cli.terminal import echo
from interleavethinker.tools.errors import InputError

__all__ = ["train"]


def train(
    recipe: Annotated[str, typer.Argument(help="A shipped recipe (micro-critic-sft, …) or a recipe file.")],
    out: Annotated[Path | None, typer.Option(help="Run folder; by default runs/<recipe>.")] = None,
    stages: Annotated[str, typer.Option(help="micro-generator only: comma-separated stages; by default all.")] = "",
    set_: Annotated[
        list[str] | None,
        typer.Option("--set", help="Planner and critic only: override a value, e.g. arguments.learning_rate=1e-4."),
    ] = None,
    threads: Annotated[int, typer.Option(min=1, help="CPU threads; more than one rarely helps small models.")] = 1,
) -> None:
    """Train a model from a recipe. To resume an interrupted run, repeat the command.

    Finished stages are skipped, and an unfinished one continues from its last
    checkpoint. Progress is printed to the terminal and logged to
    metrics.jsonl in the run folder. Independent stages of the micro generator
    (text and vae; flow and decoder) may run at the same time in two
    terminals, with the same run folder.

    Examples:
    interleavethinker train micro-critic-sft
    interleavethinker train micro-critic-sft --set arguments.learning_rate=1e-4
    """
    from interleavethinker.training.recipe import kind_of, present_recipe_name, recipe_path

    path = recipe_path(recipe)
    root = out or Path("runs") / path.stem
    if present_recipe_name(recipe) == path.stem != recipe:
        echo(f"The recipe {recipe} is now called {path.stem}; its run folder is {root}.", err=True)
    if kind_of(path) == "micro-generator":
        if set_:
            raise InputError("The micro generator's recipe does not support --set; edit a copy of the recipe file.")
        folder = _train_generator(path, root, stages, threads)
    else:
        if stages:
            raise InputError("--stages applies only to the micro generator's recipe.")
        folder = _train_agent(path, root, set_ or [], threads)
    echo(folder)


def _train_generator(path: Path, root: Path, stages: str, threads: int) -> Path:
    from interleavethinker.training.environment import require_train_extra, set_cpu_threads

    require_train_extra("torch", "transformers", "diffusers")
    set_cpu_threads(threads)
    from interleavethinker.training.micro.generator import STAGES, load_recipe, run

    chosen = tuple(name.strip() for name in stages.split(",") if name.strip()) or STAGES
    return run(load_recipe(path), root, chosen)


def _train_agent(path: Path, root: Path, overrides: list[str], threads: int) -> Path:
    from interleavethinker.training.environment import require_train_extra, set_cpu_threads
    from interleavethinker.training.recipe import (
        RestaterRecipe,
        SftRecipe,
        VisionPretrainingRecipe,
        load_training_recipe,
    )

    recipe = load_training_recipe(path, overrides)
    require_train_extra("torch", "transformers")
    set_cpu_threads(threads)
    if isinstance(recipe, VisionPretrainingRecipe):
        require_train_extra("diffusers")
        from interleavethinker.training.micro.vision_pretraining import run_vision_pretraining

        return run_vision_pretraining(recipe, root)
    if isinstance(recipe, RestaterRecipe):
        from interleavethinker.training.micro.restater import run_restater

        return run_restater(recipe, root)
    require_train_extra("trl")
    if isinstance(recipe, SftRecipe):
        from interleavethinker.training.agents.sft import run_sft

        return run_sft(recipe, root)
    from interleavethinker.training.agents.grpo import run_grpo

    return run_grpo(recipe, root)
