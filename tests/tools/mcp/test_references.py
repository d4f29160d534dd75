"""References and masks of generator calls: through the contract, and with servers that ignore them."""

from pathlib import Path

import pytest
from PIL import Image

from interleavethinker.tools import image_regions
from interleavethinker.tools.errors import GeneratorError, InputError
from interleavethinker.tools.generated_images import kept_outside
from interleavethinker.tools.image_regions import check_mask, merged, read_region, region_mask
from interleavethinker.tools.images.png import encode_png, open_rgb
from interleavethinker.tools.images.store import ImageStore
from interleavethinker.tools.mcp.config import GeneratorConfig
from interleavethinker.tools.mcp.generator import McpImageGenerator
from interleavethinker.tools.mcp.local_edits import check_kept
from interleavethinker.tools.types import GenerationRequest, PinnedReference


def plain(color: str, size: tuple[int, int] = (96, 96)) -> bytes:
    return encode_png(Image.new("RGB", size, color))


async def test_our_server_looks_at_references_and_keeps_what_is_outside_a_mask(tmp_path: Path) -> None:
    store = ImageStore(tmp_path / "workspace")
    config = GeneratorConfig(model="cells", server_store=tmp_path / "server")
    cast = tuple(PinnedReference(label=label, sha256=store.put(plain(label))) for label in ("red", "blue"))
    async with McpImageGenerator(config, store) as generator:
        alone = await generator.generate(GenerationRequest(prompt="p", seed=3))
        both = await generator.generate(GenerationRequest(prompt="p", seed=3, references=cast))
        assert (alone.references, both.references) == (0, 2)
        assert both.sha256 != alone.sha256
        many = tuple(PinnedReference(label=f"image {n}", sha256=store.put(plain("red", (n, n)))) for n in range(20, 26))
        assert (await generator.generate(GenerationRequest(prompt="p", seed=3, references=many))).references == 4

        mask = store.put(region_mask("50%,0,50%,100%", (96, 96)))
        edit = GenerationRequest(prompt="redder", seed=4, source=alone.sha256, mask=mask)
        local = await generator.generate(edit)
        before, after = (open_rgb(store.get(name)) for name in (alone.sha256, local.sha256))
        assert before.crop((0, 0, 48, 96)).tobytes() == after.crop((0, 0, 48, 96)).tobytes()
        assert before.crop((48, 0, 96, 96)).tobytes() != after.crop((48, 0, 96, 96)).tobytes()
        assert (await generator.generate(edit)).cached
        small = edit.model_copy(update={"mask": store.put(region_mask("0,0,8,8", (16, 16)))})
        with pytest.raises(InputError, match="96 x 96"):
            await generator.generate(small)
        with pytest.raises(InputError, match="size"):
            await generator.generate(edit.model_copy(update={"size": "64x64"}))


@pytest.mark.parametrize(
    ("text", "edges"),
    [("0,0,10,20", (0, 0, 10, 20)), ("50%,25%,50%,75%", (48, 16, 96, 64)), (" 1 , 2 , 3.4 , 4 ", (1, 2, 4, 6))],
)
def test_a_region_is_a_rectangle_in_pixels_or_percent(text: str, edges: tuple[int, ...]) -> None:
    assert read_region(text).pixels((96, 64)) == edges


@pytest.mark.parametrize("text", ["", "1,2,3", "a,b,c,d", "0,0,0,10", "0,0,97,10", "-1,0,5,5", "90%,0,20%,10%"])
def test_a_region_that_is_none_or_outside_is_refused(text: str) -> None:
    with pytest.raises(InputError, match=r"region"):
        read_region(text).pixels((96, 64))


def test_a_mask_has_both_colors_and_the_size_of_its_image() -> None:
    check_mask(region_mask("0,0,1,1", (8, 8)), (8, 8))
    for mask, words in (
        (plain("black"), "black throughout"),
        (plain("#505050"), "nowhere white"),
        (plain("white"), "white"),
        (plain("red", (8, 8)), "96 x 96"),
    ):
        with pytest.raises(InputError, match=words):
            check_mask(mask, (96, 96))


def test_an_edit_of_another_size_is_scaled_into_the_masked_region() -> None:
    result = open_rgb(merged(plain("white"), plain("red", (32, 32)), region_mask("0,0,50%,100%", (96, 96))))
    assert [result.getpixel((x, 5)) for x in (0, 47, 48)] == [(255, 0, 0), (255, 0, 0), (255, 255, 255)]


def test_a_server_that_ignores_the_mask_is_found_out(tmp_path: Path) -> None:
    store = ImageStore(tmp_path)
    source, other = store.put(plain("white")), store.put(plain("red"))
    mask = store.put(region_mask("0,0,50%,100%", (96, 96)))
    check_kept(store, source, mask, store.put(merged(plain("white"), plain("red"), store.get(mask))))
    with pytest.raises(GeneratorError, match="outside the mask"):
        check_kept(store, source, mask, other)


def test_what_was_kept_outside_a_mask_is_looked_at_again_without_being_encoded(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    store = ImageStore(tmp_path)
    source, mask = store.put(plain("white")), store.put(region_mask("0,0,50%,100%", (96, 96)))
    small = kept_outside(store, source, mask, plain("red", (48, 48)))
    kept = kept_outside(store, source, mask, plain("red"))
    assert small == kept
    monkeypatch.setattr(image_regions, "encode_png", lambda _: pytest.fail("an image was encoded"))
    assert kept_outside(store, source, mask, kept) is kept, "as the graph looks at an image that the client has merged"
    check_kept(store, source, mask, store.put(kept))
