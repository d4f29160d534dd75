"""Looks at a folder of model weights before a library loads it: what is missing, cut off, not downloaded, or unsafe.

Libraries report such files as an `OSError` after seconds, without a name. Only sizes and headers are read. Weights in
pickle format (`.bin`) are refused: loading them can run code. Knows files only, not models.
"""

import json
import re
import struct
from pathlib import Path

__all__ = ["damaged_weights", "safetensors_problem"]

_PICKLES = re.compile(r"(?:diffusion_)?(?:pytorch_)?model(?:[.-].*)?\.(?:bin|ckpt|pt|pth)")
_POINTER = b"version https://git-lfs"
_MAX_HEADER = 100 * 1024 * 1024
_AGAIN = "Download the model again."
_DEPTH = ("*", "*/*")
"""A model's files lie in its folder, a pipeline's also one folder below."""


def damaged_weights(folder: Path) -> str | None:
    """Returns what is wrong with the weights in a folder and what to do; None if nothing is.

    Args:
        folder: Of a model, or of a diffusers pipeline.
    """
    files = sorted(path for pattern in _DEPTH for path in folder.glob(pattern) if path.is_file())
    for path in files:
        name = path.relative_to(folder).as_posix()
        problem = None
        if path.suffix == ".safetensors":
            problem = safetensors_problem(path)
        elif path.suffix == ".incomplete":
            problem = "is the beginning of a download that was interrupted"
        elif path.name in {"model_index.json", "config.json"} or path.name.endswith(".safetensors.index.json"):
            problem = _json_problem(path)
        if problem is not None:
            return f"{name} {problem}. {_AGAIN}"
    safe = {path.parent for path in files if path.suffix == ".safetensors"}
    pickled = next((path for path in files if _PICKLES.fullmatch(path.name) and path.parent not in safe), None)
    if pickled is None:
        return None
    return (
        f"{pickled.relative_to(folder).as_posix()} is in pickle format, which can run code when it is loaded, and no "
        ".safetensors file is beside it. Use a version of the model in that format, or convert it on a machine that "
        "you can afford to lose."
    )


def safetensors_problem(path: Path) -> str | None:
    """Returns what is wrong with a file of weights, as the end of a sentence; None if it is whole."""
    size = path.stat().st_size
    with path.open("rb") as file:
        start = file.read(8)
        if start and _POINTER.startswith(start):
            return "is a pointer of Git LFS, not the weights themselves"
        if len(start) < 8:
            return f"is cut off: it has {size} bytes"
        (length,) = struct.unpack("<Q", start)
        if length > _MAX_HEADER:
            return "is damaged: its header cannot be read"
        try:
            header = json.loads(file.read(length))
            ends = [entry["data_offsets"][1] for name, entry in header.items() if name != "__metadata__"]
            whole = 8 + length + max(ends, default=0)
        except (ValueError, KeyError, TypeError, IndexError, AttributeError, RecursionError):
            cut = size < 8 + length
            return f"is cut off: it has {size} bytes" if cut else "is damaged: its header cannot be read"
    return f"is cut off: it has {size} of {whole} bytes" if size < whole else None


def _json_problem(path: Path) -> str | None:
    try:
        content = json.loads(path.read_bytes())
        parts = set(content["weight_map"].values()) if path.name.endswith(".index.json") else set()
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError):
        return "is damaged: it is no valid JSON"
    missing = sorted(str(part) for part in parts if not (path.parent / str(part)).is_file())
    return f"names {missing[0]}, which is missing" if missing else None
