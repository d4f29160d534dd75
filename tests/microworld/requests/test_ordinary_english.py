"""Requests in ordinary English: each has the plan, answer or refusal written beside it, and each kind of wording works.

Plans are worded as the generator's training texts are.
"""

import json
from pathlib import Path

import pytest

from interleavethinker.microworld.agents.scripted_planner import plan_by_rules
from interleavethinker.microworld.language.parser import parse
from interleavethinker.microworld.language.plain_text import EXTRA_SYNONYMS
from interleavethinker.microworld.language.templates import describe, instruct
from interleavethinker.microworld.language.vocabulary import SYNONYMS, plural, regular_plural
from interleavethinker.microworld.requests.interpretation import interpret, interpret_request
from interleavethinker.microworld.requests.plan_outcome import plan_satisfies
from interleavethinker.microworld.requests.validation import check_request
from interleavethinker.microworld.scenes.scene import Scene
from interleavethinker.microworld.scenes.sprites import BACKGROUNDS, COLOURS, KINDS
from interleavethinker.tools.errors import InputError
from interleavethinker.tools.types import ImagePart, Plan, Request, TextPart

IMAGES = {
    "pair": "a small white cat on the left and a big green tree on the right, in a meadow",
    "ball": "a big red ball on the left, at night",
    "three": (
        "a small white cat on the left, a big orange cat on the right and a small blue bird at the top, in a meadow"
    ),
    "boat": "a big blue boat on the left, at the beach",
    "girl": "a small pink girl on the left, in a meadow",
    "bird": "a big green tree on the right and a small white bird in the top left, in a meadow",
    "two": "a big red ball in the middle, in the snow",
    "twoballs": "a big red ball in the middle and a small blue ball on the left, in the snow",
    "beachtree": "a big green tree on the left, at the beach",
    "nighttree": "a big green tree on the left, at night",
}
ROWS = [json.loads(line) for line in (Path(__file__).parent / "ordinary_english.jsonl").read_text("utf-8").splitlines()]


def scenes_of(*names: str) -> list[Scene]:
    return [parse(IMAGES[name]).target for name in names]


def request_of(text: str, images: int = 0) -> Request:
    return Request(parts=(*(ImagePart(sha256="a" * 64) for _ in range(images)), TextPart(text=text)))


def planned(text: str, *names: str) -> Plan:
    scenes = scenes_of(*names)
    return plan_by_rules(request_of(text, len(scenes)), scenes, "trained")


def steps(text: str, *names: str) -> list[str | None]:
    return [step.prompt for step in planned(text, *names).steps]


def answer(text: str, *names: str) -> str | None:
    (step,) = planned(text, *names).steps
    assert step.prompt is None
    return step.auxiliary_text


@pytest.mark.parametrize("row", ROWS, ids=[row["request"][:60] for row in ROWS])
def test_ordinary_english_is_planned_answered_or_refused(row: dict[str, object]) -> None:
    names: list[str] = row.get("images", [])  # type: ignore[assignment]
    text = str(row["request"])
    if "refused" in row:
        with pytest.raises(InputError) as caught:
            planned(text, *names)
        assert caught.value.code == row["refused"]
        return
    request, scenes = request_of(text, len(names)), scenes_of(*names)
    plan = planned(text, *names)
    if "answer" in row:
        assert answer(text, *names) == row["answer"]
    else:
        assert [step.prompt for step in plan.steps] == row["steps"]
    assert plan_satisfies(interpret_request(request, scenes), plan) == []
    check_request(request)


@pytest.mark.parametrize("row", [row for row in ROWS if "steps" in row][::3], ids=lambda row: row["request"][:60])
def test_every_prompt_is_a_text_that_the_generator_was_trained_on(row: dict[str, object]) -> None:
    names: list[str] = row.get("images", [])  # type: ignore[assignment]
    scene = scenes_of(*names)[-1] if names else None
    for prompt in steps(str(row["request"]), *names):
        task = parse(str(prompt), scene)
        assert prompt == (describe(task.target) if scene is None else instruct(task.edits[0], scene))
        scene = task.target


NAMES = [(word, kind) for kind in KINDS for word in (kind, *SYNONYMS[kind])]
NAMES += [(word, kind) for word, kind in EXTRA_SYNONYMS.items() if kind in KINDS]


@pytest.mark.parametrize(("word", "kind"), NAMES)
def test_every_noun_has_a_plural(word: str, kind: str) -> None:
    for many in {plural(word), regular_plural(word)}:
        (target,) = interpret(f"two {many} at night").targets
        assert [one.kind for one in target.objects] == [kind, kind]


@pytest.mark.parametrize(
    "told",
    [
        "the cat walked to the right",
        "the cat slowly walks to the right",
        "the cat will walk to the right",
        "the cat is going to move to the right",
        "the cat starts to run to the right",
        "suddenly the kitten jumped to the right side",
        "then the cat went right",
        "the cat reached the right edge",
        "it should land on the right",
    ],
)
def test_tense_and_manner_make_no_difference(told: str) -> None:
    text = f"A small white cat on the left. {told[:1].upper()}{told[1:]}."
    assert steps(text) == ["a small white cat on the left, in a meadow", "move the white cat to the right"]


@pytest.mark.parametrize("colour", COLOURS)
@pytest.mark.parametrize(
    "frame",
    [
        "Could the cat be {}?",
        "Would you mind painting the cat {}?",
        "How about making the cat {}?",
        "The cat needs to be {}.",
        "Recolour the cat: {}.",
        "I like this cat. Make it {}.",
        "Why not turn the cat {}?",
        "Can you please make the cat in the picture {} for me?",
    ],
)
def test_an_edit_may_be_a_wish_a_question_or_an_order(frame: str, colour: str) -> None:
    if colour == "white":
        with pytest.raises(InputError, match="already"):
            steps(frame.format(colour), "pair")
    else:
        assert steps(frame.format(colour), "pair") == [f"make the white cat {colour}"]


@pytest.mark.parametrize("ground", BACKGROUNDS)
def test_a_background_may_be_empty_in_many_words(ground: str) -> None:
    a = {"meadow": "a meadow", "beach": "a beach", "forest": "a forest"}.get(ground, ground)
    for text in (f"{a} with nothing in it", f"nothing but {a}", f"{a} without anything in it", f"there is only {a}"):
        (target,) = interpret(text).targets
        assert target.objects == ()
        assert target.backgrounds == frozenset({ground})


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        ("Is the cat big or small?", "The cat is small."),
        ("Is the tree red, blue or green?", "The tree is green."),
        ("Is the tree on the left or on the right?", "The tree is on the right."),
        ("Tell me what colour the cat is and where it sits.", "The cat is white. The cat is on the left."),
        ("How many cats are there, and how many trees?", "There is 1 cat. There is 1 tree."),
    ],
)
def test_alternatives_and_several_questions_are_answered(text: str, wanted: str) -> None:
    assert answer(text, "pair") == wanted


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("Which of the pictures shows fewer balls, the first or the second?", "second"),
        ("Please compare the backgrounds.", "same"),
        ("Something is missing. What is it?", "blue ball"),
        ("Which one has a small ball?", "first"),
    ],
)
def test_two_images_are_compared_by_what_the_question_asks(text: str, words: str) -> None:
    found = answer(text, "twoballs", "two")
    assert found is not None
    assert words in found


@pytest.mark.parametrize(
    "lead", ["And then?", "What happens next?", "Here is my story so far.", "Go on from here.", "Next panel:"]
)
def test_a_continuation_may_be_introduced_in_many_ways(lead: str) -> None:
    assert steps(f"{lead} The bird flies away.", "bird") == ["remove the white bird"]


def test_after_a_removal_it_is_no_other_object() -> None:
    with pytest.raises(InputError, match="not clear"):
        planned("Remove the tree. Then make it blue.", "pair")
    assert steps("Remove the tree and put a box there.", "pair") == [
        "remove the green tree",
        "add a big orange box on the right",
    ]


def test_events_that_are_counted_as_pictures_keep_their_order() -> None:
    text = "Two more pictures: night falls, the bird leaves."
    assert steps(text, "bird") == ["change the background to night", "remove the white bird"]


@pytest.mark.parametrize(
    ("text", "fault"),
    [
        ("Four things: a cat, a ball and a tree.", "4 things and names 3"),
        ("A ball on the right of a box. On the left.", "cannot be carried out"),
        ("A cat is on the left of a ball, and the ball is on the left of the cat.", "cannot be carried out"),
    ],
)
def test_what_cannot_all_be_true_is_refused(text: str, fault: str) -> None:
    with pytest.raises(InputError, match=fault):
        planned(text)


@pytest.mark.parametrize(
    "text",
    ["Paint what dreams are made of.", "The cat sees the ball on it.", "a cat in it", "Why does the cat sit there?"],
)
@pytest.mark.parametrize("images", [0, 1])
def test_what_is_not_understood_is_refused_before_anything_is_recorded(text: str, images: int) -> None:
    with pytest.raises(InputError, match="klein"):
        check_request(request_of(text, images))
