"""Stage 1 of the micro generator: the VAE, a small `AutoencoderKLFlux2`.

Five levels and 2 x 2 patches make one token of 64 numbers out of every 32 x 32 pixel cell, so that a picture is nine
tokens: the transformer then spends nothing on putting cells together. The decoder sees noisy latents in training, as it
will see a transformer's imperfect ones. Knows nothing of text or flow.
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
    "Probed",
    "cell_labels",
    "decode",
    "dense_scene",
    "encode",
    "make_vae",
    "picture_batch",
    "pixel_loss",
    "settle_on_scenes",
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
"""What the latents of a cell are asked in training, and how many answers there are."""


def make_vae() -> AutoencoderKLFlux2:
    """An untrained VAE of the shipped shape: about 1.8 M parameters."""
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


def dense_scene(rng: np.random.Generator) -> Scene:
    """A scene with far more things than the world's own, so that every picture teaches more."""
    share = rng.choice([0.3, 0.8, 0.95])
    cells = tuple(random_object(rng) if rng.random() < share else None for _ in range(CELLS))
    return Scene(str(rng.choice(BACKGROUNDS)), cells)


def picture_batch(scenes: list[Scene]) -> tuple[torch.Tensor, torch.Tensor]:
    """Pictures in -1..1, shape (n, 3, 96, 96), and weights of their pixels, shape (n, 1, 96, 96)."""
    pictures = np.stack([render(scene) for scene in scenes])
    empty = np.stack([background(scene.background) for scene in scenes])
    weights = 1.0 + 5.0 * (np.abs(pictures - empty).max(-1, keepdims=True) > 0.02)
    return _channels_first(pictures * 2 - 1), _channels_first(weights.astype(np.float32))


def pixel_loss(decoded: torch.Tensor, pictures: torch.Tensor, weights: torch.Tensor) -> tuple[torch.Tensor, float]:
    """Weighted absolute error plus that of 4 x 4 means, which gets colours right early; and the former as a number."""
    pixel = ((decoded - pictures).abs() * weights).mean() / weights.mean()
    coarse = functional.avg_pool2d(decoded - pictures, 4).abs().mean()
    return pixel + 0.5 * coarse, pixel.item()


def _channels_first(array: np.ndarray) -> torch.Tensor:
    return torch.from_numpy(np.ascontiguousarray(array.transpose(0, 3, 1, 2))).to(memory_format=torch.channels_last)


def encode(vae: AutoencoderKLFlux2, pictures: torch.Tensor) -> torch.Tensor:
    """Normalised latents as the pipeline makes them: pictures (n, 3, 96, 96) in -1..1 to (n, 64, 3, 3)."""
    mean, std = _statistics(vae)
    return (_raw(vae, pictures) - mean) / std


def decode(vae: AutoencoderKLFlux2, latents: torch.Tensor) -> torch.Tensor:
    """The inverse of `encode`, with its values not yet clipped."""
    mean, std = _statistics(vae)
    return vae.decode(Flux2KleinPipeline._unpatchify_latents(latents * std + mean)).sample  # noqa: SLF001


def _raw(vae: AutoencoderKLFlux2, pictures: torch.Tensor) -> torch.Tensor:
    """Latents before normalisation, one token a cell: (n, 64, 3, 3)."""
    return Flux2KleinPipeline._patchify_latents(vae.encode(pictures).latent_dist.mode())  # noqa: SLF001


def _statistics(vae: AutoencoderKLFlux2) -> tuple[torch.Tensor, torch.Tensor]:
    std = torch.sqrt(vae.bn.running_var + vae.config.batch_norm_eps)
    return vae.bn.running_mean.view(1, -1, 1, 1), std.view(1, -1, 1, 1)


class Probed(nn.Module):
    """A VAE whose normalised latents are also asked what each cell holds; the probes live only during training.

    Pixels alone teach a sixteenfold bottleneck slowly; naming the content of a cell teaches the encoder at once, and
    makes codes in which a thing's attributes are linear, which an editing transformer finds easy.
    """

    def __init__(self, vae: AutoencoderKLFlux2) -> None:
        super().__init__()
        self.vae = vae
        self.probes = nn.ModuleDict(
            {name: nn.Linear(4 * LATENT_CHANNELS, answers) for name, answers in _PROBES.items()}
        )

    def forward(self, pictures: torch.Tensor, noise: float) -> tuple[torch.Tensor, dict[str, torch.Tensor]]:
        """Decoded pictures and the probes' logits (n * 9, answers), both from latents with up to `noise` added."""
        vae = self.vae
        latents = _raw(vae, pictures).float()
        normal = vae.bn(latents)  # also gathers the statistics that the pipeline reads
        noisy = normal + torch.rand(len(pictures), 1, 1, 1) * noise * torch.randn_like(normal)
        std = latents.std(dim=(0, 2, 3), keepdim=True).detach()
        mean = latents.mean(dim=(0, 2, 3), keepdim=True).detach()
        decoded = vae.decode(Flux2KleinPipeline._unpatchify_latents(noisy * std + mean)).sample  # noqa: SLF001
        tokens = noisy.flatten(2).transpose(1, 2).flatten(0, 1)
        return decoded.float(), {name: probe(tokens).float() for name, probe in self.probes.items()}


def cell_labels(scenes: Sequence[Scene]) -> dict[str, torch.Tensor]:
    """Answers of the probes, each (n * 9,); -100 (ignored) for the attributes of an empty cell."""
    rows = []
    for scene in scenes:
        for thing in scene.cells:
            named = (
                (-100,) * 4
                if thing is None
                else (
                    list(COLOURS).index(thing.colour),
                    SIZES.index(thing.size),
                    thing.variant,
                    thing.offset,
                )
            )
            kind = len(KINDS) if thing is None else KINDS.index(thing.kind)
            rows.append((BACKGROUNDS.index(scene.background), kind, *named))
    return dict(zip(_PROBES, torch.tensor(rows).T, strict=True))


def train_vae(vae: AutoencoderKLFlux2, stage: Stage, folder: RunFolder, *, batch: int, noise: float) -> None:
    """Trains encoder and decoder together on pixels; `noise` is the most noise added to normalised latents."""
    vae.to(memory_format=torch.channels_last)
    probed = Probed(vae)

    def loss(rng: np.random.Generator) -> tuple[torch.Tensor, dict[str, float]]:
        scenes = [dense_scene(rng) for _ in range(batch)]
        pictures, weights = picture_batch(scenes)
        with torch.autocast("cpu", torch.bfloat16):
            decoded, logits = probed(pictures, noise)
        value, pixel = pixel_loss(decoded, pictures, weights)
        truth = cell_labels(scenes)
        named = torch.stack([functional.cross_entropy(logits[name], truth[name]) for name in logits]).sum()
        right = (logits["kind"].argmax(-1) == truth["kind"]).float().mean()
        return value + 0.1 * named, {"pixel": pixel, "named": named.item(), "kind": right.item()}

    run_stage(stage, folder, probed, muon_adamw(probed, stage.learning_rate, stage.learning_rate), loss)


@torch.no_grad()
def settle_on_scenes(vae: AutoencoderKLFlux2, *, seed: int, scenes: int = 512) -> None:
    """Sets the latent statistics that the pipeline normalises by to those of half-filled pictures, after training."""
    rng = np.random.default_rng([seed, 1])
    parts = []
    for _ in range(scenes // 32):
        batch = [random_scene(rng, int(rng.integers(2, MAX_OBJECTS + 2))) for _ in range(32)]
        parts.append(_raw(vae, picture_batch(batch)[0]))
    latents = torch.cat(parts)
    vae.bn.running_mean.copy_(latents.mean(dim=(0, 2, 3)))
    vae.bn.running_var.copy_(latents.var(dim=(0, 2, 3)))


assert CELL == 32  # noqa: S101 - one token a cell, by the five levels above
