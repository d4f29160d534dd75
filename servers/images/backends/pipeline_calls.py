"""From requests to the arguments of diffusers pipeline calls: size, prompts, seeds, sources, batching.

Pipelines differ in a few ways that `PipelineSettings` describes; each function here covers one of them. Nothing is
loaded or run.
"""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from pydantic import JsonValue

from interleavethinker.tools.errors import GeneratorError, InputError
from interleavethinker.tools.image_sizes import pixels_for, read_size
from interleavethinker.tools.images.fitting import fitted
from interleavethinker.tools.images.png import open_rgb
from interleavethinker.tools.plain_text import without_control_tokens

from .base import ImageRequest, Job, unsupported_size
from .model_settings import PipelineSettings

if TYPE_CHECKING:
    from PIL.Image import Image

__all__ = ["is_inpainting", "pipeline_arguments", "request_arguments", "split_into_calls"]


def request_arguments(request: ImageRequest, settings: PipelineSettings) -> dict[str, JsonValue]:
    """Returns all effective call arguments of a request except prompt, seed and source.

    Raises:
        InputError: The model cannot edit a source of this size.
    """
    specific = settings.edit_arguments if request.has_images else settings.generate_arguments
    arguments = dict(settings.arguments) | specific
    if request.steps is not None:
        arguments["num_inference_steps"] = request.steps
    if request.guidance is not None:
        arguments[settings.guidance_argument] = request.guidance
    if is_inpainting(request, settings):
        arguments |= settings.inpaint_arguments
    width, height = _result_size(request, arguments, settings)
    arguments |= {"width": width, "height": height}
    if settings.area_argument is not None:
        arguments[settings.area_argument] = width * height
    return arguments


def is_inpainting(request: ImageRequest, settings: PipelineSettings) -> bool:
    """Returns whether a request is served by the pipeline that takes a mask. That one takes no further references."""
    inpaints = settings.inpaints and settings.inpaint_with is not None
    return inpaints and request.mask is not None and request.source is not None and not request.references


def split_into_calls(jobs: Sequence[Job], settings: PipelineSettings) -> list[Sequence[Job]]:
    """Returns the jobs of each pipeline call: all of them together where the pipeline allows it, else one by one."""
    # A pipeline would give every sample the references of all.
    if jobs[0].request.references or is_inpainting(jobs[0].request, settings):
        return [[job] for job in jobs]
    editing = jobs[0].request.source is not None
    together = settings.batch_prompts and not (editing and settings.edit_batching == "none")
    return [jobs] if together or len(jobs) == 1 else [[job] for job in jobs]


def pipeline_arguments(jobs: Sequence[Job], settings: PipelineSettings) -> dict[str, Any]:
    """Returns the keyword arguments of one pipeline call.

    A single job is passed as plain values, as in a call by hand; several are passed as lists, one entry each.

    Args:
        jobs: Jobs of one kind, as `split_into_calls` grouped them.
        settings: How to call the pipeline.
    """
    arguments = {**jobs[0].arguments, **_seed_argument(jobs)}
    arguments |= _prompt_arguments(jobs)
    if is_inpainting(jobs[0].request, settings):
        return arguments | {"image": _open_source(jobs[0], settings), "mask_image": _open_mask(jobs[0])}
    if jobs[0].request.has_images:
        arguments |= _source_argument(jobs, settings)
    return arguments


def _prompt_arguments(jobs: Sequence[Job]) -> dict[str, Any]:
    """The prompts as text, without names of control tokens, and the negative prompt repeated for each of them."""
    texts = [without_control_tokens(job.request.prompt) for job in jobs]
    if len(jobs) == 1:
        return {"prompt": texts[0]}
    prompts: dict[str, Any] = {"prompt": texts}
    negative = jobs[0].arguments.get("negative_prompt")
    if isinstance(negative, str):
        prompts["negative_prompt"] = [negative] * len(jobs)
    return prompts


def _seed_argument(jobs: Sequence[Job]) -> dict[str, Any]:
    """A generator for each job; on the CPU, so that a seed gives the same noise on every device."""
    import torch

    generators = [torch.Generator("cpu").manual_seed(job.request.seed) for job in jobs]
    return {"generator": generators[0] if len(jobs) == 1 else generators}


def _source_argument(jobs: Sequence[Job], settings: PipelineSettings) -> dict[str, Any]:
    """The source of each job; a single one as a list only for pipelines that take several references."""
    if jobs[0].request.references:
        job = jobs[0]
        source = [] if job.request.source is None else [_open_source(job, settings)]
        return {"image": [*source, *map(open_rgb, job.reference_pngs)]}
    sources = [_open_source(job, settings) for job in jobs]
    return {"image": sources if settings.image_as_list or len(jobs) > 1 else sources[0]}


def _open_source(job: Job, settings: PipelineSettings) -> "Image":
    if job.source_png is None:
        raise GeneratorError("The source image of an edit is missing.")
    source = open_rgb(job.source_png)
    if job.request.size is None or settings.source_fit == "whole":
        return source
    return fitted(source, (int(str(job.arguments["width"])), int(str(job.arguments["height"]))))


def _open_mask(job: Job) -> "Image":
    if job.mask_png is None:
        raise GeneratorError("The mask of an edit is missing.")
    return open_rgb(job.mask_png).convert("L")


def _result_size(
    request: ImageRequest, arguments: Mapping[str, JsonValue], settings: PipelineSettings
) -> tuple[int, int]:
    """Returns width and height: as requested, else like the source, else the model's own; rounded down to its steps."""
    if request.source_size is not None:
        if request.size is None or settings.source_fit == "whole":
            _check_source(*request.source_size, settings)
        width, height = request.source_size
        scale = min(1.0, (settings.edit_max_pixels / (width * height)) ** 0.5)
        width, height = int(width * scale), int(height * scale)
    else:
        width, height = int(str(arguments.get("width", 1024))), int(str(arguments.get("height", 1024)))
    for reference in request.reference_sizes:
        _check_source(*reference, settings)
    step = settings.multiple_of
    if request.size is not None:
        return _exact_size(request.size, arguments, settings)
    width, height = request.width or width, request.height or height
    return max(step, width // step * step), max(step, height // step * step)


def _exact_size(size: str, arguments: Mapping[str, JsonValue], settings: PipelineSettings) -> tuple[int, int]:
    """Returns width and height for a size that must be met.

    Raises:
        InputError: The model cannot generate it; the message names sizes that it can.
    """
    step = settings.multiple_of
    area = int(str(arguments.get("width", 1024))) * int(str(arguments.get("height", 1024)))
    asked = read_size(size)
    if settings.sizes:
        for allowed in settings.sizes:
            width, height = pixels_for(allowed, area)
            if (width, height) == (asked.width, asked.height) or (
                not asked.exact and width * asked.height == height * asked.width
            ):
                return width, height
        raise unsupported_size(size, settings.sizes)
    width, height = pixels_for(size, area, step)
    if width % step or height % step:
        lower, upper = ([side // step * step + up for side in (width, height)] for up in (0, step))
        near = [f"{max(step, lower[0])}x{max(step, lower[1])}", f"{upper[0]}x{upper[1]}"]
        error = unsupported_size(size, near)
        raise InputError(f"{error} Both sides must be multiples of {step} pixels.", code=error.code)
    return width, height


def _check_source(width: int, height: int, settings: PipelineSettings) -> None:
    shorter, longer = sorted((width, height))
    if shorter < settings.source_min_side or longer > shorter * settings.source_max_aspect:
        raise InputError(
            f"This model cannot edit an image of {width} x {height} pixels. Each side needs at least "
            f"{settings.source_min_side} pixels, and the longer side may be at most "
            f"{settings.source_max_aspect:g} times the shorter one.",
            code="invalid_image",
        )
