"""Hosted image APIs against a local server that behaves as documented: requests, retries and errors."""

import base64
import io
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

from interleavethinker.servers.images.backends.base import Backend, ImageRequest, Job
from interleavethinker.servers.images.backends.gemini import GeminiBackend
from interleavethinker.servers.images.backends.openai import OpenAiBackend
from interleavethinker.servers.images.main import open_backend
from interleavethinker.tools.errors import GeneratorError, InputError, ProfileError, RefusalError
from interleavethinker.tools.images.png import canonical_png
from interleavethinker.tools.images.store import ImageStore, sha256_of
from interleavethinker.tools.mcp.config import GeneratorConfig
from interleavethinker.tools.mcp.generator import McpImageGenerator
from interleavethinker.tools.types import GenerationRequest

from .backend_jobs import RecordingObserver, sample_png
from .local_api import LocalApi, Reply, local_api

KEY = "sk-very-secret"


def webp(size: tuple[int, int] = (24, 16)) -> bytes:
    buffer = io.BytesIO()
    Image.new("RGB", size, (200, 10, 10)).save(buffer, format="WEBP", lossless=True)
    return buffer.getvalue()


RESPONSES = {
    "openai": {"created": 1, "data": [{"b64_json": base64.b64encode(webp()).decode()}]},
    "gemini": {
        "candidates": [
            {
                "content": {
                    "role": "model",
                    "parts": [
                        {"text": "Here is your image."},
                        {"inlineData": {"mimeType": "image/webp", "data": base64.b64encode(webp()).decode()}},
                    ],
                },
                "finishReason": "STOP",
            }
        ]
    },
}
ERRORS: dict[str, Callable[[str, str], Any]] = {
    "openai": lambda code, message: {"error": {"code": code, "message": message, "type": "x", "param": None}},
    "gemini": lambda code, message: {"error": {"code": 1, "message": message, "status": code}},
}
BOTH = pytest.mark.parametrize("provider", ["openai", "gemini"])


def backend_for(provider: str, api: LocalApi, monkeypatch: pytest.MonkeyPatch) -> Backend:
    monkeypatch.setenv("OPENAI_API_KEY", KEY)
    monkeypatch.setenv("OPENAI_BASE_URL", f"{api.url}/v1/")
    monkeypatch.setenv("GEMINI_API_KEY", KEY)
    monkeypatch.setenv("GEMINI_BASE_URL", f"{api.url}/v1beta")
    if provider == "openai":
        return OpenAiBackend("gpt-image-1", retry_delay=0.001)
    return GeminiBackend("gemini-2.5-flash-image", retry_delay=0.001)


async def generate(backend: Backend, source: bytes | None = None, **options: Any) -> bytes:
    size = None if source is None else (64, 64)
    name = None if source is None else sha256_of(source)
    request = ImageRequest(prompt="a red ball", seed=7, source=name, source_size=size, **options)
    try:
        (result,) = await backend.run([Job(request, backend.arguments(request), source)], RecordingObserver())
    finally:
        await backend.close()
    if not isinstance(result, bytes):
        raise result
    return result


@BOTH
async def test_generates_from_text(provider: str, monkeypatch: pytest.MonkeyPatch) -> None:
    with local_api(Reply(body=RESPONSES[provider])) as api:
        png = await generate(backend_for(provider, api, monkeypatch), width=1600, height=1000)
    assert png == canonical_png(webp())
    (request,) = api.requests
    if provider == "openai":
        assert request.path == "/v1/images/generations"
        assert request.headers["authorization"] == f"Bearer {KEY}"
        assert request.json == {"model": "gpt-image-1", "prompt": "a red ball", "size": "1536x1024", "n": 1}
    else:
        assert request.path == "/v1beta/models/gemini-2.5-flash-image:generateContent"
        assert request.headers["x-goog-api-key"] == KEY
        assert request.json["contents"] == [{"role": "user", "parts": [{"text": "a red ball"}]}]
        assert request.json["generationConfig"] == {
            "responseModalities": ["IMAGE"],
            "seed": 7,
            "imageConfig": {"aspectRatio": "3:2"},
        }


@BOTH
async def test_edits_an_image(provider: str, monkeypatch: pytest.MonkeyPatch) -> None:
    source = sample_png(1)
    with local_api(Reply(body=RESPONSES[provider])) as api:
        await generate(backend_for(provider, api, monkeypatch), source)
    (request,) = api.requests
    if provider == "openai":
        assert request.path == "/v1/images/edits"
        form = request.form
        assert form["image"] == source
        assert (form["model"], form["prompt"], form["size"]) == (b"gpt-image-1", b"a red ball", b"1024x1024")
    else:
        text, image = request.json["contents"][0]["parts"]
        assert text == {"text": "a red ball"}
        assert base64.b64decode(image["inlineData"]["data"]) == source
        assert "imageConfig" not in request.json["generationConfig"], "an edit keeps its source's shape"


@BOTH
@pytest.mark.parametrize("status", [408, 429, 500, 502, 503, 504])
async def test_a_transient_status_is_retried(provider: str, status: int, monkeypatch: pytest.MonkeyPatch) -> None:
    failure = Reply(status, ERRORS[provider]("TROUBLE", "try later"), {"Retry-After": "0"})
    endless = {"Retry-After": "Fri, 31 Dec 99999999999 23:59:59 GMT"}
    with local_api(failure, Reply(status, b"<html>", endless), Reply(body=RESPONSES[provider])) as api:
        assert await generate(backend_for(provider, api, monkeypatch))
    assert len(api.requests) == 3


@BOTH
@pytest.mark.parametrize("asked", ["100", "1e300"])
async def test_a_long_pause_is_left_to_the_caller(provider: str, asked: str, monkeypatch: pytest.MonkeyPatch) -> None:
    reply = Reply(429, ERRORS[provider]("RATE", "too fast"), {"Retry-After": asked})
    with local_api(reply) as api, pytest.raises(GeneratorError, match="too fast") as caught:
        await generate(backend_for(provider, api, monkeypatch))
    assert (caught.value.code, caught.value.retryable, caught.value.exhausted) == ("busy", True, False)
    assert (caught.value.retry_after, len(api.requests)) == (float(asked), 1)


async def test_a_pause_longer_than_the_call_may_take_fails_it_at_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    reply = Reply(429, ERRORS["openai"]("RATE", "too fast"), {"Retry-After": "7200"})
    with local_api(reply) as api:
        monkeypatch.setenv("OPENAI_API_KEY", KEY)
        monkeypatch.setenv("OPENAI_BASE_URL", f"{api.url}/v1/")
        config = GeneratorConfig(model="openai:gpt-image-1", call_timeout=120)
        async with McpImageGenerator(config, ImageStore(tmp_path)) as generator:
            with pytest.raises(GeneratorError, match=r"too fast .* left alone for 7200 s") as caught:
                await generator.generate(GenerationRequest(prompt="a red ball", seed=7))
    assert (caught.value.code, caught.value.exhausted, len(api.requests)) == ("busy", True, 1)


@BOTH
async def test_a_broken_connection_is_retried(provider: str, monkeypatch: pytest.MonkeyPatch) -> None:
    with local_api(Reply(cut=True), Reply(body=RESPONSES[provider])) as api:
        assert await generate(backend_for(provider, api, monkeypatch))
    assert len(api.requests) == 2


@BOTH
async def test_a_lasting_failure_is_a_retryable_error_after_five_attempts(
    provider: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    reply = Reply(429, ERRORS[provider]("RATE", "too fast"), {"Retry-After": "0"})
    with local_api(reply) as api, pytest.raises(GeneratorError, match="too fast") as caught:
        await generate(backend_for(provider, api, monkeypatch))
    assert (caught.value.code, caught.value.retryable, len(api.requests)) == ("rate_limited", True, 5)


@BOTH
@pytest.mark.parametrize(
    ("status", "code", "kind", "expected_code"),
    [
        (400, "moderation_blocked", RefusalError, "content_policy"),
        (404, "model_not_found", InputError, "invalid_request"),
        (401, "invalid_api_key", GeneratorError, "unauthorized"),
        (403, "forbidden", GeneratorError, "unauthorized"),
        (429, "insufficient_quota", GeneratorError, "quota"),
    ],
)
async def test_a_permanent_failure_is_reported_at_once_and_without_the_key(
    provider: str,
    status: int,
    code: str,
    kind: type[Exception],
    expected_code: str,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    with local_api(Reply(status, ERRORS[provider](code, "no"))) as api, pytest.raises(kind) as caught:
        await generate(backend_for(provider, api, monkeypatch))
    assert getattr(caught.value, "code") == expected_code  # noqa: B009
    assert KEY not in str(caught.value)
    assert len(api.requests) == 1


@BOTH
@pytest.mark.parametrize("before", [0, 290, 297, 299])
async def test_no_part_of_a_key_is_left_where_a_message_is_cut(
    provider: str, before: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    words = "x" * before + KEY + "\x1b[31m\nand more"
    with local_api(Reply(400, ERRORS[provider]("bad", words))) as api, pytest.raises(InputError) as caught:
        await generate(backend_for(provider, api, monkeypatch))
    assert "sk" not in str(caught.value)
    assert str(caught.value).isprintable()


@pytest.mark.parametrize(
    ("answer", "kind"),
    [
        ({"promptFeedback": {"blockReason": "PROHIBITED_CONTENT"}}, RefusalError),
        ({"candidates": [{"finishReason": "IMAGE_SAFETY", "content": {}}]}, RefusalError),
        ({"candidates": [{"finishReason": "NO_IMAGE"}]}, GeneratorError),
        (
            {"candidates": [{"finishReason": "STOP", "content": {"parts": [{"text": "I would rather not."}]}}]},
            GeneratorError,
        ),
        ({}, GeneratorError),
    ],
)
async def test_gemini_refusals_with_a_success_status_are_errors(
    answer: dict[str, Any], kind: type[Exception], monkeypatch: pytest.MonkeyPatch
) -> None:
    with local_api(Reply(body=answer)) as api, pytest.raises(kind):
        await generate(backend_for("gemini", api, monkeypatch))


@BOTH
@pytest.mark.parametrize("body", [{"data": []}, {"data": [{"b64_json": "bm8gaW1hZ2U="}]}, b"not json", []])
async def test_a_response_without_an_image_is_an_error(
    provider: str, body: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    with local_api(Reply(body=body)) as api, pytest.raises(GeneratorError):
        await generate(backend_for(provider, api, monkeypatch))


@pytest.mark.parametrize("model", ["openai:gpt-image-1", "gemini:gemini-2.5-flash-image", "openai:", "gemini:"])
def test_a_missing_key_or_name_is_reported_at_the_start(model: str, monkeypatch: pytest.MonkeyPatch) -> None:
    for variable in ("OPENAI_API_KEY", "GEMINI_API_KEY", "GOOGLE_API_KEY"):
        monkeypatch.delenv(variable, raising=False)
    with pytest.raises(ProfileError):
        open_backend(model)
