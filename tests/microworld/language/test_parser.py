"""Texts are parsed to the tasks that they were written for, and every failure has a clear error."""

from dataclasses import replace

import numpy as np
import pytest

from interleavethinker.microworld.language.held_out import HELD_OUT_FAMILIES, held_out_task
from interleavethinker.microworld.language.lexicon import check_vocabulary
from interleavethinker.microworld.language.parser import parse
from interleavethinker.microworld.language.templates import (
    EDIT_KINDS,
    CellTarget,
    Task,
    edit_task,
    generation_task,
    instruct,
)
from interleavethinker.microworld.language.vocabulary import SYNONYMS
from interleavethinker.microworld.scenes.scene import Scene, SceneObject
from interleavethinker.tools.errors import InputError

BALL, CAT = SceneObject("ball", "red", "big"), SceneObject("cat", "white", "small")
STAR = SceneObject("star", "red", "big")
SCENE = Scene("meadow", (None, BALL, None, None, CAT, None, None, None, None))
TWINS = SCENE.put(8, BALL)


def assert_parsed_as_written(task: Task) -> None:
    parsed = parse(task.text, task.source)
    assert parsed.cell_targets == task.cell_targets, task.text
    assert parsed.target.background == task.target.background, task.text


@pytest.mark.parametrize("kind", EDIT_KINDS)
def test_every_training_instruction_is_parsed_as_its_edit(kind: str) -> None:
    rng = np.random.default_rng(0)
    for _ in range(200):
        task = edit_task(rng, kind)
        assert_parsed_as_written(task)
        assert task.source is not None
        assert parse(instruct(task.edits[0], task.source), task.source).edits[0].kind == kind


def test_every_training_description_is_parsed_as_its_scene() -> None:
    rng = np.random.default_rng(1)
    for _ in range(300):
        assert_parsed_as_written(generation_task(rng))


@pytest.mark.parametrize("family", HELD_OUT_FAMILIES)
def test_held_out_texts_of_every_family_are_parsed(family: str) -> None:
    rng = np.random.default_rng(2)
    for _ in range(200):
        assert_parsed_as_written(held_out_task(family, rng).task)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("Please make the ball green.", SCENE.put(1, SceneObject("ball", "green", "big"))),
        (
            "paint the ball blue and the cat blue",
            SCENE.put(1, replace(BALL, colour="blue")).put(4, replace(CAT, colour="blue")),
        ),
        ("take the ball away", SCENE.put(1, None)),
        ("get rid of the feline", SCENE.put(4, None)),
        ("put the ball in the lower right corner", SCENE.put(1, None).put(8, BALL)),
        ("move the cat to the left of the ball", SCENE.put(4, None).put(0, CAT)),
        ("push the cat one step down", SCENE.put(4, None).put(7, CAT)),
        ("move the ball to the left, then add a big red star at the top", SCENE.put(3, BALL).put(1, STAR)),
        ("turn the cat into a crimson boat", SCENE.put(4, SceneObject("boat", "red", "small"))),
        ("add a tree", SCENE.put(3, SceneObject("tree", "green", "big"))),
        ("make it night", Scene("night", SCENE.cells)),
    ],
)
def test_free_phrasing_is_parsed(text: str, expected: Scene) -> None:
    assert parse(text, SCENE).target.named == expected.named


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("two balls and a house, at midnight", [("ball", "red"), ("ball", "red"), ("house", "red")]),
        ("A tiny blue fish!", [("fish", "blue")]),
        ("an empty picture in a forest", []),
    ],
)
def test_free_descriptions_get_default_colours_and_free_cells(text: str, expected: list[tuple[str, str]]) -> None:
    objects = parse(text).target.objects.values()
    assert sorted((obj.kind, obj.colour) for obj in objects) == expected


@pytest.mark.parametrize(
    ("text", "source", "code"),
    [
        ("make the dog green", SCENE, "unknown_words"),
        ("the cat the ball", SCENE, "not_understood"),
        ("make the house green", SCENE, "not_there"),
        ("remove the ball", TWINS, "ambiguous"),
        ("add a red star at the top", SCENE, "occupied"),
        ("move the ball one step up", SCENE, "occupied"),
        ("with the and", None, "not_understood"),
        ("five", None, "unknown_words"),
        ("a cat, a ball, a tree, a house and a boat", None, "too_many_things"),
        ("a cat on the left and a ball on the left", None, "occupied"),
        ("?!", None, "empty_text"),
    ],
)
def test_every_failure_has_its_own_error_code(text: str, source: Scene | None, code: str) -> None:
    with pytest.raises(InputError) as caught:
        parse(text, source)
    assert caught.value.code == code


def test_the_error_for_an_ambiguous_description_lists_only_its_candidates() -> None:
    with pytest.raises(InputError, match=r'the ball" could be the big red ball \(top\) or the big red ball \(bottom '):
        parse("remove the ball", TWINS)


def test_the_size_that_a_replacement_leaves_open_stays_open_when_the_object_moves() -> None:
    task = parse("swap the ball for a blue boat, then move the boat to the left", SCENE)
    assert [edit.kind for edit in task.edits] == ["replace", "move"]
    assert (task.cell_targets[1], task.cell_targets[3]) == (None, CellTarget("boat", "blue", None))


def test_the_error_for_unknown_words_suggests_the_nearest_known_ones() -> None:
    with pytest.raises(InputError) as caught:
        check_vocabulary("a purpel ball next to the kiten")
    assert "'purpel' (nearest: purple" in str(caught.value)
    assert "'kiten' (nearest: kitten" in str(caught.value)
    assert "next" not in str(caught.value).split("It knows")[0]


def test_every_known_word_and_every_synonym_passes_the_check() -> None:
    for word, others in SYNONYMS.items():
        check_vocabulary(" ".join((word, *others)))


def test_an_edit_leaves_all_other_objects_and_their_looks_unchanged() -> None:
    rng = np.random.default_rng(3)
    for kind in EDIT_KINDS:
        task = edit_task(rng, kind)
        assert task.source is not None
        parsed = parse(task.text, task.source)
        touched = {cell for edit in parsed.edits for cell in (edit.cell, edit.to)}
        for cell, (before, after) in enumerate(zip(task.source.cells, parsed.target.cells, strict=True)):
            assert cell in touched or before == after
