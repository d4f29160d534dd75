"""`interleavethinker train RECIPE`: trains what ships, from nothing, resumable after a kill."""

from pathlib import Path
from typing import Annotated

import typer

from interleavethinker.tools.errors import InputError

__all__ = ["train"]


def train(
    recipe: Annotated[str, typer.Argument(help="Name of a shipped recipe (micro-critic-sft, …) or a recipe file.")],
    out: Annotated[Path | None, typer.Option(help="Run folder; by default runs/<recipe>.")] = None,
    stages: Annotated[str, typer.Option(help="micro-generator only: comma-separated stages; by default all.")] = "",
    set_: Annotated[
        list[str] | None,
        typer.Option("--set", help="Planner and critic only: change a value, like arguments.learning_rate=1e-4."),
    ] = None,
    threads: Annotated[int, typer.Option(min=1, help="CPU threads; more than one rarely pays for small models.")] = 1,
) -> None:
    """Train what ships. Run the same command again after a kill: complete stages are skipped, others resumed.

    Progress goes to the terminal and to metrics.jsonl in the run folder. Stages of the micro generator that do not need
    each other (text and vae; flow and decoder) may run at the same time from two terminals, on the same run folder.
    """
    from interleavethinker.training.recipe import kind_of, recipe_path

    path = recipe_path(recipe)
    root = out or Path("runs") / path.stem
    kind = kind_of(path)
    if kind == "micro-generator":
        if set_:
            raise InputError("The micro generator's recipe takes no --set; copy the recipe file and change it there.")
        folder = _train_generator(path, root, stages, threads)
    else:
        if stages:
            raise InputError("Only the micro generator is trained in stages; leave --stages out.")
        folder = _train_agent(path, root, set_ or [], threads)
    typer.echo(folder)


def _train_generator(path: Path, root: Path, stages: str, threads: int) -> Path:
    import torch

    from interleavethinker.training.micro.generator import STAGES, load_recipe, run

    torch.set_num_threads(threads)
    chosen = tuple(name.strip() for name in stages.split(",") if name.strip()) or STAGES
    return run(load_recipe(path), root, chosen)


def _train_agent(path: Path, root: Path, overrides: list[str], threads: int) -> Path:
    from interleavethinker.training.recipe import SftRecipe, SightRecipe, load_training_recipe

    recipe = load_training_recipe(path, overrides)
    import torch

    torch.set_num_threads(threads)
    if isinstance(recipe, SightRecipe):
        from interleavethinker.training.micro.vision_pretraining import run_sight

        return run_sight(recipe, root)
    if isinstance(recipe, SftRecipe):
        from interleavethinker.training.agents.sft import run_sft

        return run_sft(recipe, root)
    from interleavethinker.training.agents.grpo import run_grpo

    return run_grpo(recipe, root)
