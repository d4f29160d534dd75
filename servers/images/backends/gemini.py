"""Gemini's native image models (`gemini-2.5-flash-image` and its successors) over `generateContent`.

The key comes from GEMINI_API_KEY or GOOGLE_API_KEY, another host from GEMINI_BASE_URL. A seed is sent, yet equal seeds
are not promised to give equal images there: repeats are answered from this server's store.
"""

import asyncio
import base64
import os
from typing import Any

from pydantic import JsonValue

from interleavethinker.tools.errors import GeneratorError, InputError

from .base import ImageRequest, Job
from .hosted import HostedBackend
from .http_api import HostedApi, decoded_image, first_key

__all__ = ["GeminiBackend"]

_DEFAULT_URL = "https://generativelanguage.googleapis.com/v1beta"
_RATIOS = {
    name: int(name.partition(":")[0]) / int(name.partition(":")[2])
    for name in ("1:1", "2:3", "3:2", "3:4", "4:3", "4:5", "5:4", "9:16", "16:9", "21:9")
}
_REFUSALS = {
    "BLOCKLIST",
    "IMAGE_PROHIBITED_CONTENT",
    "IMAGE_SAFETY",
    "PROHIBITED_CONTENT",
    "RECITATION",
    "SAFETY",
    "SPII",
}


class GeminiBackend(HostedBackend):
    """Draws and edits with one hosted model.

    Args:
        model: Name as the API knows it.
        pause: See `HostedApi`.
    """

    def __init__(self, model: str, pause: float = 1.0) -> None:
        base_url = os.environ.get("GEMINI_BASE_URL", "").strip() or _DEFAULT_URL
        headers = {"x-goog-api-key": first_key("GEMINI_API_KEY", "GOOGLE_API_KEY")}
        super().__init__("gemini", model, base_url, HostedApi(base_url, headers, pause=pause, reason=_reason))

    def arguments(self, order: ImageRequest) -> dict[str, JsonValue]:
        """See `Backend.arguments`. The API takes a shape, not a size; width and height say which one is nearest."""
        width, height = order.source_size or (1024, 1024)
        width, height = order.width or width, order.height or height
        shape = min(_RATIOS, key=lambda name: abs(_RATIOS[name] - width / height))
        asked = order.width is not None or order.height is not None or order.source is None
        # An edit keeps its source's shape by itself, exactly; naming the nearest one would bend it.
        return {"aspect_ratio": shape if asked else None}

    async def draw_one(self, job: Job) -> bytes:
        """See `HostedBackend.draw_one`."""
        parts: list[dict[str, Any]] = [{"text": job.order.prompt}]
        if job.source_png is not None:
            data = base64.b64encode(job.source_png).decode()
            parts.append({"inlineData": {"mimeType": "image/png", "data": data}})
        # The field is a signed 32-bit number there.
        options: dict[str, Any] = {"responseModalities": ["IMAGE"], "seed": job.order.seed % 2**31}
        if job.arguments["aspect_ratio"] is not None:
            options["imageConfig"] = {"aspectRatio": job.arguments["aspect_ratio"]}
        body = {"contents": [{"role": "user", "parts": parts}], "generationConfig": options}
        answer = await self._api.post(f"models/{self._model}:generateContent", json=body)
        return await asyncio.to_thread(decoded_image, _image_in(answer))


def _image_in(answer: Any) -> str:
    """Finds the image's base64 in an answer that says 200 also when it refuses.

    Raises:
        InputError: The model refuses this prompt or image.
        GeneratorError: There is no image for another reason; the model may draw one next time.
    """
    blocked = _at(answer, "promptFeedback", "blockReason")
    reason = str(blocked or _at(answer, "candidates", 0, "finishReason") or "")
    parts = _at(answer, "candidates", 0, "content", "parts")
    for part in parts if isinstance(parts, list) else []:
        data = _at(part, "inlineData", "data") or _at(part, "inline_data", "data")
        if isinstance(data, str):
            return data
    if blocked or reason in _REFUSALS:
        raise InputError(f"The API refused the request: {reason}", code="refused")
    raise GeneratorError(
        f"The API must answer with an image; it ended with {reason or 'no reason'}.", code="no_image", retryable=True
    )


def _at(value: Any, *path: str | int) -> Any:
    for step in path:
        try:
            value = value[step]
        except (KeyError, IndexError, TypeError):
            return None
    return value


def _reason(body: Any) -> tuple[str, str]:
    error = body["error"]
    return str(error.get("status") or ""), str(error.get("message") or "")
