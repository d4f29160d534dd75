"""Images that clients give with a request: an error says which one it is about."""

from pathlib import Path

import pytest

from interleavethinker.servers.images.cache import GenerationStore
from interleavethinker.servers.images.service import ImageService, ServiceLimits
from interleavethinker.tools.errors import InputError
from interleavethinker.tools.images.png import data_uri
from interleavethinker.tools.testing.generator import fake_image
from interleavethinker.tools.types import GenerationRequest

from ..images.gated import GatedBackend
from .agents import open_studio

IMAGE = data_uri(fake_image(GenerationRequest(prompt="mine", seed=1)))
BROKEN = "data:image/png;base64,AAAA"


async def test_one_of_several_images_that_cannot_be_used_is_named_by_its_place(tmp_path: Path) -> None:
    async with open_studio(tmp_path) as studio:
        with pytest.raises(InputError, match=r"^Image 2 of 3: ") as several:
            await studio.service.start("compare", images=[IMAGE, f"cat={BROKEN}", IMAGE])
        with pytest.raises(InputError) as only:
            await studio.service.start("compare", images=[BROKEN])
    assert several.value.code == only.value.code == "invalid_image"
    assert str(several.value) == f"Image 2 of 3: {only.value}"


@pytest.mark.parametrize(
    ("given", "words"),
    [
        ({"image": BROKEN, "references": [IMAGE]}, "The image to edit: "),
        ({"image": IMAGE, "references": [IMAGE, BROKEN]}, "Reference 2 of 2: "),
        ({"image": IMAGE, "mask": BROKEN}, "The mask: "),
        ({"image": BROKEN}, "Not an image"),
    ],
)
async def test_the_image_server_names_the_image_of_a_call_that_it_cannot_use(
    tmp_path: Path, given: dict[str, object], words: str
) -> None:
    backend = GatedBackend(opened=True)
    backend.max_references = 4
    async with ImageService(backend, GenerationStore(tmp_path), ServiceLimits()) as service:
        with pytest.raises(InputError) as raised:
            await service.generate("a ball", seed=1, **given)  # type: ignore[arg-type]
    assert str(raised.value).startswith(words)
    assert (": " in words) == (len(given) > 1), "a call's only image needs no name"
