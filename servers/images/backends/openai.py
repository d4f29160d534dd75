"""OpenAI's image API, and everything that speaks like it: `images/generations` and `images/edits`.

The key comes from OPENAI_API_KEY, another host from OPENAI_BASE_URL. These models take no seed: a seed still names
the call, so that the same call with the same seed is answered from the store, and another seed draws anew.
"""

import asyncio
import os
from collections.abc import Sequence
from typing import Any

from pydantic import JsonValue

from interleavethinker.tools.errors import GeneratorError

from .base import ImageRequest, Job
from .hosted import HostedBackend
from .http_api import HostedApi, decoded_image, first_key

__all__ = ["OpenAiBackend"]

_DEFAULT_URL = "https://api.openai.com/v1"
_SIZES = ((1024, 1024), (1536, 1024), (1024, 1536))


class OpenAiBackend(HostedBackend):
    """Draws and edits with one hosted model.

    Args:
        model: Name as the API knows it, for example `gpt-image-1`.
        sizes: What the model can draw; the one nearest in shape is chosen. Empty: any size is passed on as asked.
        pause: See `HostedApi`.
    """

    def __init__(self, model: str, sizes: Sequence[tuple[int, int]] = _SIZES, pause: float = 1.0) -> None:
        self._sizes = tuple(sizes)
        base_url = os.environ.get("OPENAI_BASE_URL", "").strip() or _DEFAULT_URL
        headers = {"Authorization": f"Bearer {first_key('OPENAI_API_KEY')}"}
        for header, variable in (("OpenAI-Organization", "OPENAI_ORG_ID"), ("OpenAI-Project", "OPENAI_PROJECT_ID")):
            if os.environ.get(variable):
                headers[header] = os.environ[variable]
        super().__init__("openai", model, base_url, HostedApi(base_url, headers, pause=pause, reason=_reason))

    def arguments(self, order: ImageRequest) -> dict[str, JsonValue]:
        """See `Backend.arguments`. Steps and guidance are none of this API's business."""
        width, height = order.source_size or (1024, 1024)
        width, height = order.width or width, order.height or height
        if self._sizes:
            width, height = min(self._sizes, key=lambda size: abs(size[0] / size[1] - width / height))
        return {"width": width, "height": height}

    async def draw_one(self, job: Job) -> bytes:
        """See `HostedBackend.draw_one`."""
        size = f"{job.arguments['width']}x{job.arguments['height']}"
        fields: dict[str, Any] = {"model": self._model, "prompt": job.order.prompt, "size": size, "n": 1}
        if not self._model.startswith("gpt-image"):
            # The gpt-image models always answer in base64 and refuse the argument.
            fields["response_format"] = "b64_json"
        if job.source_png is None:
            answer = await self._api.post("images/generations", json=fields)
        else:
            form = {name: str(value) for name, value in fields.items()}
            files = {"image": ("image.png", job.source_png, "image/png")}
            answer = await self._api.post("images/edits", data=form, files=files)
        try:
            text = answer["data"][0]["b64_json"]
        except (KeyError, IndexError, TypeError) as error:
            raise GeneratorError("The API must answer with data[0].b64_json; it did not.", code="no_image") from error
        return await asyncio.to_thread(decoded_image, text)


def _reason(body: Any) -> tuple[str, str]:
    error = body["error"]
    return str(error.get("code") or error.get("type") or ""), str(error.get("message") or "")
