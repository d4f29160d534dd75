"""Stage 1 of the micro generator: the VAE, a small `AutoencoderKLFlux2`.

Five levels and 2 x 2 patches turn every cell of 32 x 32 pixels into one token of 64 numbers, so an image is nine tokens
and the transformer need not learn which tokens form a cell. In training the decoder gets noisy latents, to prepare it
for the imperfect latents of a transformer. The stage uses neither text nor flow matching.
"""

from collections.abc import Sequence

import numpy as np
import torch
from diffusers import AutoencoderKLFlux2, Flux2KleinPipeline
from torch import nn
from torch.nn import functional

from interleavethinker.microworld.scenes.scene import CELLS, MAX_OBJECTS, Scene, random_object, random_scene, render
from interleavethinker.microworld.scenes.sprites import (
    BACKGROUNDS,
    CELL,
    COLOURS,
    KINDS,
    OFFSETS,
    SIZES,
    VARIANTS,
    background,
)
from interleavethinker.training.loop import RunFolder, Stage, muon_adamw, run_stage

__all__ = [
    "ProbedVae",
    "cell_labels",
    "crowded_scene",
    "decode",
    "encode",
    "image_batch",
    "make_vae",
    "pixel_loss",
    "set_latent_statistics",
    "train_vae",
]

LATENT_CHANNELS = 16
_PROBES = {
    "background": len(BACKGROUNDS),
    "kind": len(KINDS) + 1,
    "colour": len(COLOURS),
    "size": len(SIZES),
    "variant": VARIANTS,
    "offset": len(OFFSETS),
}
"""The probes on the latents of a cell, and their numbers of classes."""


def make_vae() -> AutoencoderKLFlux2:
    """Returns an untrained VAE of the shipped shape, with about 1.8 M parameters."""
    levels = 5
    return AutoencoderKLFlux2(
        down_block_types=("DownEncoderBlock2D",) * levels,
        up_block_types=("UpDecoderBlock2D",) * levels,
        block_out_channels=(8, 16, 32, 64, 96),
        decoder_block_out_channels=(16, 32, 48, 64, 96),
        layers_per_block=1,
        latent_channels=LATENT_CHANNELS,
        norm_num_groups=4,
        sample_size=96,
        use_quant_conv=False,
        use_post_quant_conv=False,
        mid_block_add_attention=False,
    )


def crowded_scene(rng: np.random.Generator) -> Scene:
    """Returns a random scene with far more objects than usual, so that every image teaches more."""
    share = rng.choice([0.3, 0.8, 0.95])
    cells = tuple(random_object(rng) if rng.random() < share else None for _ in range(CELLS))
    return Scene(str(rng.choice(BACKGROUNDS)), cells)


def image_batch(scenes: list[Scene]) -> tuple[torch.Tensor, torch.Tensor]:
    """Renders scenes; returns images (n, 3, 96, 96) in -1 to 1, and pixel weights (n, 1, 96, 96) that favor objects."""
    images = np.stack([render(scene) for scene in scenes])
    empty = np.stack([background(scene.background) for scene in scenes])
    weights = 1.0 + 5.0 * (np.abs(images - empty).max(-1, keepdims=True) > 0.02)
    return _channels_first(images * 2 - 1), _channels_first(weights.astype(np.float32))


def pixel_loss(decoded: torch.Tensor, images: torch.Tensor, weights: torch.Tensor) -> tuple[torch.Tensor, float]:
    """Returns the loss and the weighted absolute error; the loss adds the error of 4 x 4 means, for early colors."""
    pixel = ((decoded - images).abs() * weights).mean() / weights.mean()
    coarse = functional.avg_pool2d(decoded - images, 4).abs().mean()
    return pixel + 0.5 * coarse, pixel.item()


def _channels_first(array: np.ndarray) -> torch.Tensor:
    return torch.from_numpy(np.ascontiguousarray(array.transpose(0, 3, 1, 2))).to(memory_format=torch.channels_last)


def encode(vae: AutoencoderKLFlux2, images: torch.Tensor) -> torch.Tensor:
    """Encodes images (n, 3, 96, 96) in -1 to 1 to normalized latents (n, 64, 3, 3), as the pipeline does."""
    mean, std = _statistics(vae)
    return (_raw(vae, images) - mean) / std


def decode(vae: AutoencoderKLFlux2, latents: torch.Tensor) -> torch.Tensor:
    """Decodes normalized latents, the inverse of `encode`; values are not clipped."""
    mean, std = _statistics(vae)
    return vae.decode(Flux2KleinPipeline._unpatchify_latents(latents * std + mean)).sample  # noqa: SLF001


def _raw(vae: AutoencoderKLFlux2, images: torch.Tensor) -> torch.Tensor:
    """Latents before normalization, (n, 64, 3, 3): one token per cell."""
    return Flux2KleinPipeline._patchify_latents(vae.encode(images).latent_dist.mode())  # noqa: SLF001


def _statistics(vae: AutoencoderKLFlux2) -> tuple[torch.Tensor, torch.Tensor]:
    std = torch.sqrt(vae.bn.running_var + vae.config.batch_norm_eps)
    return vae.bn.running_mean.view(1, -1, 1, 1), std.view(1, -1, 1, 1)


class ProbedVae(nn.Module):
    """A VAE with linear probes that classify the content of each cell from its latents; used only in training.

    A pixel loss alone trains a sixteenfold bottleneck slowly. The probes speed it up, and they make the attributes of
    an object linear in its latents, which are then easier to edit for a transformer.
    """

    def __init__(self, vae: AutoencoderKLFlux2) -> None:
        super().__init__()
        self.vae = vae
        self.probes = nn.ModuleDict(
            {name: nn.Linear(4 * LATENT_CHANNELS, answers) for name, answers in _PROBES.items()}
        )

    def forward(self, images: torch.Tensor, noise: float) -> tuple[torch.Tensor, dict[str, torch.Tensor]]:
        """Returns decoded images and the probes' logits (n * 9, classes), from latents with noise of up to `noise`."""
        vae = self.vae
        latents = _raw(vae, images).float()
        normal = vae.bn(latents)  # also updates the statistics that the pipeline uses
        noisy = normal + torch.rand(len(images), 1, 1, 1) * noise * torch.randn_like(normal)
        std = latents.std(dim=(0, 2, 3), keepdim=True).detach()
        mean = latents.mean(dim=(0, 2, 3), keepdim=True).detach()
        decoded = vae.decode(Flux2KleinPipeline._unpatchify_latents(noisy * std + mean)).sample  # noqa: SLF001
        tokens = noisy.flatten(2).transpose(1, 2).flatten(0, 1)
        return decoded.float(), {name: probe(tokens).float() for name, probe in self.probes.items()}


def cell_labels(scenes: Sequence[Scene]) -> dict[str, torch.Tensor]:
    """Returns the classes of the probes, each (n * 9,); an empty cell's attributes are -100, which the loss ignores."""
    rows = []
    for scene in scenes:
        for item in scene.cells:
            named = (
                (-100,) * 4
                if item is None
                else (
                    list(COLOURS).index(item.colour),
                    SIZES.index(item.size),
                    item.variant,
                    item.offset,
                )
            )
            kind = len(KINDS) if item is None else KINDS.index(item.kind)
            rows.append((BACKGROUNDS.index(scene.background), kind, *named))
    return dict(zip(_PROBES, torch.tensor(rows).T, strict=True))


def train_vae(vae: AutoencoderKLFlux2, stage: Stage, folder: RunFolder, *, batch: int, noise: float) -> None:
    """Trains encoder and decoder together; `noise` is the largest noise added to normalized latents."""
    vae.to(memory_format=torch.channels_last)
    probed = ProbedVae(vae)

    def loss(rng: np.random.Generator) -> tuple[torch.Tensor, dict[str, float]]:
        scenes = [crowded_scene(rng) for _ in range(batch)]
        images, weights = image_batch(scenes)
        with torch.autocast("cpu", torch.bfloat16):
            decoded, logits = probed(images, noise)
        value, pixel = pixel_loss(decoded, images, weights)
        truth = cell_labels(scenes)
        named = torch.stack([functional.cross_entropy(logits[name], truth[name]) for name in logits]).sum()
        right = (logits["kind"].argmax(-1) == truth["kind"]).float().mean()
        return value + 0.1 * named, {"pixel": pixel, "named": named.item(), "kind": right.item()}

    run_stage(stage, folder, probed, muon_adamw(probed, stage.learning_rate, stage.learning_rate), loss)


@torch.no_grad()
def set_latent_statistics(vae: AutoencoderKLFlux2, *, seed: int, scenes: int = 512) -> None:
    """Sets the latent statistics for the pipeline's normalization to those of half-filled images, after training."""
    rng = np.random.default_rng([seed, 1])
    parts = []
    for _ in range(scenes // 32):
        batch = [random_scene(rng, int(rng.integers(2, MAX_OBJECTS + 2))) for _ in range(32)]
        parts.append(_raw(vae, image_batch(batch)[0]))
    latents = torch.cat(parts)
    vae.bn.running_mean.copy_(latents.mean(dim=(0, 2, 3)))
    vae.bn.running_var.copy_(latents.var(dim=(0, 2, 3)))


assert CELL == 32  # noqa: S101 - five levels and 2 x 2 patches give one token per cell
