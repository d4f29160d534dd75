"""`interleavethinker train RECIPE`: trains what ships, from nothing, resumable after a kill."""

from pathlib import Path
from typing import Annotated

import typer

from interleavethinker.tools.errors import InputError

__all__ = ["train"]


def train(
    recipe: Annotated[str, typer.Argument(help="Name of a shipped recipe (micro-generator) or a recipe file.")],
    out: Annotated[Path | None, typer.Option(help="Run folder; by default runs/<recipe>.")] = None,
    stages: Annotated[str, typer.Option(help="Comma-separated stages to run; by default all, in order.")] = "",
    threads: Annotated[int, typer.Option(min=1, help="CPU threads; more than one rarely pays for small models.")] = 1,
) -> None:
    """Train what ships. Run the same command again after a kill: complete stages are skipped, others resumed.

    Progress goes to the terminal and to metrics.jsonl in the run folder. Stages that do not need each other (text and
    vae; flow and decoder) may run at the same time from two terminals, on the same run folder.
    """
    from importlib.resources import files

    path = Path(recipe)
    if not path.is_file():
        path = Path(str(files("interleavethinker.training").joinpath("recipes", f"{recipe}.toml")))
    if not path.is_file():
        known = sorted(entry.stem for entry in path.parent.glob("*.toml"))
        msg = f"RECIPE must be a recipe file or one of {', '.join(known)}; found {recipe!r}"
        raise InputError(msg)

    import torch

    from interleavethinker.training.micro_generator import STAGES, load_recipe, run

    torch.set_num_threads(threads)
    chosen = tuple(name.strip() for name in stages.split(",") if name.strip()) or STAGES
    folder = run(load_recipe(path), out or Path("runs") / path.stem, chosen)
    typer.echo(folder)
