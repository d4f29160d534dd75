"""Rows become conversations with the images that a model sees at inference."""

from pathlib import Path

from interleavethinker.tools.chat.rendering import load_prompts
from interleavethinker.tools.images.png import encode_png
from interleavethinker.tools.images.store import ImageStore
from interleavethinker.tools.types import CriticInput, Verdict
from interleavethinker.training.agents.examples import critic_prompt, texts_of
from interleavethinker.training.data.schema import CriticRow


def test_texts_of_an_example_skip_its_images() -> None:
    example = {"prompt": [{"content": [{"type": "image", "text": ""}, {"type": "text", "text": "a"}]}]}
    assert list(texts_of([example])) == ["a"]


def test_images_are_scaled_and_blank_ones_added_as_at_inference(tmp_path: Path) -> None:
    from PIL import Image

    store = ImageStore(tmp_path)
    large = store.put(encode_png(Image.new("RGB", (1600, 1200), "red")))
    row = CriticRow(
        id="r", trajectory="t", split="train", generator="g", step=0, iteration=0, reference=None, semantics=1,
        case=CriticInput(source=None, image=large, original_prompt="p", prompt="p"), quality=1, success=False,
        answer=Verdict(success=False, refined_prompt="q"), strategy=None, next_seed=0,
    )  # fmt: skip
    blank, shown = critic_prompt(row, store, load_prompts())["images"]
    with Image.open(blank) as first, Image.open(shown) as second:
        assert first.size == second.size
        assert first.getpixel((5, 5)) == (255, 255, 255)
        assert second.width * second.height <= 1024 * 1024
