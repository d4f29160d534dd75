"""Pre-trains the vision tower of the micro Qwen3-VL before any language training.

Each merged visual token covers one cell. Linear probes, which exist only during training, predict the cell's content
and image quality from it. Half of the images are rendered crowded scenes. The others come from the data set's
generators and are labeled by the scorer's reader, so that the tower knows generators' artifacts. A language model that
starts from such tokens can spend its training on judging: captions alone had not taught it kinds of objects after 400
steps.
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
from interleavethinker.training.data.folder import DataFolder
from interleavethinker.training.loop import RunFolder, Stage, muon_adamw, run_stage
from interleavethinker.training.recipe import VisionPretrainingRecipe, save_recipe

from .vae import cell_labels, crowded_scene
from .vlm import make_micro_qwen

__all__ = ["run_vision_pretraining"]

_PROBES = {
    "place": CELLS,
    "background": len(BACKGROUNDS),
    "kind": len(KINDS) + 1,
    "colour": len(COLOURS),
    "size": len(SIZES),
    "variant": VARIANTS,
}
"""The probes on a visual token, and their numbers of classes. Rotary positions are relative, so a language model can
find a place only if the token itself encodes it."""
_FEATURE_RMS = 0.5
"""Root mean square of the features that the language model gets. The probes make features far too large for it."""


def run_vision_pretraining(recipe: VisionPretrainingRecipe, root: Path) -> Path:
    """Runs or resumes a recipe; returns the folder of a model whose vision tower alone is trained.

    Raises:
        InputError: The data folder has no scored training attempts.
    """
    from transformers import Qwen3VLForConditionalGeneration

    generator_images = _generator_images(recipe)  # first, so that a run without data leaves no folder behind
    save_recipe(recipe, root)
    _rename_old_checkpoint(root)
    folder = RunFolder(root)
    start = root / "start"
    if not (start / "tokenizer_config.json").is_file():  # the last file written: an incomplete folder is made again
        make_micro_qwen(vocabulary_of(recipe), start, recipe.seed)
    model = Qwen3VLForConditionalGeneration.from_pretrained(start, dtype=torch.float32)
    processor = load_processor(start)
    tower = _ProbedVisionTower(model.model.visual, model.config.vision_config.out_hidden_size)
    stage = Stage(recipe.kind, recipe.steps, recipe.learning_rate, recipe.seed, save_every=200)

    def loss(rng: np.random.Generator) -> tuple[torch.Tensor, dict[str, float]]:
        scenes = [crowded_scene(rng) for _ in range(recipe.batch // 2)]
        chosen = [
            generator_images[index] for index in rng.integers(len(generator_images), size=recipe.batch - len(scenes))
        ]
        images = [to_image(render_scene(scene)) for scene in scenes] + [image for image, _ in chosen]
        readings = [None] * len(scenes) + [reading for _, reading in chosen]
        truth = cell_labels([*scenes, *(reading.scene for _, reading in chosen)])
        truth["place"] = torch.arange(CELLS).repeat(recipe.batch)
        clean = torch.tensor([(10.0,) * CELLS if one is None else cell_qualities(one) for one in readings]).flatten()
        total = torch.zeros(())
        numbers: dict[str, float] = {}
        inputs = processor.image_processor(images=images, return_tensors="pt")
        for logits, quality in tower(inputs["pixel_values"], inputs["image_grid_thw"]):
            named = [functional.cross_entropy(logits[name], truth[name]) for name in _PROBES]
            total = total + torch.stack(named).sum() + functional.smooth_l1_loss(quality, clean / 10)
            for name in ("place", "kind", "colour", "variant"):
                labelled = truth[name] >= 0
                numbers[name] = (logits[name].argmax(-1) == truth[name])[labelled].float().mean().item()
        return total, numbers

    run_stage(stage, folder, tower, muon_adamw(tower, recipe.learning_rate, recipe.learning_rate), loss)
    _rescale_features(model.model.visual, processor, [image for image, _ in generator_images[:64]])
    target = root / "model"
    model.save_pretrained(target)
    processor.save_pretrained(target)
    return target


def _rename_old_checkpoint(root: Path) -> None:
    """Lets a run resume that was interrupted when the recipe was still called `micro-sight`."""
    old, new = root / "sight.pt", root / "vision-pretraining.pt"
    if old.is_file() and not new.exists():
        old.rename(new)


class _ProbedVisionTower(nn.Module):
    """A vision tower with probes on everything that the language model gets: its last and its deepstack features."""

    def __init__(self, visual: nn.Module, width: int) -> None:
        super().__init__()
        self.visual = visual
        outputs = 1 + len(visual.config.deepstack_visual_indexes)  # type: ignore[union-attr, arg-type]
        self.probes = nn.ModuleList(
            nn.ModuleDict({name: nn.Linear(width, answers) for name, answers in [*_PROBES.items(), ("clean", 1)]})
            for _ in range(outputs)
        )

    def forward(self, pixels: torch.Tensor, grid: torch.Tensor) -> list[tuple[dict[str, torch.Tensor], torch.Tensor]]:
        """Returns, per output, the probes' logits (n * 9, classes) and the predicted quality (n * 9,), 1 for clean."""
        seen: Any = self.visual(pixels, grid_thw=grid)
        answers = []
        for features, probes in zip([seen.pooler_output, *seen.deepstack_features], self.probes, strict=True):
            assert isinstance(probes, nn.ModuleDict)  # noqa: S101 - made above
            logits = {name: probes[name](features) for name in _PROBES}
            answers.append((logits, probes["clean"](features).squeeze(-1)))
        return answers


@torch.no_grad()
def _rescale_features(visual: nn.Module, processor: Any, images: Sequence[Image.Image]) -> None:
    """Scales the last layer of every merger so that its features have the root mean square `_FEATURE_RMS`."""
    inputs = processor.image_processor(images=list(images), return_tensors="pt")
    seen: Any = visual(inputs["pixel_values"], grid_thw=inputs["image_grid_thw"])
    mergers = [visual.merger, *visual.deepstack_merger_list]  # type: ignore[misc]
    for merger, features in zip(mergers, [seen.pooler_output, *seen.deepstack_features], strict=True):
        scale = _FEATURE_RMS / features.pow(2).mean().sqrt()
        merger.linear_fc2.weight.mul_(scale)
        merger.linear_fc2.bias.mul_(scale)


def _generator_images(recipe: VisionPretrainingRecipe) -> list[tuple[Image.Image, Reading]]:
    """Images that the generators made for training requests, with the scorer's readings of them."""
    folder = DataFolder(recipe.data)
    names = sorted({row.case.image for row in folder.scored if row.split == "train"})[: recipe.images]
    if not names:
        msg = f"{recipe.data} has no scored training attempts. Make them: interleavethinker data --help"
        raise InputError(msg)
    images = [open_rgb(folder.store.get(name)) for name in names]
    return list(zip(images, read_all(images), strict=True))
