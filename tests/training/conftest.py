"""A data set of the micro world, made with a keyword-based image model that knows trained words only."""

import asyncio
from dataclasses import dataclass
from pathlib import Path

import pytest

from interleavethinker.microworld.generators.keyword import KeywordGenerator
from interleavethinker.training.data.critic import Selection, select_rows
from interleavethinker.training.data.folder import DataFolder
from interleavethinker.training.data.local_generator import LocalGenerator
from interleavethinker.training.data.micro_world import micro_components, micro_grade
from interleavethinker.training.data.prompts import make_prompts
from interleavethinker.training.data.scores import GradedBy, score
from interleavethinker.training.data.trajectories import GivenComponents, roll_out


@dataclass(frozen=True)
class Made:
    """A finished data set and the image model that made its images."""

    folder: DataFolder
    image_model: KeywordGenerator
    generators: dict[str, LocalGenerator]


@pytest.fixture(scope="package")
def made(tmp_path_factory: pytest.TempPathFactory) -> Made:
    return make(tmp_path_factory.mktemp("data"))


def make(root: Path) -> Made:
    folder, image_model = DataFolder(root), KeywordGenerator()
    generators = {"shipped": LocalGenerator(image_model, folder.store, "test/obedient")}
    make_prompts(folder, {"train": 14, "combinations": 3, "templates": 2}, seed=3)
    components = GivenComponents(micro_components(folder.store, generators, seed=3))
    asyncio.run(roll_out(folder, ["shipped"], components, seed=3))
    asyncio.run(score(folder, GradedBy(micro_grade(folder.store, seed=3))))
    select_rows(folder, Selection())
    return Made(folder, image_model, generators)
