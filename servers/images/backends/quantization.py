"""Image models whose linear layers are stored in 8 or 4 bits, by the libraries that diffusers knows.

The denoiser and the text encoders are quantized while they are loaded; the image decoder stays as it is, because it is
small and its errors are seen at once. A GGUF file holds a denoiser that somebody quantized before, and replaces the
pipeline's own.
"""

import importlib
import importlib.util
from collections.abc import Mapping
from pathlib import Path
from typing import Any, get_args

from interleavethinker.tools.errors import GeneratorError, ProfileError
from interleavethinker.tools.files import is_file
from interleavethinker.tools.model_catalog import Quantization, quantization_package

__all__ = ["gguf_denoiser", "quantization_config", "require_quantization"]

_DENOISERS = ("transformer", "transformer_2", "unet")
_TEXT_ENCODERS = ("text_encoder", "text_encoder_2", "text_encoder_3")


def require_quantization(quantize: Quantization, gguf: Path | None) -> None:
    """Checks that the package of a quantization is installed, and that a GGUF file exists.

    Raises:
        ProfileError: One of them is missing, or there is no such quantization.
    """
    if quantize not in get_args(Quantization):
        raise ProfileError(f"--quantize is one of {', '.join(get_args(Quantization))}; got {quantize}.")
    package = quantization_package(quantize)
    if package is not None:
        _require(f"--quantize {quantize}", package)
    if gguf is not None:
        _require("--gguf", "gguf")
        if not is_file(gguf):
            raise ProfileError(f"--gguf: there is no file {gguf}.")


def _require(option: str, package: str) -> None:
    if importlib.util.find_spec(package) is None:
        raise ProfileError(f"{option} needs {package}, which is not installed: pip install {package}")


def quantization_config(quantize: Quantization, dtype: str, parts: Mapping[str, Any]) -> Any:
    """Returns what `from_pretrained` of a pipeline takes; None for `none`.

    Args:
        quantize: Which quantization.
        dtype: Name of the torch dtype in which a layer computes.
        parts: The pipeline's `model_index.json`.
    """
    if quantize == "none":
        return None
    import diffusers
    import transformers

    present = [name for name in (*_DENOISERS, *_TEXT_ENCODERS) if (parts.get(name) or [None])[0] is not None]
    return diffusers.PipelineQuantizationConfig(
        quant_mapping={
            name: _config(quantize, dtype, diffusers if name in _DENOISERS else transformers) for name in present
        }
    )


def _config(quantize: Quantization, dtype: str, library: Any) -> Any:
    import torch

    if quantize == "bnb-8bit":
        return library.BitsAndBytesConfig(load_in_8bit=True)
    if quantize == "bnb-4bit":
        return library.BitsAndBytesConfig(
            load_in_4bit=True, bnb_4bit_quant_type="nf4", bnb_4bit_compute_dtype=getattr(torch, dtype)
        )
    quantization = importlib.import_module("torchao.quantization")
    kind = quantization.Int8WeightOnlyConfig if quantize == "torchao-int8" else quantization.Float8WeightOnlyConfig
    return library.TorchAoConfig(kind())


def gguf_denoiser(file: Path, folder: Path, dtype: str, parts: Mapping[str, Any]) -> dict[str, Any]:
    """Returns the denoiser of a GGUF file, by the name of the part of the pipeline that it replaces.

    Args:
        file: The GGUF file.
        folder: The pipeline's folder, which has the denoiser's configuration.
        dtype: Name of the torch dtype in which a layer computes.
        parts: The pipeline's `model_index.json`.

    Raises:
        GeneratorError: The file does not fit this pipeline.
    """
    import diffusers
    import torch

    name = next((name for name in _DENOISERS if parts.get(name)), None)
    kind: Any = None if name is None else getattr(diffusers, parts[name][1], None)
    if name is None or not hasattr(kind, "from_single_file"):
        raise GeneratorError(
            "--gguf: this pipeline has no denoiser that can come from a file.", code="model_not_loaded"
        )
    compute = getattr(torch, dtype)
    try:
        denoiser = kind.from_single_file(
            str(file),
            quantization_config=diffusers.GGUFQuantizationConfig(compute_dtype=compute),
            config=str(folder),
            subfolder=name,
            dtype=compute,
            local_files_only=True,
        )
    except (ValueError, KeyError, RuntimeError, OSError, AttributeError) as error:
        raise GeneratorError(
            f"--gguf: the file {file.name} does not hold a {parts[name][1]} for this model. See the server's log.",
            code="model_not_loaded",
        ) from error
    return {name: denoiser}
