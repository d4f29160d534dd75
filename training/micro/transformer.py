"""Stage 3 of the micro generator: the transformer, a small `Flux2Transformer2DModel`, by rectified flow matching.

Training scenes are not rendered and encoded. A table holds the latent of every possible tile (background, cell,
object), averaged over images that contain it, so the number of training scenes is unlimited and costs nothing. Batches
mix text-to-image and edits, and all kinds of edit are equally frequent. The text encoder is used only as a frozen
function.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise, product

import numpy as np
import torch
from diffusers import AutoencoderKLFlux2, Flux2Transformer2DModel
from transformers import Qwen2Tokenizer, Qwen3ForCausalLM

from interleavethinker.microworld.language.templates import EDIT_KINDS, CellTarget, Task, edit_task, generation_task
from interleavethinker.microworld.scenes.scene import CELLS, MAX_OBJECTS, Scene, SceneObject, random_scene
from interleavethinker.microworld.scenes.sprites import BACKGROUNDS, COLOURS, KINDS, OFFSETS, SIZES, VARIANTS
from interleavethinker.microworld.seeds import GENERATOR_PROBE
from interleavethinker.training.loop import RunFolder, Stage, muon_adamw, run_stage

from .text_encoder import LAYERS, SEQUENCE, embed, random_task, tokenize
from .vae import LATENT_CHANNELS, encode, image_batch

__all__ = ["TILES", "TileTable", "make_transformer", "sample", "tile_table", "train_flow"]

STEPS = 4
"""Denoising steps at inference; 60 % of the training uses exactly their noise levels."""
WIDTH = 4 * LATENT_CHANNELS
TILES: tuple[SceneObject | None, ...] = (
    None,
    *(SceneObject(*named) for named in product(KINDS, COLOURS, SIZES, range(VARIANTS), range(len(OFFSETS)))),
)
"""Everything that a cell can contain; None is an empty cell."""
_TILE_INDEX = {tile: index for index, tile in enumerate(TILES)}


@dataclass(frozen=True)
class TileTable:
    """Mean latents of all tiles, and how much single images deviate from them."""

    mean: torch.Tensor
    """Shape (6 backgrounds, 9 cells, 1153 tiles, 64)."""
    spread: float
    """Root-mean-square difference between the latents of new images and the table's."""

    def scenes(self, scenes: list[Scene]) -> torch.Tensor:
        """Returns the latents of scenes, (n, 9, 64)."""
        ground = torch.tensor([BACKGROUNDS.index(scene.background) for scene in scenes])
        tiles = torch.tensor([[_TILE_INDEX[tile] for tile in scene.cells] for scene in scenes])
        return self.mean[ground[:, None], torch.arange(CELLS)[None], tiles]

    def read(self, latents: torch.Tensor, backgrounds: list[str]) -> list[Scene]:
        """Returns the scenes nearest to latents (n, 9, 64), on the given backgrounds."""
        found = []
        for tokens, name in zip(latents, backgrounds, strict=True):
            distance = (self.mean[BACKGROUNDS.index(name)] - tokens[:, None]).square().sum(-1)
            found.append(Scene(name, tuple(TILES[int(index)] for index in distance.argmin(-1))))
        return found


@torch.no_grad()
def tile_table(vae: AutoencoderKLFlux2, folder: RunFolder, *, seed: int, rounds: int, per_image: int = 3) -> TileTable:
    """Encodes images until every tile has appeared `rounds` times; saves the table as `tiles.pt` in the run folder."""
    saved = folder.load("tiles.pt")
    if saved is not None:
        return TileTable(saved["mean"], float(saved["spread"]))  # type: ignore[arg-type]
    rng = np.random.default_rng(seed)
    total = torch.zeros(len(BACKGROUNDS), CELLS, len(TILES), WIDTH)
    count = torch.zeros(len(BACKGROUNDS), CELLS, len(TILES))
    for ground, name in enumerate(BACKGROUNDS):
        for scenes in _covering_scenes(name, rng, rounds, per_image):
            tokens = _tokens(vae, scenes)
            tiles = torch.tensor([[_TILE_INDEX[tile] for tile in scene.cells] for scene in scenes])
            cells = torch.arange(CELLS).expand_as(tiles)
            total[ground].index_put_((cells, tiles), tokens, accumulate=True)
            count[ground].index_put_((cells, tiles), torch.ones(tiles.shape), accumulate=True)
        folder.console.print(f"tiles on background {name}: each appeared at least {int(count[ground].min())} times")
    table = TileTable(total / count[..., None], 0.0)
    fresh = [random_scene(rng, int(rng.integers(MAX_OBJECTS + 1))) for _ in range(128)]
    table = TileTable(table.mean, float((_tokens(vae, fresh) - table.scenes(fresh)).square().mean().sqrt()))
    folder.console.print(f"latents of new images differ from the table by {table.spread:.3f} (root mean square)")
    folder.save("tiles.pt", {"mean": table.mean, "spread": table.spread})
    return table


def _tokens(vae: AutoencoderKLFlux2, scenes: list[Scene]) -> torch.Tensor:
    """Renders and encodes scenes; returns latents (n, 9, 64)."""
    images, _ = image_batch(scenes)
    with torch.autocast("cpu", torch.bfloat16):
        return encode(vae, images).float().flatten(2).transpose(1, 2)


def _covering_scenes(name: str, rng: np.random.Generator, rounds: int, per_image: int) -> list[list[Scene]]:
    """Batches of scenes on one background in which every object appears in every cell `rounds` times."""
    pairs = [(cell, tile) for cell in range(CELLS) for tile in range(1, len(TILES))] * rounds
    rng.shuffle(pairs)
    scenes, waiting = [], pairs
    while waiting:
        cells: list[SceneObject | None] = [None] * CELLS
        later = []
        for index, (cell, tile) in enumerate(waiting):
            if cells[cell] is not None:
                later.append((cell, tile))
                continue
            cells[cell] = TILES[tile]
            if sum(tile is not None for tile in cells) == per_image:
                waiting = later + waiting[index + 1 :]
                break
        else:
            waiting = later
        scenes.append(Scene(name, tuple(cells)))
    return [scenes[start : start + 32] for start in range(0, len(scenes), 32)]


def make_transformer() -> Flux2Transformer2DModel:
    """Returns an untrained transformer of the shipped shape, with about 1.8 M parameters."""
    return Flux2Transformer2DModel(
        in_channels=WIDTH,
        num_layers=3,
        num_single_layers=3,
        attention_head_dim=32,
        num_attention_heads=4,
        joint_attention_dim=128 * len(LAYERS),
        timestep_guidance_channels=64,
        mlp_ratio=2.0,
        axes_dims_rope=(8, 8, 8, 8),
        rope_theta=100,
        guidance_embeds=False,
    )


def _ids(batch: int, *, reference: bool) -> tuple[torch.Tensor, torch.Tensor]:
    """Position ids of image and text tokens, as in the pipeline: (time, row, column, word)."""
    grid = torch.cartesian_prod(torch.arange(1), torch.arange(3), torch.arange(3), torch.arange(1))
    if reference:
        source = grid.clone()
        source[:, 0] = 10
        grid = torch.cat([grid, source])
    words = torch.cartesian_prod(torch.arange(1), torch.arange(1), torch.arange(1), torch.arange(SEQUENCE))
    return grid.expand(batch, -1, -1), words.expand(batch, -1, -1)


def velocity(
    transformer: Flux2Transformer2DModel,
    noisy: torch.Tensor,
    sigma: torch.Tensor,
    prompts: torch.Tensor,
    source: torch.Tensor | None,
) -> torch.Tensor:
    """Predicts the velocity, noise − image, (n, 9, 64). Either all items of the batch have source latents, or none."""
    image_ids, text_ids = _ids(len(noisy), reference=source is not None)
    tokens = noisy if source is None else torch.cat([noisy, source], dim=1)
    predicted = transformer(
        hidden_states=tokens,
        timestep=sigma,
        guidance=None,
        encoder_hidden_states=prompts,
        txt_ids=text_ids,
        img_ids=image_ids,
        return_dict=False,
    )[0]
    return predicted[:, :CELLS].float()


@torch.no_grad()
def sample(
    transformer: Flux2Transformer2DModel,
    prompts: torch.Tensor,
    source: torch.Tensor | None,
    noise: torch.Tensor,
    steps: int = STEPS,
) -> torch.Tensor:
    """Samples latents (n, 9, 64) with the Euler steps of the pipeline's scheduler."""
    latents = noise
    levels = [*np.linspace(1.0, 1 / steps, steps).tolist(), 0.0]
    for sigma, following in pairwise(levels):
        moved = velocity(transformer, latents, torch.full((len(noise),), sigma), prompts, source)
        latents = latents + (following - sigma) * moved
    return latents


def _sigmas(batch: int) -> torch.Tensor:
    """Random noise levels: 60 % are among the four of inference, the others uniform in 0 to 1."""
    fixed = 1 - torch.randint(STEPS, (batch,)) / STEPS
    return torch.where(torch.rand(batch) < 0.6, fixed, torch.rand(batch))


def _weights(tasks: list[Task], changed: float) -> torch.Tensor:
    """Loss weights of tokens, (n, 9, 1), with mean 1; cells that the text changes weigh `changed` times as much."""
    rows = []
    for task in tasks:
        before = (None,) * CELLS if task.source is None else task.source.cells
        rows.append([changed if old != new else 1.0 for old, new in zip(before, task.target.cells, strict=True)])
    weights = torch.tensor(rows)
    return (weights / weights.mean())[..., None]


class FlowData:
    """Turns tasks into tensors."""

    def __init__(self, table: TileTable, tokenizer: Qwen2Tokenizer, encoder: Qwen3ForCausalLM) -> None:
        self.table = table
        self._tokenizer = tokenizer
        self._encoder = encoder

    @torch.no_grad()
    def prompts(self, tasks: list[Task]) -> torch.Tensor:
        """Returns prompt embeddings, (n, SEQUENCE, 384)."""
        ids, mask = tokenize(self._tokenizer, [task.text for task in tasks])
        return embed(self._encoder, ids, mask)

    def sources(self, tasks: list[Task], noise: float = 0.0) -> torch.Tensor:
        """Returns latents of the source images, with noise like the deviation of encoded images from the table."""
        latents = self.table.scenes([task.source for task in tasks if task.source is not None])
        return latents + noise * torch.randn_like(latents)


def train_flow(
    transformer: Flux2Transformer2DModel,
    data: FlowData,
    stage: Stage,
    folder: RunFolder,
    *,
    batch: int,
    edits: float,
    changed: float = 3.0,
    compiled: bool = False,
) -> None:
    """Trains the transformer in place; logs the share of held-out tasks that it solves exactly in four steps.

    Args:
        transformer: The model to train.
        data: Turns tasks into tensors.
        stage: Length and learning rate.
        folder: Gets checkpoint and metrics.
        batch: Tasks per step.
        edits: Share of edits among them.
        changed: Loss weight of a cell that the text changes; a cell that it keeps has weight 1.
        compiled: Whether to use `torch.compile`, which needs a C++ compiler.
    """
    count = 0
    # Only two shapes occur, with and without a source image. 1.5 times as fast on a CPU after two minutes of compiling.
    fast = torch.compile(transformer, dynamic=False) if compiled else transformer

    def part(tasks: list[Task], *, edit: bool) -> torch.Tensor:
        target = data.table.scenes([task.target for task in tasks])
        source = data.sources(tasks, 2 * data.table.spread * float(torch.rand(()))) if edit else None
        noise, sigma = torch.randn_like(target), _sigmas(len(tasks))
        level = sigma[:, None, None]
        noisy = (1 - level) * target + level * noise
        prompts = data.prompts(tasks)
        predicted = velocity(fast, noisy, sigma, prompts, source)
        error = (predicted - (noise - target)).square()
        return (error * _weights(tasks, changed)).mean()

    def loss(rng: np.random.Generator) -> tuple[torch.Tensor, dict[str, float]]:
        nonlocal count
        edit_count = round(batch * edits)
        edit_loss = part([random_task(rng, 1.0) for _ in range(edit_count)], edit=True)
        draw_loss = part([random_task(rng, 0.0) for _ in range(batch - edit_count)], edit=False)
        numbers = {"edit_loss": edit_loss.item(), "draw_loss": draw_loss.item()}
        count += 1
        if count % stage.log_every == 0:
            numbers |= held_out_accuracy(transformer, data)
        return edits * edit_loss + (1 - edits) * draw_loss, numbers

    optimizers = muon_adamw(transformer, stage.learning_rate, stage.learning_rate)
    run_stage(stage, folder, transformer, optimizers, loss)


def allows(task: Task, made: Scene) -> bool:
    """Whether a scene solves a task: every cell meets its target, and kept cells are unchanged."""
    before = (None,) * CELLS if task.source is None else task.source.cells
    cells = zip(task.cell_targets, before, task.target.cells, made.cells, strict=True)
    return all(_cell_allows(cell_target, kept=old == new, old=old, got=got) for cell_target, old, new, got in cells)


def _cell_allows(
    cell_target: CellTarget | None, *, kept: bool, old: SceneObject | None, got: SceneObject | None
) -> bool:
    if cell_target is None:
        return got is None
    if kept and old is not None:
        return got is not None and (got.named, got.variant) == (old.named, old.variant)
    return cell_target.allows(got)


def held_out_accuracy(transformer: Flux2Transformer2DModel, data: FlowData, per_kind: int = 24) -> dict[str, float]:
    """Share of held-out tasks whose sampled latents decode to a correct scene, by kind; the background is given."""
    result = {}
    generator = torch.Generator().manual_seed(7)
    for number, kind in enumerate(("draw", *EDIT_KINDS)):
        rng = np.random.default_rng([GENERATOR_PROBE, number])
        tasks = [generation_task(rng) if kind == "draw" else edit_task(rng, kind) for _ in range(per_kind)]
        source = None if kind == "draw" else data.sources(tasks)
        noise = torch.randn(per_kind, CELLS, WIDTH, generator=generator)
        made = data.table.read(
            sample(transformer, data.prompts(tasks), source, noise), [task.target.background for task in tasks]
        )
        result[kind] = float(np.mean([allows(task, scene) for task, scene in zip(tasks, made, strict=True)]))
    return result
