"""Models that this project knows by name: repository, license, commercial use, size and memory need.

The image server reads it to find a model's repository, and `doctor` to report what a profile needs; neither repeats any
of it. Repositories are pinned to a commit, so that nobody who can write to them changes what runs here. Pure data and
look-ups: nothing here touches the disk, the network or a model library. Sizes are approximate and follow from parameter
counts in bfloat16; memory is for weights, activations and one image of a megapixel.
"""

import re
from dataclasses import dataclass
from typing import Literal

from .errors import ProfileError

__all__ = [
    "FAKE_MODELS",
    "IMAGE_MODELS",
    "CatalogModel",
    "Offload",
    "Quantization",
    "image_memory",
    "image_model",
    "known_model",
    "memory_for_weights",
    "memory_need",
    "pinned",
    "quantization_package",
    "without_commit",
]

Offload = Literal["none", "model", "sequential"]
"""Values of the image server's `--offload`, the fastest first."""
Quantization = Literal["none", "torchao-int8", "torchao-fp8", "bnb-8bit", "bnb-4bit"]
"""Values of the image server's `--quantize`, the most exact first."""
_SHARE_OF_16_BITS = {"none": 1.0, "torchao-int8": 0.55, "torchao-fp8": 0.55, "bnb-8bit": 0.55, "bnb-4bit": 0.32}
"""What remains of weights in 16 bits: half or a quarter, scales, and layers that are not quantized."""
_SMALLEST_ON_GPU = 6.0
"""Gigabytes of weights. A smaller model answers on a CPU in seconds rather than minutes."""
_GIB_PER_GIGABYTE = 1.25
"""The weights, and a third of that for activations and the key-value cache."""
_ROOM_FOR_AN_IMAGE = 3
"""GiB beside the weights for one image of 1024 x 1024 pixels, and for what torch itself takes."""

FAKE_MODELS = ("fake", "cells")
"""Names of the image server's backend without a model; `cells` is what version 0.1 called it."""


@dataclass(frozen=True)
class CatalogModel:
    """One model that can be served or loaded by name."""

    target: str
    """Repository `owner/name`, or an import string `package:folder` for weights inside an installed package."""
    licence: str
    commercial_use: bool = True
    """Whether the license allows commercial use."""
    alias: str | None = None
    """Short name for `image-server --model` and a profile's `generator.model`."""
    download_gb: float = 0.0
    """Gigabytes (10^9 bytes) of the first download; 0 if the weights come with the package."""
    memory_gib: float = 0.0
    """Accelerator memory in GiB without offloading; 0 if a CPU is fast enough."""
    largest_part_gb: float = 0.0
    """Gigabytes (10^9 bytes) of the largest part of an image pipeline in 16 bits: what `--offload model` has on the
    accelerator at once. 0 if it is not known."""
    generates_with: str | None = None
    """Repository of the model that generates from text alone, where this one only edits. Both are loaded, and the sizes
    above are those of both."""

    @property
    def repositories(self) -> tuple[str, ...]:
        """Everything that is downloaded; empty where the weights come with the package."""
        if ":" in self.target:
            return ()
        return (self.target,) if self.generates_with is None else (self.target, self.generates_with)

    @property
    def licence_note(self) -> str:
        """The license, with a warning where it forbids commercial use."""
        return self.licence if self.commercial_use else f"{self.licence}: not for commercial use"


IMAGE_MODELS = (
    CatalogModel(
        alias="klein",
        target="black-forest-labs/FLUX.2-klein-4B",
        licence="Apache-2.0",
        download_gb=16,
        memory_gib=18,
        largest_part_gb=8.1,
    ),
    CatalogModel(
        alias="klein-9b",
        target="black-forest-labs/FLUX.2-klein-9B",
        licence="FLUX Non-Commercial License",
        commercial_use=False,
        download_gb=35,
        memory_gib=36,
        largest_part_gb=18.2,
    ),
    CatalogModel(
        alias="kontext",
        target="black-forest-labs/FLUX.1-Kontext-dev",
        licence="FLUX.1 [dev] Non-Commercial License",
        commercial_use=False,
        download_gb=34,
        memory_gib=36,
        largest_part_gb=23.8,
    ),
    CatalogModel(
        alias="micro",
        target="interleavethinker.microworld:checkpoints/generator",
        licence="Apache-2.0",
    ),
    CatalogModel(
        alias="qwen-edit",
        target="Qwen/Qwen-Image-Edit-2511",
        licence="Apache-2.0",
        download_gb=115,
        memory_gib=120,
        largest_part_gb=40.9,
        generates_with="Qwen/Qwen-Image-2512",
    ),
)
"""Image models with a short name."""

_CHAT_MODELS = (
    CatalogModel(target="Qwen/Qwen3-VL-2B-Instruct", licence="Apache-2.0", download_gb=4.3, memory_gib=6),
    CatalogModel(target="Qwen/Qwen3-VL-4B-Instruct", licence="Apache-2.0", download_gb=8.9, memory_gib=12),
    CatalogModel(target="Qwen/Qwen3-VL-8B-Instruct", licence="Apache-2.0", download_gb=17.5, memory_gib=22),
)

_COMMITS = {
    "black-forest-labs/FLUX.1-Kontext-dev": "24e9dedc4ef646698dc8eb4e18ae2cec3c9fea0d",
    "black-forest-labs/FLUX.2-klein-4B": "e7b7dc27f91deacad38e78976d1f2b499d76a294",
    "black-forest-labs/FLUX.2-klein-9B": "92196c8e11f7b6cf2b7493e037d8c5345c559216",
    "Qwen/Qwen-Image-2512": "25468b98e3276ca6700de15c6628e51b7de54a26",
    "Qwen/Qwen-Image-Edit-2511": "6f3ccc0b56e431dc6a0c2b2039706d7d26f22cb9",
    "Qwen/Qwen3-VL-2B-Instruct": "89644892e4d85e24eaac8bacfd4f463576704203",
    "Qwen/Qwen3-VL-4B-Instruct": "ebb281ec70b05090aa6165b016eac8ec08e71b17",
    "Qwen/Qwen3-VL-8B-Instruct": "0c351dd01ed87e9c1b53cbc748cba10e6187ff3b",
}
"""What is loaded of each repository unless its name has another commit."""
_REPOSITORY = re.compile(r"([\w.-]+/[\w.-]+)@(.*)")


def pinned(name: str) -> tuple[str, str | None]:
    """Returns a model's name without its commit, and the commit to load: the named one, or the catalog's.

    Args:
        name: A repository, `repository@commit`, or anything else that names a model.

    Returns:
        No commit for folders, import strings, and repositories that are not pinned.

    Raises:
        ProfileError: Something else than a commit stands behind the `@`.

    Examples:
        >>> pinned("Qwen/Qwen3-VL-8B-Instruct")
        ('Qwen/Qwen3-VL-8B-Instruct', '0c351dd01ed87e9c1b53cbc748cba10e6187ff3b')
        >>> pinned("someone/model"), pinned("/a/folder")
        (('someone/model', None), ('/a/folder', None))
    """
    match = _REPOSITORY.fullmatch(name)
    if match is None:
        return name, _COMMITS.get(name)
    repository, commit = match.groups()
    if re.fullmatch("[0-9a-f]{40}", commit) is None:
        raise ProfileError(
            f"The model {name} names no commit behind the @. Give all 40 hexadecimal digits: branches and tags can be "
            "moved."
        )
    return repository, commit


def without_commit(name: str) -> str:
    """Returns a model's name without the `@commit` that a repository's may have."""
    match = _REPOSITORY.fullmatch(name)
    return name if match is None else match[1]


def image_model(name: str) -> CatalogModel | None:
    """Returns the image model with this short name, repository or import string; None if the catalog has none."""
    name = without_commit(name)
    return next((model for model in IMAGE_MODELS if name in {model.alias, model.target}), None)


def known_model(name: str) -> CatalogModel | None:
    """Returns the image or chat model with this name; None if the catalog has none."""
    chat_model = next((model for model in _CHAT_MODELS if model.target == without_commit(name)), None)
    return chat_model or image_model(name)


def memory_need(name: str) -> float | None:
    """Returns the GiB of accelerator memory that a model needs, or None for a model that the catalog does not know.

    0 means that a CPU is fast enough. Nothing is concluded from a name.

    Examples:
        >>> memory_need("klein"), memory_need("micro"), memory_need("someone/Model-10B-v2")
        (18, 0.0, None)
    """
    model = known_model(name)
    return None if model is None else model.memory_gib


def image_memory(name: str, offload: Offload = "none", quantize: Quantization = "none") -> float | None:
    """Returns the GiB of accelerator memory that an image model needs with options of the image server.

    Estimated from the sizes of the parts, not measured: with the offload `model` the largest part and room for one
    image, with `sequential` a few layers and that room. None for a model whose parts the catalog does not know.

    Examples:
        >>> image_memory("klein"), image_memory("klein", "model"), image_memory("klein", quantize="bnb-4bit")
        (18, 11, 8)
    """
    model = image_model(name)
    if model is None or not model.largest_part_gb:
        return None
    if offload == "sequential":
        return _ROOM_FOR_AN_IMAGE + 1
    share = _SHARE_OF_16_BITS[quantize]
    if offload == "model":
        return _ROOM_FOR_AN_IMAGE + round(share * model.largest_part_gb / 1.074)
    return (
        model.memory_gib if share == 1 else _ROOM_FOR_AN_IMAGE + round(share * (model.memory_gib - _ROOM_FOR_AN_IMAGE))
    )


def quantization_package(quantize: Quantization) -> str | None:
    """Returns the package, which has the name of its module, that a quantization needs; None for `none`."""
    return {"bnb": "bitsandbytes", "torchao": "torchao"}.get(quantize.partition("-")[0])


def memory_for_weights(gigabytes: float) -> float:
    """Returns the GiB of accelerator memory for weights of this size; 0 if they are small enough for a CPU.

    Args:
        gigabytes: 10^9 bytes.
    """
    return gigabytes * _GIB_PER_GIGABYTE if gigabytes >= _SMALLEST_ON_GPU else 0.0
