"""Finds the folder of a model given to `--model`, and an identity that changes whenever its weights change.

Knows files and repositories, not torch: the identity of a local folder is known before any heavy import, so that a
stored call is answered without waiting for the model.
"""

import hashlib
import importlib.util
import re
import struct
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from interleavethinker.tools.errors import ProfileError
from interleavethinker.tools.files import is_folder
from interleavethinker.tools.model_catalog import FAKE_MODELS, IMAGE_MODELS, image_model, pinned, without_commit
from interleavethinker.tools.structured_text import parse_json

__all__ = ["ModelFiles", "identity_of", "locate", "pipeline_class", "stored_dtype"]

_IMPORT_STRING = re.compile(r"([A-Za-z_]\w*(?:\.\w+)*):([\w./-]+)")
_REPOSITORY = re.compile(r"[\w.-]+/[\w.-]+")
_HASHED_SUFFIXES = {".bin", ".json", ".jinja", ".model", ".pt", ".safetensors", ".txt"}


@dataclass(frozen=True)
class ModelFiles:
    """A pipeline's folder and where it came from."""

    folder: Path
    label: str
    """Name shown to people: the repository's, or the folder's own."""
    repository: str | None = None
    commit: str | None = None
    """The snapshot's commit in the repository."""


def locate(model: str, download: Callable[[str, str | None], Path] | None = None) -> ModelFiles | None:
    """Returns a model's files.

    Args:
        model: A short name, an import string, a folder, a repository, or `repository@commit`.
        download: Downloads a repository at a commit, or its newest one, and returns its snapshot's folder. Without it,
            a repository gives None, since finding its files takes network access and heavy imports.

    Raises:
        ProfileError: No such model exists, or its folder holds no pipeline.
    """
    known = image_model(model)
    target = model if known is None or without_commit(model) != model else known.target
    folder = _package_folder(target) or (Path(target) if is_folder(target) else None)
    if folder is None:
        repository, commit = pinned(target)
        if not _REPOSITORY.fullmatch(repository):
            aliases = ", ".join(entry.alias for entry in IMAGE_MODELS if entry.alias is not None)
            raise ProfileError(
                f"Unknown image model {model!r}. Give a short name ({aliases}, {FAKE_MODELS[0]}), an existing folder, "
                "a repository (owner/name or owner/name@commit), openai:NAME or gemini:NAME."
            )
        if download is None:
            return None
        folder = download(repository, commit)
        # The hub's cache names a snapshot's folder after its commit.
        return ModelFiles(folder, repository, repository, folder.name)
    pipeline_class(folder)
    return ModelFiles(folder, folder.resolve().name)


def identity_of(files: ModelFiles) -> str:
    """Returns the commit of a repository, or a hash of a folder's files (about a second for each gigabyte)."""
    return files.commit or "sha256:" + _hash_of(files.folder)


def pipeline_class(folder: Path) -> str:
    """Returns the name of the pipeline class that a folder was saved from.

    Raises:
        ProfileError: The folder has no readable `model_index.json`.
    """
    try:
        return str(parse_json((folder / "model_index.json").read_text(encoding="utf-8"))["_class_name"])
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise ProfileError(
            f"The folder {folder.name!r} is not a diffusers pipeline: it has no valid model_index.json."
        ) from error


def stored_dtype(folder: Path) -> str | None:
    """Returns the number format of the denoiser's weights (`F32`, `BF16`, …) from the file's header alone."""
    for part in ("transformer", "unet"):
        for path in sorted((folder / part).glob("*.safetensors")):
            with path.open("rb") as file:
                (length,) = struct.unpack("<Q", file.read(8))
                header = parse_json(file.read(min(length, 64 * 1024 * 1024)))
            return next((str(entry["dtype"]) for key, entry in header.items() if key != "__metadata__"), None)
    return None


def _package_folder(target: str) -> Path | None:
    """Finds the folder of `package.module:relative/path`; imports at most the parent packages."""
    match = _IMPORT_STRING.fullmatch(target)
    if match is None or is_folder(target):
        return None
    try:
        spec = importlib.util.find_spec(match.group(1))
    except ModuleNotFoundError:
        spec = None
    for place in (spec.submodule_search_locations or ()) if spec is not None else ():
        folder = Path(place) / match.group(2)
        if folder.is_dir():
            return folder
    raise ProfileError(
        f"The model {target} was not found in an installed package. If it is this project's own checkpoint, install "
        "the package with its data files."
    )


def _hash_of(folder: Path) -> str:
    """Returns a hash of the names and contents of all files that a pipeline loads."""
    total = hashlib.sha256()
    for path in sorted(folder.rglob("*")):
        if path.suffix in _HASHED_SUFFIXES and path.is_file() and not path.name.startswith("."):
            with path.open("rb") as file:
                content = hashlib.file_digest(file, "sha256").hexdigest()
            total.update(f"{path.relative_to(folder).as_posix()}\0{content}\n".encode())
    return total.hexdigest()
