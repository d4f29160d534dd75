"""Gives every sample of a batch its own reference image, in FLUX.2 pipelines that would share all of them.

The stock pipeline takes several images as several references of one picture and hands all of them to every sample. A
server's batch is the other way round: one reference each. Only the step that prepares the references is replaced; for
a single sample it stays the stock one.
"""

from typing import Any

__all__ = ["give_each_sample_its_reference"]


def give_each_sample_its_reference(pipeline: Any) -> None:
    """Replaces `prepare_image_latents` on this one pipeline object.

    In a call with B > 1 prompts and B images of one size, sample b then sees image b alone, at the position (time
    coordinate) that a first reference has. Each image is encoded by itself, exactly as in a call of its own.
    """
    stock = pipeline.prepare_image_latents

    def prepare(*, images: list[Any], batch_size: int, generator: Any, device: Any, dtype: Any) -> tuple[Any, Any]:
        if batch_size == 1:
            latents, positions = stock(images=images, batch_size=1, generator=generator, device=device, dtype=dtype)
            return latents, positions
        if len(images) != batch_size:
            raise ValueError(f"a batch of {batch_size} edits must have one reference each; found {len(images)}")
        import torch

        alone = [stock(images=[image], batch_size=1, generator=None, device=device, dtype=dtype) for image in images]
        latents = torch.cat([latent for latent, _ in alone])
        positions = torch.cat([position for _, position in alone])
        return latents, positions

    pipeline.prepare_image_latents = prepare
