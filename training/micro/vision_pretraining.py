"""How the micro Qwen3-VL learns to see, before it learns to speak: its vision tower names what each cell holds.

A merged visual token covers one cell. Linear probes ask it for the cell's content and how cleanly it is drawn; they
live only during training. Half of the pictures are rendered and crowded, the others the generators' own, read back by
table look-up, so that blots and smears are known from the start. A language model that begins on such tokens spends its
time on judging: captions alone had not taught it kinds after 400 steps.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
from PIL import Image
from torch import nn
from torch.nn import functional

from interleavethinker.microworld.scenes.reader import Reading, read_all
from interleavethinker.microworld.scenes.scene import CELLS, to_image
from interleavethinker.microworld.scenes.scene import render as render_scene
from interleavethinker.microworld.scenes.sprites import BACKGROUNDS, COLOURS, KINDS, SIZES, VARIANTS
from interleavethinker.microworld.scoring.scorer import cell_qualities
from interleavethinker.tools.errors import InputError
from interleavethinker.tools.images.png import open_rgb
from interleavethinker.tools.qwen3vl.processor import load_processor
from interleavethinker.training.agents.sft import vocabulary_of
from interleavethinker.training.data.schema import DataFolder
from interleavethinker.training.loop import RunFolder, Stage, muon_adamw, run_stage
from interleavethinker.training.recipe import SightRecipe, save_recipe

from .vae import cell_labels, dense_scene
from .vlm import make_micro_qwen

__all__ = ["run_sight"]

_PROBES = {
    "place": CELLS,
    "background": len(BACKGROUNDS),
    "kind": len(KINDS) + 1,
    "colour": len(COLOURS),
    "size": len(SIZES),
    "variant": VARIANTS,
}
"""What a visual token is asked, and how many answers there are. Rotary positions are relative, so a language model can
look a place up only if the token itself says where it is."""
_LOUDNESS = 0.5
"""Root mean square of what the language model gets. Probes make features so large that no layer could add to them."""


def run_sight(recipe: SightRecipe, root: Path) -> Path:
    """Runs or resumes a recipe; returns the folder of a model that sees and cannot speak yet.

    Raises:
        InputError: The data folder holds no scored training attempts.
    """
    from transformers import Qwen3VLForConditionalGeneration

    save_recipe(recipe, root)
    folder = RunFolder(root)
    start = root / "start"
    if not (start / "tokenizer_config.json").is_file():  # Written last: a torn folder is made again.
        make_micro_qwen(vocabulary_of(recipe), start, recipe.seed)
    model = Qwen3VLForConditionalGeneration.from_pretrained(start, dtype=torch.float32)
    processor = load_processor(start)
    seer = _Seer(model.model.visual, model.config.vision_config.out_hidden_size)
    album = _album(recipe)
    stage = Stage("sight", recipe.steps, recipe.learning_rate, recipe.seed, save_every=200)

    def loss(rng: np.random.Generator) -> tuple[torch.Tensor, dict[str, float]]:
        scenes = [dense_scene(rng) for _ in range(recipe.batch // 2)]
        chosen = [album[index] for index in rng.integers(len(album), size=recipe.batch - len(scenes))]
        pictures = [to_image(render_scene(scene)) for scene in scenes] + [image for image, _ in chosen]
        readings = [None] * len(scenes) + [reading for _, reading in chosen]
        truth = cell_labels([*scenes, *(reading.scene for _, reading in chosen)])
        truth["place"] = torch.arange(CELLS).repeat(recipe.batch)
        clean = torch.tensor([(10.0,) * CELLS if one is None else cell_qualities(one) for one in readings]).flatten()
        total = torch.zeros(())
        numbers: dict[str, float] = {}
        inputs = processor.image_processor(images=pictures, return_tensors="pt")
        for logits, looks in seer(inputs["pixel_values"], inputs["image_grid_thw"]):
            named = [functional.cross_entropy(logits[name], truth[name]) for name in _PROBES]
            total = total + torch.stack(named).sum() + functional.smooth_l1_loss(looks, clean / 10)
            for name in ("place", "kind", "colour", "variant"):
                asked = truth[name] >= 0
                numbers[name] = (logits[name].argmax(-1) == truth[name])[asked].float().mean().item()
        return total, numbers

    run_stage(stage, folder, seer, muon_adamw(seer, recipe.learning_rate, recipe.learning_rate), loss)
    _soften(model.model.visual, processor, [image for image, _ in album[:64]])
    target = root / "model"
    model.save_pretrained(target)
    processor.save_pretrained(target)
    return target


class _Seer(nn.Module):
    """A vision tower with probes on all that it gives to the language model: its last and its deepstack features."""

    def __init__(self, visual: nn.Module, width: int) -> None:
        super().__init__()
        self.visual = visual
        outputs = 1 + len(visual.config.deepstack_visual_indexes)  # type: ignore[union-attr, arg-type]
        self.probes = nn.ModuleList(
            nn.ModuleDict({name: nn.Linear(width, answers) for name, answers in [*_PROBES.items(), ("clean", 1)]})
            for _ in range(outputs)
        )

    def forward(self, pixels: torch.Tensor, grid: torch.Tensor) -> list[tuple[dict[str, torch.Tensor], torch.Tensor]]:
        """For each output, the probes' logits (n * 9, answers) and the predicted cleanliness (n * 9,), 1 for clean."""
        seen: Any = self.visual(pixels, grid_thw=grid)
        answers = []
        for features, probes in zip([seen.pooler_output, *seen.deepstack_features], self.probes, strict=True):
            assert isinstance(probes, nn.ModuleDict)  # noqa: S101 - made above
            logits = {name: probes[name](features) for name in _PROBES}
            answers.append((logits, probes["clean"](features).squeeze(-1)))
        return answers


@torch.no_grad()
def _soften(visual: nn.Module, processor: Any, pictures: Sequence[Image.Image]) -> None:
    """Scales the last layer of every merger such that its features have the wanted size."""
    inputs = processor.image_processor(images=list(pictures), return_tensors="pt")
    seen: Any = visual(inputs["pixel_values"], grid_thw=inputs["image_grid_thw"])
    mergers = [visual.merger, *visual.deepstack_merger_list]  # type: ignore[misc]
    for merger, features in zip(mergers, [seen.pooler_output, *seen.deepstack_features], strict=True):
        scale = _LOUDNESS / features.pow(2).mean().sqrt()
        merger.linear_fc2.weight.mul_(scale)
        merger.linear_fc2.bias.mul_(scale)


def _album(recipe: SightRecipe) -> list[tuple[Image.Image, Reading]]:
    """Pictures that the generators have made for training requests, with what they show."""
    folder = DataFolder(recipe.data)
    names = sorted({row.case.image for row in folder.scored if row.split == "train"})[: recipe.pictures]
    if not names:
        msg = (
            f"{recipe.data} must hold scored training attempts; it has none. Make them: interleavethinker data --help."
        )
        raise InputError(msg)
    pictures = [open_rgb(folder.store.get(name)) for name in names]
    return list(zip(pictures, read_all(pictures), strict=True))
