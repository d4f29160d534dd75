"""Gemini's native image models (`gemini-2.5-flash-image` and its successors) over `generateContent`.

The key is read from GEMINI_API_KEY or GOOGLE_API_KEY, another host from GEMINI_BASE_URL. The seed is sent, but the API
does not promise equal images for equal seeds; repeated calls are answered from this server's store.
"""

import asyncio
import base64
import os
from typing import Any

from pydantic import JsonValue

from interleavethinker.tools.errors import GeneratorError, RefusalError
from interleavethinker.tools.image_sizes import read_size
from interleavethinker.tools.plain_text import quotation

from .base import ImageRequest, Job, unsupported_size
from .hosted import HostedBackend
from .http_api import HostedApi, decode_image, first_api_key

__all__ = ["GeminiBackend"]

_DEFAULT_URL = "https://generativelanguage.googleapis.com/v1beta"
_RATIOS = {
    name: int(name.partition(":")[0]) / int(name.partition(":")[2])
    for name in ("1:1", "2:3", "3:2", "3:4", "4:3", "4:5", "5:4", "9:16", "16:9", "21:9")
}
_LONGEST_REASON = 60
"""Characters; the longest known one has 24."""
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
    """Generates and edits images with one hosted model.

    Args:
        model: The model's name at the API.
        retry_delay: See `HostedApi`.

    Raises:
        ProfileError: Neither GEMINI_API_KEY nor GOOGLE_API_KEY is set.
    """

    def __init__(self, model: str, retry_delay: float = 1.0) -> None:
        base_url = os.environ.get("GEMINI_BASE_URL", "").strip() or _DEFAULT_URL
        headers = {"x-goog-api-key": first_api_key("GEMINI_API_KEY", "GOOGLE_API_KEY")}
        super().__init__(
            "gemini", model, base_url, HostedApi(base_url, headers, retry_delay=retry_delay, parse_error=_parse_error)
        )

    @property
    def max_references(self) -> int:
        """See `Backend.max_references`. The models of generation 2.5 take 3 images, newer ones 14."""
        return 2 if self._model.startswith("gemini-2") else 13

    def arguments(self, request: ImageRequest) -> dict[str, JsonValue]:
        """See `Backend.arguments`. The API takes an aspect ratio, not a size: the one nearest to width and height."""
        if request.size is not None:
            asked = read_size(request.size)
            same = [name for name, ratio in _RATIOS.items() if abs(ratio - asked.ratio) < 1e-9]
            if asked.exact or not same:
                raise unsupported_size(request.size, list(_RATIOS))
            return {"aspect_ratio": same[0]}
        width, height = request.source_size or (1024, 1024)
        width, height = request.width or width, request.height or height
        nearest = min(_RATIOS, key=lambda name: abs(_RATIOS[name] - width / height))
        size_given = request.width is not None or request.height is not None or request.source is None
        # Without an aspect ratio an edit keeps its source's shape exactly; the nearest one would distort it.
        return {"aspect_ratio": nearest if size_given else None}

    async def generate_one(self, job: Job) -> bytes:
        """See `HostedBackend.generate_one`."""
        parts: list[dict[str, Any]] = [{"text": job.request.prompt}]
        for image in [*([] if job.source_png is None else [job.source_png]), *job.reference_pngs]:
            data = base64.b64encode(image).decode()
            parts.append({"inlineData": {"mimeType": "image/png", "data": data}})
        # The API takes a signed 32-bit seed.
        options: dict[str, Any] = {"responseModalities": ["IMAGE"], "seed": job.request.seed % 2**31}
        if job.arguments["aspect_ratio"] is not None:
            options["imageConfig"] = {"aspectRatio": job.arguments["aspect_ratio"]}
        body = {"contents": [{"role": "user", "parts": parts}], "generationConfig": options}
        response = await self._api.post(f"models/{self._model}:generateContent", json=body)
        return await asyncio.to_thread(decode_image, _find_image(response))


def _find_image(response: Any) -> str:
    """Returns the image's base64 from a response, which has status 200 even for a refusal.

    Raises:
        RefusalError: The model refused this prompt or image.
        GeneratorError: The response has no image for another reason; another attempt may succeed.
    """
    blocked = _lookup(response, "promptFeedback", "blockReason")
    reason = quotation(str(blocked or _lookup(response, "candidates", 0, "finishReason") or ""), _LONGEST_REASON)
    parts = _lookup(response, "candidates", 0, "content", "parts")
    for part in parts if isinstance(parts, list) else []:
        data = _lookup(part, "inlineData", "data") or _lookup(part, "inline_data", "data")
        if isinstance(data, str):
            return data
    if blocked or reason in _REFUSALS:
        raise RefusalError(f"The API refused the content: {reason}")
    raise GeneratorError(
        f"The API's answer contains no image (finish reason: {reason or 'none given'}).",
        code="no_image",
        retryable=True,
    )


def _lookup(value: Any, *path: str | int) -> Any:
    for step in path:
        try:
            value = value[step]
        except (KeyError, IndexError, TypeError):
            return None
    return value


def _parse_error(body: Any) -> tuple[str, str]:
    error = body["error"]
    return str(error.get("status") or ""), str(error.get("message") or "")
