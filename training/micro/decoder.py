"""Stage 4 of the micro generator: the VAE's decoder alone, on latents such as a transformer makes.

The encoder stays as it is. Latents come from the tile table with noise added, so that the decoder learns to draw clean
pictures from slightly wrong ones. Runs beside the flow stage, which depends on the same table and not on the decoder.
"""

import numpy as np
import torch
from diffusers import AutoencoderKLFlux2
from torch.nn import functional

from interleavethinker.training.loop import RunFolder, Stage, muon_adamw, run_stage

from .transformer import TileTable
from .vae import decode, dense_scene, picture_batch, pixel_loss

__all__ = ["train_decoder"]


def train_decoder(
    vae: AutoencoderKLFlux2, table: TileTable, stage: Stage, folder: RunFolder, *, batch: int, noise: float
) -> None:
    """Trains the decoder in place; `noise` is the most noise added to the normalised latents."""
    vae.requires_grad_(False)
    vae.decoder.requires_grad_(True)
    vae.to(memory_format=torch.channels_last)

    def loss(rng: np.random.Generator) -> tuple[torch.Tensor, dict[str, float]]:
        scenes = [dense_scene(rng) for _ in range(batch)]
        pictures, weights = picture_batch(scenes)
        latents = table.scenes(scenes).transpose(1, 2).unflatten(2, (3, 3))
        latents = latents + torch.rand(batch, 1, 1, 1) * noise * torch.randn_like(latents)
        with torch.autocast("cpu", torch.bfloat16):
            decoded = decode(vae, latents.contiguous(memory_format=torch.channels_last)).float()
        value, pixel = pixel_loss(decoded, pictures, weights)
        plain = functional.l1_loss(decoded, pictures)
        return value, {"pixel": pixel, "plain": plain.item()}

    run_stage(stage, folder, vae.decoder, muon_adamw(vae.decoder, stage.learning_rate, stage.learning_rate), loss)
    vae.requires_grad_(True)
