"""Faster ways to run a loaded pipeline: attention backends, channels-last convolutions, a compiled denoiser.

Each is checked while the model is loaded, on the device that it will run on, so that a library or a GPU that cannot do
it is reported at once and by name. Attention kernels that diffusers would download are not offered: the code that runs
here comes from installed packages alone.
"""

import importlib.util
from collections.abc import Iterator
from typing import Any, Literal, get_args

from interleavethinker.tools.errors import GeneratorError, ProfileError

__all__ = [
    "APPROXIMATE_ATTENTION",
    "Attention",
    "check_compiler",
    "compile_denoiser",
    "require_attention_package",
    "set_attention",
    "unusable",
    "use_channels_last",
]

Attention = Literal["auto", "native", "cudnn", "efficient", "math", "flash", "flash3", "sage", "xformers"]
"""`auto` leaves the choice to diffusers, `native` to torch."""
APPROXIMATE_ATTENTION = frozenset({"sage"})
"""Kernels with less than 16 bits: they change images by more than the last bits."""
_NAMES = {"cudnn": "_native_cudnn", "efficient": "_native_efficient", "math": "_native_math", "flash3": "_flash_3"}
"""What diffusers calls those that it calls otherwise."""
_PACKAGES = {
    "flash": ("flash_attn", "flash-attn"),
    "flash3": ("flash_attn_interface", "FlashAttention-3, which is built from its sources"),
    "sage": ("sageattention", "sageattention"),
    "xformers": ("xformers", "xformers"),
}
"""Module and package of attention kernels outside torch."""


def require_attention_package(attention: Attention) -> None:
    """Checks that the package of an attention backend is installed.

    Raises:
        ProfileError: It is not, or there is no such backend.
    """
    if attention not in get_args(Attention):
        raise ProfileError(f"--attention is one of {', '.join(get_args(Attention))}; got {attention}.")
    module, package = _PACKAGES.get(attention, (None, ""))
    if module is not None and importlib.util.find_spec(module) is None:
        remedy = package if " " in package else f"{package}, which is not installed: pip install {package}"
        raise ProfileError(f"--attention {attention} needs {remedy}.")


def set_attention(pipeline: Any, attention: Attention, device: str, dtype: str) -> None:
    """Chooses the attention kernels of a pipeline's denoiser.

    Raises:
        GeneratorError: They do not run on this device, or the denoiser has no choice of kernels.
    """
    if attention == "auto":
        return
    import torch
    from diffusers.models.attention_dispatch import AttentionBackendName, attention_backend, dispatch_attention_fn

    denoiser = _denoiser(pipeline)
    backend = AttentionBackendName(_NAMES.get(attention, attention))
    size = getattr(denoiser.config, "attention_head_dim", None)
    try:
        with attention_backend("native"):  # Otherwise the choice would hold for the whole process.
            denoiser.set_attention_backend(backend.value)
        states = torch.ones(1, 16, 2, size if isinstance(size, int) else 64, dtype=getattr(torch, dtype), device=device)
        with torch.inference_mode():
            dispatch_attention_fn(states, states, states, backend=backend)
    except (RuntimeError, ValueError, TypeError, ImportError, NotImplementedError, AssertionError) as error:
        raise unusable(f"--attention {attention} does not run on {device} in {dtype}", error) from error
    processors = (getattr(module, "processor", None) for module in denoiser.modules())
    if not any(getattr(processor, "_attention_backend", None) == backend for processor in processors):
        raise GeneratorError(
            f"--attention has no effect on this model: its {type(denoiser).__name__} does not let kernels be chosen. "
            "Omit it.",
            code="model_not_loaded",
        )


def use_channels_last(pipeline: Any) -> None:
    """Stores the weights of convolutions in the order that a GPU's convolutions in half precision prefer."""
    import torch

    orders = {4: torch.channels_last, 5: torch.channels_last_3d}
    for module in _convolutional(pipeline):
        for parameter in module.parameters():
            if parameter.ndim in orders and not parameter.is_meta:
                parameter.data = parameter.data.to(memory_format=orders[parameter.ndim])


def check_compiler(device: str) -> None:
    """Compiles one small function for a device.

    Raises:
        GeneratorError: There is no compiler for it.
    """
    import torch

    try:
        torch.compile(lambda x: (x + 1).relu(), backend=_compiler())(torch.ones(4, device=device))
    except Exception as error:
        needed = "triton, which comes with torch's CUDA builds" if "cuda" in device else "a C++ compiler"
        raise unusable(f"--compile cannot compile for {device} (it needs {needed})", error) from error


def compile_denoiser(pipeline: Any) -> None:
    """Lets torch compile a pipeline's denoiser when it is first called; its blocks alone where it names them."""
    denoiser = _denoiser(pipeline)
    if getattr(denoiser, "_repeated_blocks", None):
        denoiser.compile_repeated_blocks(backend=_compiler())  # One block compiles in a fraction of the time of all.
    else:
        denoiser.compile(backend=_compiler())


def _compiler() -> str:
    """The name of torch's compiler backend."""
    return "inductor"


def _denoiser(pipeline: Any) -> Any:
    denoiser = getattr(pipeline, "transformer", None) or getattr(pipeline, "unet", None)
    if denoiser is None:
        raise GeneratorError(
            "--attention and --compile need a model with a transformer or a U-Net; this one has neither.",
            code="model_not_loaded",
        )
    return denoiser


def _convolutional(pipeline: Any) -> Iterator[Any]:
    return (part for part in (getattr(pipeline, name, None) for name in ("vae", "unet")) if part is not None)


def unusable(what: str, error: BaseException) -> GeneratorError:
    """Returns the error of a device or a library that cannot do something.

    A library's own words are repeated only if they cannot hold a path; the log has them anyway.

    Args:
        what: The option, and what it cannot do.
        error: What the library raised.
    """
    reason = next(iter(str(error).strip().splitlines()), "")
    return GeneratorError(
        f"{what}. See the server's log." if not reason or {"/", "\\"} & {*reason} else f"{what}: {reason}",
        code="model_not_loaded",
    )
