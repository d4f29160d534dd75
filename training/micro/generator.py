"""The recipe `micro-generator`: all training stages of the shipped image generator, and the folder that ships.

Stages: `text` and `vae` need nothing; `tiles` needs `vae`; `flow` needs `text` and `tiles`; `decoder` needs `tiles`;
`assemble` needs all of them. A finished stage is skipped and an interrupted one resumed, so the command can simply be
repeated. The result loads with the stock `Flux2KleinPipeline.from_pretrained`.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated

import numpy as np
import torch
from diffusers import AutoencoderKLFlux2, FlowMatchEulerDiscreteScheduler, Flux2KleinPipeline
from pydantic import ConfigDict, Field
from transformers import Qwen2Tokenizer, Qwen3ForCausalLM

from interleavethinker.microworld.scenes.sprites import IMAGE_SIZE
from interleavethinker.tools.errors import InputError
from interleavethinker.tools.strict_numbers import StrictNumbers
from interleavethinker.tools.structured_text import parse_toml
from interleavethinker.training.loop import RunFolder, Stage
from interleavethinker.training.recipe import save_recipe

from .decoder import train_decoder
from .text_encoder import (
    LAYERS,
    SEQUENCE,
    ProbedTextEncoder,
    make_text_encoder,
    make_tokenizer,
    random_task,
    train_text_encoder,
)
from .transformer import STEPS, FlowData, TileTable, make_transformer, tile_table, train_flow
from .vae import ProbedVae, make_vae, set_latent_statistics, train_vae

__all__ = ["STAGES", "GeneratorRecipe", "load_recipe", "run"]

STAGES = ("vae", "text", "tiles", "flow", "decoder", "assemble")
"""The stages, in the order in which they run."""

_Positive = Annotated[int, Field(gt=0)]
_Rate = Annotated[float, Field(gt=0, lt=1)]


class _Part(StrictNumbers):
    model_config = ConfigDict(frozen=True, extra="forbid")


class Training(_Part):
    """Length and learning rate of one stage."""

    steps: _Positive
    learning_rate: _Rate
    batch: _Positive

    def stage(self, name: str, seed: int) -> Stage:
        """Returns the stage for the training loop."""
        return Stage(name, self.steps, self.learning_rate, seed=seed * 100 + STAGES.index(name) + 1)


class NoisyTraining(Training):
    """A stage that adds noise to latents."""

    noise: Annotated[float, Field(ge=0, le=1)]


class FlowTraining(Training):
    """The flow-matching stage."""

    edits: Annotated[float, Field(gt=0, lt=1)]
    """Share of edits in a batch."""
    compiled: bool = False
    """Use `torch.compile`; needs a C++ compiler."""


class Tiles(_Part):
    """The tile table."""

    rounds: _Positive
    """Images in which each tile appears at least, for every cell and background."""


class GeneratorRecipe(_Part):
    """Everything that determines the weights."""

    seed: Annotated[int, Field(ge=0, lt=10_000)]
    """Below 10,000, so that the stages' seeds stay below those of held-out samples."""
    text: Training
    vae: NoisyTraining
    tiles: Tiles
    flow: FlowTraining
    decoder: NoisyTraining


def load_recipe(path: Path) -> GeneratorRecipe:
    """Reads a recipe file.

    Raises:
        InputError: The file is not valid TOML or not a valid recipe.
    """
    try:
        return GeneratorRecipe.model_validate(parse_toml(path.read_text(encoding="utf-8")))
    except ValueError as error:
        msg = f"{path.name} is not a valid micro-generator recipe: {error}"
        raise InputError(msg) from error


def run(recipe: GeneratorRecipe, root: Path, stages: Sequence[str] = STAGES) -> Path:
    """Runs the given stages in order; returns the folder of the assembled pipeline, or else the run folder.

    Raises:
        InputError: A stage is unknown, or it needs a stage that has not been run.
    """
    unknown = [name for name in stages if name not in STAGES]
    if unknown:
        msg = f"Unknown stages: {', '.join(unknown)}. The stages are {', '.join(STAGES)}."
        raise InputError(msg)
    this_run = _Run(recipe, RunFolder(root))
    for name in STAGES:
        if name in stages:
            torch.manual_seed(recipe.seed)
            getattr(this_run, name)()
    return root / "generator" if "assemble" in stages else root


class _Run:
    """One run: each method is a stage, which builds its module, trains or restores it, and saves a checkpoint."""

    def __init__(self, recipe: GeneratorRecipe, folder: RunFolder) -> None:
        self.recipe = recipe
        self.folder = folder
        save_recipe(recipe, folder.root)

    def text(self) -> None:
        rng = np.random.default_rng(self.recipe.seed)
        tokenizer = make_tokenizer([random_task(rng).text for _ in range(20_000)])
        tokenizer.save_pretrained(self.folder.root / "tokenizer")
        settings = self.recipe.text
        reader = ProbedTextEncoder(make_text_encoder(tokenizer))
        train_text_encoder(
            reader, tokenizer, settings.stage("text", self.recipe.seed), self.folder, batch=settings.batch
        )

    def vae(self) -> None:
        settings = self.recipe.vae
        stage = settings.stage("vae", self.recipe.seed)
        train_vae(make_vae(), stage, self.folder, batch=settings.batch, noise=settings.noise)

    def tiles(self) -> None:
        vae = self._trained_vae()
        set_latent_statistics(vae, seed=self.recipe.seed)
        self.folder.save("settled.pt", {"vae": vae.state_dict()})
        self._table(vae)

    def flow(self) -> None:
        settings = self.recipe.flow
        tokenizer, encoder = self._trained_text()
        data = FlowData(self._table(self._normalised_vae()), tokenizer, encoder)
        stage = settings.stage("flow", self.recipe.seed)
        train_flow(
            make_transformer(),
            data,
            stage,
            self.folder,
            batch=settings.batch,
            edits=settings.edits,
            compiled=settings.compiled,
        )

    def decoder(self) -> None:
        settings, vae = self.recipe.decoder, self._normalised_vae()
        stage = settings.stage("decoder", self.recipe.seed)
        train_decoder(vae, self._table(vae), stage, self.folder, batch=settings.batch, noise=settings.noise)

    def assemble(self) -> None:
        tokenizer, encoder = self._trained_text()
        vae, transformer = self._normalised_vae(), make_transformer()
        vae.decoder.load_state_dict(self._module("decoder"))
        transformer.load_state_dict(self._module("flow"))
        scheduler = FlowMatchEulerDiscreteScheduler(shift=1.0, use_dynamic_shifting=False)
        pipeline = Flux2KleinPipeline(scheduler, vae, encoder, tokenizer, transformer, is_distilled=True)
        target = self.folder.root / "generator"
        # half precision on disk halves the size
        pipeline.to(torch.float16).save_pretrained(target)
        _run_in_single_precision(target / "text_encoder" / "config.json")
        arguments = {
            "width": IMAGE_SIZE,
            "height": IMAGE_SIZE,
            "num_inference_steps": STEPS,
            "guidance_scale": 1.0,
            "max_sequence_length": SEQUENCE,
            "text_encoder_out_layers": list(LAYERS),
            "device": "cpu",  # padded positions attend to nothing, which gives zeros only on a CPU
            "threads": 1,
        }
        (target / "call_arguments.json").write_text(json.dumps(arguments, indent=2) + "\n")
        self.folder.console.print(f"Assembled {target}")

    def _module(self, stage: str) -> dict[str, torch.Tensor]:
        state = self.folder.load(f"{stage}.pt")
        if state is None:
            msg = f"{self.folder.root.name} has no {stage}.pt; run stage {stage!r} first"
            raise InputError(msg)
        return state["module"]  # type: ignore[return-value]

    def _trained_text(self) -> tuple[Qwen2Tokenizer, Qwen3ForCausalLM]:
        saved = self._module("text")
        tokenizer = Qwen2Tokenizer.from_pretrained(self.folder.root / "tokenizer")
        reader = ProbedTextEncoder(make_text_encoder(tokenizer))
        reader.load_state_dict(saved)
        return tokenizer, reader.encoder.eval().requires_grad_(False)

    def _trained_vae(self) -> AutoencoderKLFlux2:
        probed = ProbedVae(make_vae())
        probed.load_state_dict(self._module("vae"))
        return probed.vae.eval()

    def _normalised_vae(self) -> AutoencoderKLFlux2:
        saved = self.folder.load("settled.pt")
        if saved is None:
            msg = f"{self.folder.root.name} has no settled.pt; run stage 'tiles' first"
            raise InputError(msg)
        vae = make_vae()
        vae.load_state_dict(saved["vae"])
        return vae.eval()

    def _table(self, vae: AutoencoderKLFlux2) -> TileTable:
        return tile_table(vae, self.folder, seed=self.recipe.seed, rounds=self.recipe.tiles.rounds)


def _run_in_single_precision(config: Path) -> None:
    """Makes transformers load the text encoder in single precision, as diffusers loads the other models."""
    settings = {**json.loads(config.read_text(encoding="utf-8")), "dtype": "float32"}
    config.write_text(json.dumps(settings, indent=2) + "\n", encoding="utf-8")
