"""The micro world's learned image generator, in this process: the stock `Flux2KleinPipeline`, called in batches.

For evaluation, data and the command line; the agent uses the same weights through an image server. The stock pipeline
passes every reference image to every sample of a batch; here each sample gets only its own, encoded by the pipeline's
components. A batch of one is exactly a stock call. Knows nothing of scenes or scores.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from importlib.resources import files
from pathlib import Path
from typing import Any

from PIL import Image

from interleavethinker.tools.errors import InputError
from interleavethinker.tools.local_extra import require_local

__all__ = ["MicroGenerator", "shipped_checkpoint"]

_WEAKER_STEPS = 2
_WEAKER_NOISE = 0.5
"""Standard deviation of the noise on each weight matrix of the weaker variant, as a share of the matrix's own."""
_WEAKER_SEED = 20
_NOISY_LOGGERS = ("diffusers", "transformers")


def shipped_checkpoint() -> Path:
    """Returns the folder of the shipped weights."""
    return Path(str(files("interleavethinker.microworld"))) / "checkpoints" / "generator"


class MicroGenerator:
    """Generates and edits images of 96 x 96 pixels.

    Args:
        checkpoint: Folder of a pipeline and its `call_arguments.json`; the shipped one by default.
        weaker: Degrade the weights deterministically (noise on the transformer's matrices, fewer sampling steps), for
            data sets that need a second, weaker generator.
        batch: Maximum number of images per call of the pipeline.

    Raises:
        InputError: The folder contains no pipeline (`no_checkpoint`), or one that cannot be loaded
            (`broken_checkpoint`).
        ProfileError: The libraries of local models are not installed (`local_extra_missing`).
    """

    def __init__(self, checkpoint: Path | None = None, *, weaker: bool = False, batch: int = 16) -> None:
        folder = checkpoint or shipped_checkpoint()
        if not (folder / "model_index.json").is_file() or not (folder / "call_arguments.json").is_file():
            msg = (
                f"{folder} does not contain a pipeline and its call_arguments.json. Train one, or give another folder."
            )
            raise InputError(msg, code="no_checkpoint")
        self._arguments = _call_arguments(folder)
        self._arguments.pop("device", None)  # this class always runs on the CPU
        threads = int(self._arguments.pop("threads", 1))
        self._batch = batch
        require_local("The micro world's models")
        self.pipeline = _load(folder, threads)
        """The stock pipeline, with one method replaced: how it prepares the references of a batch."""
        if weaker:
            _weaken(self.pipeline.transformer)
            self._arguments["num_inference_steps"] = _WEAKER_STEPS

    def generate(self, texts: Sequence[str], seeds: Sequence[int]) -> list[Image.Image]:
        """Generates one image per text."""
        return self._make(texts, seeds, None)

    def edit(self, images: Sequence[Image.Image], texts: Sequence[str], seeds: Sequence[int]) -> list[Image.Image]:
        """Edits one image per instruction: the image at the same position."""
        return self._make(texts, seeds, images)

    def truncated_tokens(self, text: str) -> int:
        """Returns how many tokens of a text do not fit into the prompt; the pipeline drops that many from the front."""
        tokenizer = self.pipeline.tokenizer
        prompt = tokenizer.apply_chat_template([{"role": "user", "content": text}], tokenize=False)
        tokens = tokenizer(prompt, verbose=False)["input_ids"]  # no warning about texts that are too long
        return max(0, len(tokens) - int(self._arguments["max_sequence_length"]))

    def batches(self, count: int) -> Iterator[slice]:
        """Yields the slices that divide `count` samples into batches, for callers that report progress per batch."""
        for start in range(0, count, self._batch):
            yield slice(start, min(count, start + self._batch))

    def _make(
        self, texts: Sequence[str], seeds: Sequence[int], images: Sequence[Image.Image] | None
    ) -> list[Image.Image]:
        if len(texts) != len(seeds) or (images is not None and len(images) != len(texts)):
            given = "" if images is None else f", {len(images)} images"
            msg = f"Each text needs a seed and, for edits, an image; got {len(texts)} texts, {len(seeds)} seeds{given}."
            raise InputError(msg)
        import torch

        made: list[Image.Image] = []
        for part in self.batches(len(texts)):
            source = {} if images is None else {"image": list(images[part])}
            answer = self.pipeline(
                prompt=list(texts[part]),
                generator=[torch.Generator().manual_seed(seed) for seed in seeds[part]],
                **source,
                **self._arguments,
            )
            made += answer.images
        return made


def _call_arguments(folder: Path) -> dict[str, Any]:
    """Reads the arguments of every call from the file beside the weights, and checks the required ones."""
    path = folder / "call_arguments.json"
    try:
        arguments: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
        layers, length = tuple(arguments["text_encoder_out_layers"]), int(arguments["max_sequence_length"])
    except (OSError, ValueError, KeyError, TypeError) as error:
        msg = f"{path} is not a JSON object with text_encoder_out_layers and max_sequence_length. Restore the file."
        raise InputError(msg, code="broken_checkpoint") from error
    return {**arguments, "text_encoder_out_layers": layers, "max_sequence_length": length}


def _load(folder: Path, threads: int) -> Any:
    import logging

    from safetensors import SafetensorError  # Outside: what interrupts an import must not meet an unknown name below.

    levels = {name: logging.getLogger(name).level for name in _NOISY_LOGGERS}
    for name in _NOISY_LOGGERS:  # on import they report optional packages that are not needed here
        logging.getLogger(name).setLevel(logging.ERROR)
    try:
        import torch
        from diffusers import Flux2KleinPipeline
        from diffusers.utils import logging as diffusers_logging
        from transformers.utils import logging as transformers_logging

        diffusers_logging.disable_progress_bar()
        transformers_logging.disable_progress_bar()
        torch.set_num_threads(threads)  # on a busy machine two threads are many times slower than one
        pipeline = Flux2KleinPipeline.from_pretrained(str(folder), dtype=torch.float32, local_files_only=True)
        pipeline.tokenizer.get_chat_template()  # a missing tokenizer would fail only at the first call
    except (KeyError, OSError, RuntimeError, SafetensorError, TypeError, ValueError) as error:
        msg = (
            f"Could not load a Flux2KleinPipeline from {folder}: {error}. Copy the folder again, or train a checkpoint."
        )
        raise InputError(msg, code="broken_checkpoint") from error
    finally:
        for name, level in levels.items():
            logging.getLogger(name).setLevel(level)
    pipeline.set_progress_bar_config(disable=True)
    _give_each_sample_its_reference(pipeline)
    return pipeline


def _give_each_sample_its_reference(pipeline: Any) -> None:
    """Makes sample b of a batch see image b only, at the position of a single reference."""
    stock = pipeline.prepare_image_latents

    def prepare(*, images: list[Any], batch_size: int, generator: Any, device: Any, dtype: Any) -> tuple[Any, Any]:
        if batch_size == 1:
            prepared: tuple[Any, Any] = stock(
                images=images, batch_size=1, generator=generator, device=device, dtype=dtype
            )
            return prepared
        import torch

        latents = pipeline._encode_vae_image(torch.cat(images).to(device, dtype), generator=None)  # noqa: SLF001
        positions = pipeline._prepare_image_ids([latents[:1]]).to(device)  # noqa: SLF001
        return pipeline._pack_latents(latents), positions.repeat(batch_size, 1, 1)  # noqa: SLF001

    pipeline.prepare_image_latents = prepare


def _weaken(transformer: Any) -> None:
    import torch

    noise = torch.Generator().manual_seed(_WEAKER_SEED)
    with torch.no_grad():
        for _, parameter in sorted(transformer.named_parameters()):
            if parameter.ndim == 2:
                spread = float(parameter.std()) * _WEAKER_NOISE
                parameter.add_(torch.randn(parameter.shape, generator=noise) * spread)
