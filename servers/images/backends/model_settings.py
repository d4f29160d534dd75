"""How to call each diffusers pipeline: sizes, steps, guidance, batching. Data, no behavior.

Settings come from four sources, later ones winning: the pipeline class, the repository, `call_arguments.json` beside
the weights, and `server.toml` there, which is not part of the model's identity. A custom model folder therefore needs
no code here.
"""

from pathlib import Path
from typing import Literal

from pydantic import ConfigDict, Field, JsonValue

from interleavethinker.tools.errors import ProfileError
from interleavethinker.tools.image_sizes import ImageSize
from interleavethinker.tools.model_catalog import IMAGE_MODELS
from interleavethinker.tools.strict_numbers import StrictNumbers
from interleavethinker.tools.structured_text import parse_json, parse_toml

__all__ = ["PipelineSettings", "settings_for"]

CALL_ARGUMENTS = "call_arguments.json"
_SERVER_SETTINGS = "server.toml"
"""For settings that do not change the pixels of a call with equal arguments: the file is not hashed into digests."""


class PipelineSettings(StrictNumbers):
    """How to call one pipeline (or one for generating and one for editing)."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    arguments: dict[str, JsonValue] = Field(default_factory=dict)
    """Call arguments of both operations; `width` and `height` are the size of an image generated from text alone."""
    generate_arguments: dict[str, JsonValue] = Field(default_factory=dict)
    """Added to or replacing `arguments` when generating from text alone."""
    edit_arguments: dict[str, JsonValue] = Field(default_factory=dict)
    """Added to or replacing `arguments` when editing."""
    generate_with: str | None = None
    """Repository or folder of another pipeline that generates from text alone, where the main one only edits."""
    guidance_argument: str = "guidance_scale"
    area_argument: str | None = None
    """Name of an argument that takes width x height (Kontext scales everything to it)."""
    image_as_list: bool = False
    """Whether a single source is passed as a list of one, for pipelines that take several references."""
    edit_batching: Literal["references", "stacked", "none"] = "none"
    """How edits of different sources share a call: `references` gives every sample its own reference latents (the
    stock pipeline would give every sample all of them), `stacked` passes a list as long as the batch, `none` makes a
    separate call for each."""
    batch_prompts: bool = True
    """Whether the pipeline accepts several prompts at all."""
    max_batch: int = Field(default=8, ge=1)
    multiple_of: int = Field(default=16, ge=1)
    """Width and height are rounded down to this."""
    edit_max_pixels: int = 1024 * 1024
    """Maximum size of an edit's result unless the request gives a size; larger sources are scaled down."""
    sizes: tuple[ImageSize, ...] = ()
    """The only sizes that can be asked for by `size`; empty: all whose sides are multiples of `multiple_of`."""
    source_fit: Literal["whole", "pad"] = "whole"
    """What happens to a source whose shape differs from the `size` that is asked for. `whole` passes it as it is, for
    models that take it as a reference and compose the new shape; `pad` scales it to fit and adds a plain margin."""
    max_references: int = Field(default=0, ge=0)
    """How many images the pipeline takes besides the source. Needs `image_as_list`."""
    inpaint_with: str | None = None
    """Class of diffusers with the same parts that takes a mask. None: the source is edited as a whole, and the service
    uses the masked region of the result."""
    inpaint_arguments: dict[str, JsonValue] = Field(default_factory=dict)
    """Added to or replacing the others when editing with a mask."""
    inpaints: bool = True
    """Whether masked edits use `inpaint_with`; false for models that were not trained to be called in its way."""
    source_min_side: int = 1
    """Pixels; a smaller source is refused with a helpful message, where the pipeline's own would not help."""
    source_max_aspect: float = 100.0
    """Maximum of the longer side divided by the shorter one."""
    dtype: Literal["auto", "bfloat16", "float16", "float32"] = "auto"
    """`auto` uses the stored dtype, except that half precision becomes float32 on a CPU."""
    needs: tuple[str, ...] = ()
    """Modules that the pipeline imports beyond this project's own dependencies."""
    device: Literal["auto", "cpu"] = "auto"
    """`cpu` where any other device gives different images."""
    threads: int | None = None
    """CPU threads for the model; None leaves the number to torch."""


_BY_CLASS: dict[str, dict[str, JsonValue]] = {
    "Flux2KleinPipeline": {
        "edit_batching": "references",
        "image_as_list": True,
        "max_references": 3,
        "source_min_side": 64,
        "source_max_aspect": 8.0,
        "inpaint_with": "Flux2KleinInpaintPipeline",
        "inpaint_arguments": {"strength": 1.0},
        "arguments": {"width": 1024, "height": 1024, "num_inference_steps": 4, "guidance_scale": 1.0},
    },
    "FluxKontextPipeline": {
        "edit_batching": "stacked",
        "area_argument": "max_area",
        "inpaint_with": "FluxKontextInpaintPipeline",
        "inpaint_arguments": {"strength": 1.0},
        "arguments": {"width": 1024, "height": 1024, "num_inference_steps": 28, "guidance_scale": 2.5},
    },
    "QwenImageEditPlusPipeline": {
        "image_as_list": True,
        "max_references": 2,
        "batch_prompts": False,
        "needs": ["torchvision"],
        "max_batch": 1,
        "guidance_argument": "true_cfg_scale",
        "arguments": {
            "width": 1024,
            "height": 1024,
            "num_inference_steps": 40,
            "true_cfg_scale": 4.0,
            "negative_prompt": " ",
        },
        "edit_arguments": {"guidance_scale": 1.0},
    },
}
_BY_REPOSITORY: dict[str, dict[str, JsonValue]] = {
    model.target: {"generate_with": model.generates_with} for model in IMAGE_MODELS if model.generates_with is not None
}
_OWN_KEYS = frozenset(PipelineSettings.model_fields)
_SERVER_KEYS = frozenset({"inpaints", "max_references", "sizes", "source_fit"})


def settings_for(pipeline_class: str, repository: str | None, folder: Path | None) -> PipelineSettings:
    """Returns how to call a pipeline.

    Args:
        pipeline_class: Class name as in `model_index.json`.
        repository: The repository it was downloaded from, if any.
        folder: Its folder; `call_arguments.json` in it is read. Keys that are fields of `PipelineSettings` are
            settings, all others are call arguments. `server.toml` may hold `inpaints`, `max_references`, `sizes` and
            `source_fit`.

    Raises:
        ProfileError: One of the files is malformed.
    """
    merged = dict(_BY_CLASS.get(pipeline_class, {})) | _BY_REPOSITORY.get(repository or "", {})
    if folder is not None and (granularity := _granularity(folder)) is not None:
        merged["multiple_of"] = granularity
    path = None if folder is None else folder / CALL_ARGUMENTS
    try:
        own: JsonValue = {} if path is None or not path.is_file() else parse_json(path.read_text(encoding="utf-8"))
        if not isinstance(own, dict):
            raise ProfileError(f"{CALL_ARGUMENTS} must contain a JSON object.")
        call_arguments = {key: value for key, value in own.items() if key not in _OWN_KEYS}
        merged |= {key: value for key, value in own.items() if key in _OWN_KEYS and key != "arguments"}
        default, given = merged.get("arguments", {}), own.get("arguments", {})
        if isinstance(default, dict) and isinstance(given, dict):
            merged["arguments"] = default | given | call_arguments
        if folder is not None:
            merged |= _server_settings(folder / _SERVER_SETTINGS)
        return PipelineSettings.model_validate(merged)
    except ValueError as error:
        raise ProfileError(f"{CALL_ARGUMENTS} contains invalid settings: {error}") from error


def _server_settings(path: Path) -> dict[str, JsonValue]:
    if not path.is_file():
        return {}
    try:
        settings = parse_toml(path.read_text(encoding="utf-8"))
    except ValueError as error:
        raise ProfileError(f"{_SERVER_SETTINGS} is not valid TOML: {error}") from error
    if unknown := set(settings) - _SERVER_KEYS:
        found = ", ".join(sorted(unknown))
        raise ProfileError(f"{_SERVER_SETTINGS} may only hold {', '.join(sorted(_SERVER_KEYS))}; found {found}.")
    return settings


def _granularity(folder: Path) -> int | None:
    """Pixels per side of a token: each level of the encoder but the first halves, and a token is 2 x 2 latents."""
    try:
        levels = parse_json((folder / "vae" / "config.json").read_text(encoding="utf-8"))["block_out_channels"]
        return int(2 ** len(levels))
    except (OSError, ValueError, KeyError, TypeError):
        return None
