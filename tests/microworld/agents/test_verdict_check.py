"""What the micro critic says must follow from the prompt that it judges by."""

import pytest

from interleavethinker.microworld.agents.teachers import label_attempt
from interleavethinker.microworld.agents.verdict_check import check_verdict
from interleavethinker.microworld.language.parser import parse
from interleavethinker.microworld.scenes.scene import Scene, SceneObject, render, to_image
from interleavethinker.microworld.scoring.targets import StepTarget
from interleavethinker.tools.errors import ModelAnswerError
from interleavethinker.tools.types import CriticInput, Verdict

FISH = "before big red fish on the left, big blue fish on the right, meadow"
MOVED = "nothing in the middle wants big red fish, is big yes red yes fish yes"
LEFT = "big red fish on the left wants nothing, is nothing yes"
KEPT = "big blue fish on the right stays, is big yes blue yes fish yes; meadow background stays, is meadow yes"
STAR = "background wants meadow, is meadow yes; in the top left wants yellow star, is small yes yellow yes star yes"


def case(prompt: str, *, edits: bool) -> CriticInput:
    return CriticInput(source="a" * 64 if edits else None, image="b" * 64, original_prompt=prompt, prompt=prompt)


@pytest.mark.parametrize(
    ("prompt", "reasoning"),
    [
        ("move the red fish to the middle", f"{FISH}; {LEFT}; {MOVED}; {KEPT}; clean yes"),
        ("a yellow star in the top left, in a meadow", f"{STAR}; clean yes"),
        ("make the background night", f"{FISH}; meadow background wants night, is night yes; {KEPT}; clean yes"),
        ("move the red fish to the middle", "The fish is where it should be."),
        ("move the dragon to the middle", f"{FISH}; {LEFT}; clean yes"),
    ],
)
def test_what_follows_from_the_prompt_and_what_cannot_be_read_passes(prompt: str, reasoning: str) -> None:
    check_verdict(case(prompt, edits=reasoning.startswith("before")), Verdict(success=True, reasoning=reasoning))


@pytest.mark.parametrize(
    ("prompt", "reasoning", "problem"),
    [
        (
            "move the red fish to the middle",
            f"{FISH}; big red fish on the right wants nothing, is big red fish no; {MOVED}; {KEPT}",
            "there was big red fish on the right, and before, something else",
        ),
        (
            "move the red fish to the middle",
            f"{FISH}; {LEFT}; {MOVED}; big blue fish on the left stays, is big yes blue yes fish yes; clean yes",
            "there was big blue fish on the left, and before, something else",
        ),
        (
            "move the red fish to the middle",
            f"{FISH}; {LEFT}; {KEPT}; clean yes",
            "expects no change in the middle",
        ),
        (
            "a yellow star in the top left and a yellow star in the top right, in a meadow",
            f"{STAR}; in the bottom right wants yellow star, is nothing no; clean yes; try plain",
            "expects no change in the top right",
        ),
        (
            "make the background night",
            f"{FISH}; meadow background wants snow, is night no; clean yes",
            "expects the background snow",
        ),
    ],
)
def test_what_the_prompt_does_not_ask_for_is_no_usable_answer(prompt: str, reasoning: str, problem: str) -> None:
    verdict = Verdict(success=False, refined_prompt=prompt, reasoning=reasoning)
    with pytest.raises(ModelAnswerError, match=problem):
        check_verdict(case(prompt, edits=reasoning.startswith("before")), verdict)


@pytest.mark.parametrize(
    "prompt",
    [
        "move the red fish to the middle",
        "remove the blue fish",
        "make the red fish green",
        "add a small white cat at the top",
        "make the blue fish small",
        "replace the red fish with a big green tree",
        "make the background night",
    ],
)
def test_the_teachers_own_answers_pass(prompt: str) -> None:
    before = Scene("meadow").put(3, SceneObject("fish", "red", "big")).put(5, SceneObject("fish", "blue", "big"))
    task = parse(prompt, before)
    source = to_image(render(before))
    for after in (task.target, before, Scene("snow")):
        target = StepTarget(task.target, before, task.edits[0])
        label = label_attempt(to_image(render(after)), source, target, prompt, seed=3)
        check_verdict(case(prompt, edits=True), label.verdict)
