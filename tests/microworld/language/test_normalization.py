"""Requests told as stories become plans in the micro world's language."""

import asyncio
from pathlib import Path

import numpy as np
import pytest

from interleavethinker.microworld.agents.scripted_planner import ScriptedPlanner
from interleavethinker.microworld.language.held_out import HELD_OUT_FAMILIES, held_out_task
from interleavethinker.microworld.language.normalization import normalize, strip_framing
from interleavethinker.microworld.language.parser import parse
from interleavethinker.microworld.language.templates import EDIT_KINDS, edit_task, generation_task
from interleavethinker.microworld.scenes.scene import Scene, SceneObject
from interleavethinker.tools.errors import InputError
from interleavethinker.tools.images.store import ImageStore
from interleavethinker.tools.protocols import PlanContext
from interleavethinker.tools.types import Request, TextPart

SCENE = Scene("meadow").put(3, SceneObject("cat", "white", "small"))


def plan(text: str, folder: Path) -> list[str | None]:
    request = Request(parts=(TextPart(text=text),))
    planned = asyncio.run(ScriptedPlanner(ImageStore(folder)).plan(request, PlanContext()))
    return [step.prompt for step in planned.steps]


def test_letters_and_digits_of_full_width_are_read(tmp_path: Path) -> None:
    assert plan("ａ ｂｉｇ ｒｅｄ ｂａｌｌ ｏｎ ｔｈｅ ｌｅｆｔ", tmp_path) == plan(
        "a big red ball on the left", tmp_path
    )


@pytest.mark.parametrize(
    ("told", "kind"),
    [
        ("the cat walks to the right", "move"),
        ("The kitten jumps to the top", "move"),
        ("a red ball appears on the right", "add"),
        ("another cat arrives at the top", "add"),
        ("the cat disappears", "remove"),
        ("the cat gets bigger", "resize"),
        ("night falls", "background"),
        ("it gets dark", "background"),
        ("the sun sets", "background"),
        ("it starts to snow", "background"),
    ],
)
def test_a_sentence_of_a_story_is_parsed_as_an_edit(told: str, kind: str) -> None:
    assert [edit.kind for edit in parse(told, SCENE).edits] == [kind]


def test_a_story_becomes_one_step_per_sentence_in_its_own_words(tmp_path: Path) -> None:
    text = "Tell me a story: a small white cat on the left in a meadow. The cat walks to the middle. Then night falls."
    assert plan(text, tmp_path) == [
        "a small white cat on the left in a meadow",
        "the cat walks to the middle",
        "night falls",
    ]


def test_it_refers_to_the_object_named_last_or_else_to_the_scene(tmp_path: Path) -> None:
    text = "a big red ball on the left in a meadow, then make it night, then make it blue"
    assert plan(text, tmp_path)[1:] == ["make it night", "make the ball blue"]


def test_the_error_for_a_story_with_an_unknown_word_names_the_word(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="'dragon'"):
        plan("Tell me a story about a dragon", tmp_path)


def test_texts_in_the_micro_worlds_language_stay_unchanged() -> None:
    rng = np.random.default_rng(8)
    texts = [generation_task(rng).text for _ in range(200)]
    texts += [edit_task(rng, kind).text for kind in EDIT_KINDS for _ in range(100)]
    texts += [held_out_task(family, rng).task.text for family in HELD_OUT_FAMILIES for _ in range(100)]
    for text in texts:
        assert normalize(text) == text
        assert strip_framing(text) == text
