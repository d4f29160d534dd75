"""How each diffusers pipeline wants to be called: sizes, steps, guidance, batching, licence. Data, no behaviour.

Settings come from three places, later ones winning: what is known of the pipeline class, what is known of the
repository, and `call_arguments.json` beside the weights. A folder of one's own thus needs no code here.
"""

import json
from pathlib import Path
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field, JsonValue, ValidationError

from interleavethinker.tools.errors import ProfileError
from interleavethinker.tools.model_catalog import IMAGE_MODELS

__all__ = ["PipelineSettings", "settings_for"]

CALL_ARGUMENTS = "call_arguments.json"


class PipelineSettings(BaseModel):
    """How to call one pipeline (or one for generating and one for editing)."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    arguments: dict[str, JsonValue] = Field(default_factory=dict)
    """Call arguments of both operations; `width` and `height` are the size of a picture drawn from text alone."""
    generate_arguments: dict[str, JsonValue] = Field(default_factory=dict)
    """Added, or replacing, when drawing from text alone."""
    edit_arguments: dict[str, JsonValue] = Field(default_factory=dict)
    """Added, or replacing, when editing."""
    generate_with: str | None = None
    """Repository or folder of another pipeline that draws from text alone, where the main one only edits."""
    guidance_argument: str = "guidance_scale"
    area_argument: str | None = None
    """Name of an argument that must carry width x height (Kontext scales everything to it)."""
    image_as_list: bool = False
    """Whether a single source is passed as a list of one (pipelines that take several references)."""
    edit_batching: Literal["references", "stacked", "none"] = "none"
    """How edits of different sources share a call: `references` gives every sample its own reference latents (the
    stock pipeline would give every sample all of them), `stacked` passes a list as long as the batch, `none` makes one
    call for each."""
    batch_prompts: bool = True
    """Whether the pipeline takes several prompts at all."""
    max_batch: int = Field(default=8, ge=1)
    multiple_of: int = Field(default=16, ge=1)
    """Width and height are rounded down to this."""
    edit_max_pixels: int = 1024 * 1024
    """An edit's result is at most this large unless a size is asked for; larger sources are scaled down."""
    source_min_side: int = 1
    """A source smaller than this is refused, as the pipeline itself would, only with words that help."""
    source_max_aspect: float = 100.0
    """The longer side divided by the shorter one, at most."""
    dtype: Literal["auto", "bfloat16", "float16", "float32"] = "auto"
    """`auto`: as stored; weights stored in half precision are used as float32 on a CPU."""
    needs: tuple[str, ...] = ()
    """Modules that the pipeline imports beyond this project's own dependencies."""
    device: Literal["auto", "cpu"] = "auto"
    """`cpu`: on anything else the pipeline's pictures would be others."""
    threads: int | None = None
    """CPU threads for the model; None leaves it to torch."""


_BY_CLASS: dict[str, dict[str, JsonValue]] = {
    "Flux2KleinPipeline": {
        "edit_batching": "references",
        "image_as_list": True,
        "source_min_side": 64,
        "source_max_aspect": 8.0,
        "arguments": {"width": 1024, "height": 1024, "num_inference_steps": 4, "guidance_scale": 1.0},
    },
    "FluxKontextPipeline": {
        "edit_batching": "stacked",
        "area_argument": "max_area",
        "arguments": {"width": 1024, "height": 1024, "num_inference_steps": 28, "guidance_scale": 2.5},
    },
    "QwenImageEditPlusPipeline": {
        "image_as_list": True,
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


def settings_for(pipeline_class: str, repository: str | None, folder: Path | None) -> PipelineSettings:
    """Returns how to call a pipeline.

    Args:
        pipeline_class: Class name as in `model_index.json`.
        repository: The repository it came from, if any.
        folder: Where it lies; `call_arguments.json` in it is read. Keys that are fields of `PipelineSettings` are taken
            as such, all others are call arguments.

    Raises:
        ProfileError: The file in the folder is malformed.
    """
    merged = dict(_BY_CLASS.get(pipeline_class, {})) | _BY_REPOSITORY.get(repository or "", {})
    if folder is not None and (granularity := _granularity(folder)) is not None:
        merged["multiple_of"] = granularity
    path = None if folder is None else folder / CALL_ARGUMENTS
    try:
        own: JsonValue = {} if path is None or not path.is_file() else json.loads(path.read_text(encoding="utf-8"))
        if not isinstance(own, dict):
            raise ProfileError(f"{CALL_ARGUMENTS} must hold a JSON object; it holds something else.")
        call_arguments = {key: value for key, value in own.items() if key not in _OWN_KEYS}
        merged |= {key: value for key, value in own.items() if key in _OWN_KEYS and key != "arguments"}
        known, further = merged.get("arguments", {}), own.get("arguments", {})
        if isinstance(known, dict) and isinstance(further, dict):
            merged["arguments"] = known | further | call_arguments
        return PipelineSettings.model_validate(merged)
    except (ValidationError, json.JSONDecodeError) as error:
        raise ProfileError(f"{CALL_ARGUMENTS} must hold call arguments or settings: {error}") from error


def _granularity(folder: Path) -> int | None:
    """Pixels per token's side: the image encoder halves once per level but the first, and tokens are 2 x 2 latents."""
    try:
        levels = json.loads((folder / "vae" / "config.json").read_text(encoding="utf-8"))["block_out_channels"]
        return int(2 ** len(levels))
    except (OSError, ValueError, KeyError, TypeError):
        return None
