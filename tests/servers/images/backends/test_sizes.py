"""What each backend makes of a size that must be met, and how it refuses one that it cannot generate."""

import io
from pathlib import Path

import pytest
from PIL import Image

from interleavethinker.servers.images.backends.base import Backend, ImageRequest, Job
from interleavethinker.servers.images.backends.fake import FakeBackend
from interleavethinker.servers.images.backends.gemini import GeminiBackend
from interleavethinker.servers.images.backends.model_settings import PipelineSettings, settings_for
from interleavethinker.servers.images.backends.openai import OpenAiBackend
from interleavethinker.servers.images.backends.pipeline_calls import _open_source, request_arguments
from interleavethinker.servers.images.cache import GenerationStore
from interleavethinker.servers.images.service import ImageService, ServiceLimits
from interleavethinker.tools.errors import InputError, ProfileError
from interleavethinker.tools.images.png import data_uri, encode_png

MICRO = Path(__file__).parents[4] / "microworld" / "checkpoints" / "generator"


def wants(size: str, **fields: object) -> ImageRequest:
    return ImageRequest(prompt="a ball", seed=1, size=size, **fields)  # type: ignore[arg-type]


@pytest.fixture
def hosted(monkeypatch: pytest.MonkeyPatch) -> dict[str, Backend]:
    monkeypatch.setenv("OPENAI_API_KEY", "key")
    monkeypatch.setenv("GEMINI_API_KEY", "key")
    return {
        "openai": OpenAiBackend("gpt-image-1"),
        "compatible": OpenAiBackend("other", sizes=()),
        "gemini": GeminiBackend("gemini-2.5-flash-image"),
    }


@pytest.mark.parametrize(
    ("backend", "size", "arguments"),
    [
        ("openai", "1536x1024", {"width": 1536, "height": 1024}),
        ("openai", "2:3", {"width": 1024, "height": 1536}),
        ("compatible", "512x640", {"width": 512, "height": 640}),
        ("compatible", "1:1", {"width": 1024, "height": 1024}),
        ("gemini", "16:9", {"aspect_ratio": "16:9"}),
        ("gemini", "32:18", {"aspect_ratio": "16:9"}),
    ],
)
def test_hosted_models_get_the_size(
    hosted: dict[str, Backend], backend: str, size: str, arguments: dict[str, object]
) -> None:
    assert hosted[backend].arguments(wants(size)) == arguments


@pytest.mark.parametrize(
    ("backend", "size", "allowed"),
    [
        ("openai", "16:9", "1536x1024"),
        ("openai", "512x512", "1024x1536"),
        ("gemini", "1024x1024", "21:9"),
        ("gemini", "5:7", "4:5"),
    ],
)
def test_hosted_models_name_their_sizes_instead_of_another_size(
    hosted: dict[str, Backend], backend: str, size: str, allowed: str
) -> None:
    with pytest.raises(InputError, match=allowed) as caught:
        hosted[backend].arguments(wants(size))
    assert caught.value.code == "unsupported"


def test_a_pipeline_takes_multiples_of_its_step_and_names_the_nearest_ones() -> None:
    settings = PipelineSettings(arguments={"width": 1024, "height": 1024}, multiple_of=32)
    assert request_arguments(wants("1024x576"), settings) == {"width": 1024, "height": 576}
    shaped = request_arguments(wants("16:9", source="f" * 64, source_size=(64, 64)), settings)
    assert shaped == {"width": 1376, "height": 768}
    with pytest.raises(InputError, match=r"992x544, 1024x576.*multiples of 32"):
        request_arguments(wants("1000x570"), settings)


def test_the_micro_generator_names_its_only_size_and_fits_other_sources_into_it() -> None:
    settings = settings_for("Flux2KleinPipeline", None, MICRO)
    assert request_arguments(wants("1:1"), settings)["width"] == 96
    with pytest.raises(InputError, match=r"size 128x96\. Ask for 96x96"):
        request_arguments(wants("128x96"), settings)
    request = wants("96x96", source="f" * 64, source_size=(60, 30))
    source = encode_png(Image.new("RGB", (60, 30), (250, 0, 0)))
    shown = _open_source(Job(request, request_arguments(request, settings), source), settings)
    assert shown.size == (96, 96)
    assert shown.getpixel((48, 48)) == (250, 0, 0)


@pytest.mark.parametrize("text", ['device = "cuda"', "sizes = 3", "sizes = [", 'sizes = ["huge"]'])
def test_a_malformed_server_file_beside_the_weights_is_an_error(tmp_path: Path, text: str) -> None:
    (tmp_path / "server.toml").write_text(text)
    with pytest.raises(ProfileError):
        settings_for("AnyPipeline", None, tmp_path)


async def test_a_size_that_the_model_has_anyway_is_the_same_call(tmp_path: Path) -> None:
    async with ImageService(FakeBackend(), GenerationStore(tmp_path), ServiceLimits()) as service:
        plain = await service.generate("a ball", seed=5)
        asked = await service.generate("a ball", seed=5, size="96x96")
        assert (plain.cached, asked.cached) == (False, True)
        await service.generate("a ball", seed=5, size="64x32")
        with pytest.raises(InputError, match="not both"):
            await service.generate("a ball", seed=5, size="64x32", width=64)
        with pytest.raises(InputError, match="1024x576"):
            await service.generate("a ball", seed=5, size="large")
    assert len(list(tmp_path.glob("calls/*/*.json"))) == 2  # noqa: ASYNC240


async def test_an_edit_into_another_shape_does_not_stretch_its_source(tmp_path: Path) -> None:
    source = Image.new("RGB", (64, 64), (255, 255, 255))
    source.paste((0, 0, 0), (16, 16, 48, 48))
    async with ImageService(FakeBackend(), GenerationStore(tmp_path), ServiceLimits()) as service:
        sha256, _, _ = await service.put(data_uri(encode_png(source)))
        served = await service.generate("wider", seed=1, image=f"image://{sha256}", size="128x64")
    result = Image.open(io.BytesIO(served.png))
    assert result.size == (128, 64)
    # Half of each pixel is the source, the other half cells of 32 x 16 pixels: within a cell, steps are the source's.
    steps = [
        x
        for x in range(1, 128)
        if x % 32 and abs(sum(result.getpixel((x, 32))) - sum(result.getpixel((x - 1, 32)))) > 100  # type: ignore[arg-type]
    ]
    assert steps
    assert all(44 <= x <= 52 or 76 <= x <= 84 for x in steps)
