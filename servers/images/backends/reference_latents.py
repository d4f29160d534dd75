"""One reference image per sample in FLUX.2 pipelines, which otherwise give every sample all references.

The stock pipeline takes several images as references of one result and passes all of them to every sample. A server's
batch needs the opposite: one reference for each sample. Only the step that prepares the references is replaced; a
single sample still uses the stock step.
"""

from typing import Any

__all__ = ["use_one_reference_per_sample"]


def use_one_reference_per_sample(pipeline: Any) -> None:
    """Replaces `prepare_image_latents` on this one pipeline object.

    In a call with B > 1 prompts and B images of one size, sample b then sees only image b, at the position (time
    coordinate) of a first reference. Each image is encoded separately, exactly as in a call with a single image.
    """
    stock = pipeline.prepare_image_latents

    def prepare(*, images: list[Any], batch_size: int, generator: Any, device: Any, dtype: Any) -> tuple[Any, Any]:
        if batch_size == 1:
            latents, positions = stock(images=images, batch_size=1, generator=generator, device=device, dtype=dtype)
            return latents, positions
        if len(images) != batch_size:
            raise ValueError(f"a batch of {batch_size} edits needs {batch_size} references; got {len(images)}")
        import torch

        separate = [stock(images=[image], batch_size=1, generator=None, device=device, dtype=dtype) for image in images]
        latents = torch.cat([latent for latent, _ in separate])
        positions = torch.cat([position for _, position in separate])
        return latents, positions

    pipeline.prepare_image_latents = prepare
