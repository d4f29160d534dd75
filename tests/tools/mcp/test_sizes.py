"""Sizes of generator calls: through the contract, through mapped tools, and with servers that ignore them."""

from pathlib import Path

import pytest

from interleavethinker.tools.errors import InputError
from interleavethinker.tools.images.store import ImageStore
from interleavethinker.tools.mcp.config import GeneratorConfig, ToolTemplate
from interleavethinker.tools.mcp.generator import McpImageGenerator
from interleavethinker.tools.mcp.sizes import mapped_size
from interleavethinker.tools.types import GenerationRequest


def call(size: str | None) -> GenerationRequest:
    return GenerationRequest(prompt="a ball", seed=3, size=size)


async def test_our_server_generates_exactly_the_size_and_keeps_it_in_edits(tmp_path: Path) -> None:
    store = ImageStore(tmp_path / "workspace")
    config = GeneratorConfig(model="cells", server_store=tmp_path / "server")
    async with McpImageGenerator(config, store) as generator:
        wide = await generator.generate(call("64x32"))
        assert (wide.width, wide.height) == (64, 32)
        shaped = await generator.generate(call("2:1"))
        assert shaped.width == 2 * shaped.height
        edit = GenerationRequest(prompt="redder", seed=3, source=wide.sha256, size="32x64")
        tall = await generator.generate(edit)
        assert (tall.width, tall.height) == (32, 64)
        assert (await generator.generate(edit)).cached


@pytest.mark.parametrize(
    ("template", "size", "arguments"),
    [
        ({}, None, {}),
        ({"width": "w", "height": "h"}, "64x32", {"w": 64, "h": 32}),
        ({"width": "w", "height": "h"}, "1:1", {"w": 1024, "h": 1024}),
        ({"aspect_ratio": "shape"}, "16:9", {"shape": "16:9"}),
        ({"aspect_ratio": "shape", "width": "w", "height": "h"}, "64x32", {"w": 64, "h": 32}),
    ],
)
def test_a_third_party_tool_gets_the_size_in_its_own_words(
    template: dict[str, str], size: str | None, arguments: dict[str, object]
) -> None:
    assert mapped_size(call(size), ToolTemplate(name="draw", **template)) == arguments


@pytest.mark.parametrize(("template", "size"), [({}, "64x32"), ({}, "16:9"), ({"aspect_ratio": "shape"}, "64x32")])
def test_a_third_party_tool_without_the_argument_refuses_the_size(template: dict[str, str], size: str) -> None:
    with pytest.raises(InputError, match="'draw' takes") as caught:
        mapped_size(call(size), ToolTemplate(name="draw", **template))
    assert caught.value.code == "unsupported"
