"""OpenAI's image API and compatible ones: `images/generations` and `images/edits`.

The key is read from OPENAI_API_KEY, another host from OPENAI_BASE_URL. These models take no seed. The seed still
identifies the call: the same call with the same seed is answered from the store, another seed generates a new image.
"""

import asyncio
import io
import os
from collections.abc import Sequence
from typing import Any

from pydantic import JsonValue

from interleavethinker.tools.errors import GeneratorError
from interleavethinker.tools.image_sizes import pixels_for, read_size
from interleavethinker.tools.images.png import open_rgb

from .base import ImageRequest, Job, unsupported_size
from .hosted import HostedBackend
from .http_api import HostedApi, decode_image, first_api_key

__all__ = ["OpenAiBackend"]

_DEFAULT_URL = "https://api.openai.com/v1"
_SIZES = ((1024, 1024), (1536, 1024), (1024, 1536))


class OpenAiBackend(HostedBackend):
    """Generates and edits images with one hosted model.

    Args:
        model: The model's name at the API, for example `gpt-image-1`.
        sizes: Sizes that the model supports; the one nearest in shape is chosen. Empty: every size is passed on.
        retry_delay: See `HostedApi`.

    Raises:
        ProfileError: OPENAI_API_KEY is not set.
    """

    inpaints = True

    def __init__(self, model: str, sizes: Sequence[tuple[int, int]] = _SIZES, retry_delay: float = 1.0) -> None:
        self._sizes = tuple(sizes)
        base_url = os.environ.get("OPENAI_BASE_URL", "").strip() or _DEFAULT_URL
        headers = {"Authorization": f"Bearer {first_api_key('OPENAI_API_KEY')}"}
        for header, variable in (("OpenAI-Organization", "OPENAI_ORG_ID"), ("OpenAI-Project", "OPENAI_PROJECT_ID")):
            if os.environ.get(variable):
                headers[header] = os.environ[variable]
        super().__init__(
            "openai", model, base_url, HostedApi(base_url, headers, retry_delay=retry_delay, parse_error=_parse_error)
        )

    @property
    def max_references(self) -> int:
        """See `Backend.max_references`. The gpt-image models take 16 images, the older ones a single one."""
        return 15 if self._model.startswith("gpt-image") else 0

    def arguments(self, request: ImageRequest) -> dict[str, JsonValue]:
        """See `Backend.arguments`. The API takes neither steps nor guidance, so both are ignored."""
        if request.size is not None:
            width, height = self._exact_size(request.size)
            return {"width": width, "height": height}
        width, height = request.source_size or (1024, 1024)
        width, height = request.width or width, request.height or height
        if self._sizes:
            width, height = min(self._sizes, key=lambda size: abs(size[0] / size[1] - width / height))
        return {"width": width, "height": height}

    def _exact_size(self, size: str) -> tuple[int, int]:
        """Returns the width and height that the API is asked for; a shape of about a megapixel for a ratio."""
        if not self._sizes:
            return pixels_for(size, 1024 * 1024)
        asked = read_size(size)
        for width, height in self._sizes:
            if (width, height) == (asked.width, asked.height) or (
                not asked.exact and width * asked.height == height * asked.width
            ):
                return width, height
        raise unsupported_size(size, [f"{width}x{height}" for width, height in self._sizes])

    async def generate_one(self, job: Job) -> bytes:
        """See `HostedBackend.generate_one`."""
        size = f"{job.arguments['width']}x{job.arguments['height']}"
        fields: dict[str, Any] = {"model": self._model, "prompt": job.request.prompt, "size": size, "n": 1}
        if not self._model.startswith("gpt-image"):
            # The gpt-image models always answer in base64 and reject this argument.
            fields["response_format"] = "b64_json"
        if not job.request.has_images:
            response = await self._api.post("images/generations", json=fields)
        else:
            form = {name: str(value) for name, value in fields.items()}
            images = [job.source_png, *job.reference_pngs] if job.source_png is not None else [*job.reference_pngs]
            field = "image" if len(images) == 1 else "image[]"
            files = [(field, ("image.png", image, "image/png")) for image in images]
            if job.mask_png is not None:
                files.append(("mask", ("mask.png", await asyncio.to_thread(_transparent, job.mask_png), "image/png")))
            response = await self._api.post("images/edits", data=form, files=files)
        try:
            text = response["data"][0]["b64_json"]
        except (KeyError, IndexError, TypeError) as error:
            raise GeneratorError(
                "The API's answer contains no image (data[0].b64_json is missing).", code="no_image"
            ) from error
        return await asyncio.to_thread(decode_image, text)


def _transparent(mask: bytes) -> bytes:
    """Returns a mask as the API takes it: transparent where to edit."""
    from PIL import Image, ImageOps

    alpha = ImageOps.invert(open_rgb(mask).convert("L"))
    image = Image.merge("RGBA", [Image.new("L", alpha.size)] * 3 + [alpha])
    data = io.BytesIO()
    image.save(data, "png")
    return data.getvalue()


def _parse_error(body: Any) -> tuple[str, str]:
    error = body["error"]
    return str(error.get("code") or error.get("type") or ""), str(error.get("message") or "")
