"""Held-out texts never occur in training, and their rewritten forms mean the same."""

import re

import numpy as np
import pytest

from interleavethinker.microworld.language.held_out import HELD_OUT_FAMILIES, held_out_task
from interleavethinker.microworld.language.parser import parse
from interleavethinker.microworld.language.templates import EDIT_KINDS, MAX_NAMED, Task, edit_task, generation_task
from interleavethinker.microworld.language.vocabulary import CANONICAL, SYNONYMS
from interleavethinker.microworld.scenes.scene import MAX_OBJECTS


def training_task(rng: np.random.Generator) -> Task:
    return generation_task(rng) if rng.random() < 0.45 else edit_task(rng, str(rng.choice(EDIT_KINDS)))


@pytest.fixture(scope="module")
def trained() -> set[str]:
    return {training_task(np.random.default_rng([seed, 1])).text for seed in range(6000)}


def test_no_synonym_occurs_in_thousands_of_training_texts(trained: set[str]) -> None:
    words = {word for text in trained for word in re.findall(r"\w+", text)}
    assert not words & set(CANONICAL)
    assert set(SYNONYMS) <= words


@pytest.mark.parametrize("family", HELD_OUT_FAMILIES)
def test_no_held_out_text_is_a_training_text(family: str, trained: set[str]) -> None:
    rng = np.random.default_rng(0)
    assert not trained & {held_out_task(family, rng).task.text for _ in range(500)}


def test_every_text_of_the_family_synonyms_contains_one_and_right_articles() -> None:
    rng = np.random.default_rng(1)
    texts = [held_out_task("synonyms", rng).task.text for _ in range(300)]
    assert all(set(re.findall(r"\w+", text)) & set(CANONICAL) for text in texts)
    assert not any(re.search(r"\ba [aeiou]|\ban [^aeiou]", text) for text in texts)


def test_more_things_names_four_objects_and_training_at_most_three() -> None:
    rng = np.random.default_rng(2)
    assert max(len(generation_task(rng).target.objects) for _ in range(300)) == MAX_NAMED < MAX_OBJECTS
    assert all(len(held_out_task("more_things", rng).task.target.objects) == MAX_OBJECTS for _ in range(50))


def test_compound_texts_hold_two_or_three_edits_of_different_kinds() -> None:
    rng = np.random.default_rng(3)
    for _ in range(200):
        sample = held_out_task("compound", rng)
        kinds = [edit.kind for edit in sample.task.edits]
        assert len(kinds) in {2, 3}
        assert len(set(kinds)) == len(kinds) == len(sample.rewritten)
        assert len(sample.task.target.objects) <= MAX_OBJECTS


def test_indirect_texts_cover_every_kind_of_edit() -> None:
    rng = np.random.default_rng(4)
    assert {held_out_task("indirect", rng).task.edits[0].kind for _ in range(200)} == set(EDIT_KINDS)


@pytest.mark.parametrize("family", HELD_OUT_FAMILIES)
def test_a_held_out_task_is_a_pure_function_of_the_seed(family: str) -> None:
    first, second = (np.random.default_rng([2**21, 7]) for _ in range(2))
    assert [held_out_task(family, first) for _ in range(20)] == [held_out_task(family, second) for _ in range(20)]


@pytest.mark.parametrize("family", HELD_OUT_FAMILIES)
def test_the_rewritten_texts_executed_in_order_reach_the_target(family: str) -> None:
    rng = np.random.default_rng(5)
    for _ in range(150):
        sample = held_out_task(family, rng)
        scene = sample.task.source
        for text in sample.rewritten:
            scene = parse(text, scene).target
        assert scene is not None
        assert scene.background == sample.task.target.background
        for cell_target, obj in zip(sample.task.cell_targets, scene.cells, strict=True):
            assert obj is None if cell_target is None else cell_target.allows(obj)
