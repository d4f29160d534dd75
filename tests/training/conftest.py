"""A data set of the micro world made with a picture maker that knows trained words only, instead of a trained model."""

import asyncio
import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import pytest
from PIL import Image

from interleavethinker.microworld.reader import read
from interleavethinker.microworld.scenes import Scene, render, to_image
from interleavethinker.microworld.understanding import understand
from interleavethinker.microworld.vocabulary import CANONICAL
from interleavethinker.tools.errors import InputError
from interleavethinker.training.data_critic import Selection, score_trajectories, select_rows
from interleavethinker.training.data_micro import micro_grade, micro_ports
from interleavethinker.training.data_prompts import make_prompts
from interleavethinker.training.data_rollouts import roll_out
from interleavethinker.training.local_generator import LocalGenerator
from interleavethinker.training.rows import DataFolder


class ObedientMaker:
    """Draws exactly what trained words say; of words that no generator was trained on it understands nothing."""

    def __init__(self) -> None:
        self.made = 0

    def draw(self, texts: Sequence[str], seeds: Sequence[int]) -> list[Image.Image]:
        assert len(texts) == len(seeds)
        return [self._picture(text, None) for text in texts]

    def edit(self, images: Sequence[Image.Image], texts: Sequence[str], seeds: Sequence[int]) -> list[Image.Image]:
        assert len(texts) == len(seeds)
        return [self._picture(text, image) for text, image in zip(texts, images, strict=True)]

    def _picture(self, text: str, source: Image.Image | None) -> Image.Image:
        self.made += 1
        scene = None if source is None else read(source).scene
        if not CANONICAL.keys() & set(re.findall(r"\w+", text)):
            try:
                return to_image(render(understand(text, scene).target))
            except InputError:
                pass
        return source or to_image(render(Scene("meadow")))


@dataclass(frozen=True)
class Made:
    """A finished data set and what made its pictures."""

    folder: DataFolder
    maker: ObedientMaker
    generators: dict[str, LocalGenerator]


@pytest.fixture(scope="package")
def made(tmp_path_factory: pytest.TempPathFactory) -> Made:
    return make(tmp_path_factory.mktemp("data"))


def make(root: Path) -> Made:
    folder, maker = DataFolder(root), ObedientMaker()
    generators = {"shipped": LocalGenerator(maker, folder.store, "test/obedient")}
    make_prompts(folder, {"train": 14, "combinations": 3, "templates": 2}, seed=3)
    asyncio.run(roll_out(folder, ["shipped"], micro_ports(folder.store, generators, seed=3), seed=3, workers=4))
    score_trajectories(folder, micro_grade(folder.store, seed=3))
    select_rows(folder, Selection())
    return Made(folder, maker, generators)
