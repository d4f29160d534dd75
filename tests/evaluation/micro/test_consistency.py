"""The measure of consistent characters, with generators whose consistency is known."""

from collections.abc import Sequence
from pathlib import Path

from PIL import Image

from interleavethinker.evaluation.micro.consistency import measure_consistency
from interleavethinker.microworld.language.parser import parse
from interleavethinker.microworld.scenes.scene import Scene, render, to_image


class Exact:
    """Shows exactly what a text says."""

    def generate(self, texts: Sequence[str], seeds: Sequence[int]) -> list[Image.Image]:  # noqa: ARG002
        return [to_image(render(parse(text, None).target)) for text in texts]


class Empty:
    """Shows nothing."""

    def generate(self, texts: Sequence[str], seeds: Sequence[int]) -> list[Image.Image]:  # noqa: ARG002
        return [to_image(render(Scene("meadow")))] * len(texts)


def test_an_exact_generator_keeps_referenced_characters_and_not_those_that_are_only_named(tmp_path: Path) -> None:
    report = measure_consistency(Exact(), 6, 3, tmp_path)
    assert (report.images, report.referenced.value, report.whole.value) == (18, 1.0, 1.0)
    assert report.unreferenced.value < 0.7
    assert report.referenced.low < 1.0
    assert measure_consistency(Exact(), 6, 3, tmp_path) == report


def test_a_generator_that_shows_nothing_keeps_nothing(tmp_path: Path) -> None:
    report = measure_consistency(Empty(), 2, 3, tmp_path)
    assert (report.referenced.value, report.unreferenced.value, report.whole.value) == (0.0, 0.0, 0.0)
