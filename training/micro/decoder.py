"""Stage 4 of the micro generator: trains the VAE's decoder alone, on latents like those that a transformer predicts.

The encoder stays frozen. Latents come from the tile table with noise added, so the decoder learns to decode slightly
wrong latents into clean images. The stage can run at the same time as the flow stage: both need only the tile table.
"""

import numpy as np
import torch
from diffusers import AutoencoderKLFlux2
from torch.nn import functional

from interleavethinker.training.loop import RunFolder, Stage, muon_adamw, run_stage

from .transformer import TileTable
from .vae import crowded_scene, decode, image_batch, pixel_loss

__all__ = ["train_decoder"]


def train_decoder(
    vae: AutoencoderKLFlux2, table: TileTable, stage: Stage, folder: RunFolder, *, batch: int, noise: float
) -> None:
    """Trains the decoder in place; `noise` is the largest standard deviation of noise added to normalized latents."""
    vae.requires_grad_(False)
    vae.decoder.requires_grad_(True)
    vae.to(memory_format=torch.channels_last)

    def loss(rng: np.random.Generator) -> tuple[torch.Tensor, dict[str, float]]:
        scenes = [crowded_scene(rng) for _ in range(batch)]
        images, weights = image_batch(scenes)
        latents = table.scenes(scenes).transpose(1, 2).unflatten(2, (3, 3))
        latents = latents + torch.rand(batch, 1, 1, 1) * noise * torch.randn_like(latents)
        with torch.autocast("cpu", torch.bfloat16):
            decoded = decode(vae, latents.contiguous(memory_format=torch.channels_last)).float()
        value, pixel = pixel_loss(decoded, images, weights)
        plain = functional.l1_loss(decoded, images)
        return value, {"pixel": pixel, "plain": plain.item()}

    run_stage(stage, folder, vae.decoder, muon_adamw(vae.decoder, stage.learning_rate, stage.learning_rate), loss)
    vae.requires_grad_(True)
