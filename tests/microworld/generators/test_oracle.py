"""The oracle generator executes exactly what a text says, if the text can be parsed."""

import numpy as np
import pytest
from PIL import Image

from interleavethinker.microworld.generators.oracle import OracleGenerator
from interleavethinker.microworld.language.held_out import HELD_OUT_FAMILIES, held_out_task
from interleavethinker.microworld.language.templates import EDIT_KINDS, Task, edit_task, generation_task
from interleavethinker.microworld.scenes.scene import render, to_image
from interleavethinker.microworld.scoring.scorer import score_task, score_tasks


def made(task: Task, seed: int = 0, text: str | None = None) -> Image.Image:
    generator = OracleGenerator()
    if task.source is None:
        return generator.generate([text or task.text], [seed])[0]
    return generator.edit([to_image(render(task.source))], [text or task.text], [seed])[0]


@pytest.mark.parametrize("name", ["draw", *EDIT_KINDS, *HELD_OUT_FAMILIES])
def test_every_text_of_the_language_is_executed_exactly(name: str) -> None:
    rng = np.random.default_rng(0)
    tasks = [
        generation_task(rng)
        if name == "draw"
        else edit_task(rng, name)
        if name in EDIT_KINDS
        else held_out_task(name, rng).task
        for _ in range(12)
    ]
    images = [made(task, seed) for seed, task in enumerate(tasks)]
    assert all(scored.exact and scored.semantics == 10 for scored in score_tasks(images, tasks))


def test_a_text_that_cannot_be_parsed_changes_nothing() -> None:
    task = edit_task(np.random.default_rng(1), "recolour")
    assert score_task(made(task, text="be nice"), task).semantics == 0


def test_only_the_seed_decides_what_a_text_leaves_open() -> None:
    generator, text = OracleGenerator(), "a red cat in the middle, at night"
    images = [generator.generate([text], [seed])[0].tobytes() for seed in range(12)]
    assert len(set(images)) > 3
    assert images[5] == generator.generate([text], [5])[0].tobytes()
