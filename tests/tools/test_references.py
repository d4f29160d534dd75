"""Names of images, what texts mention, and what the steps of a plan look at."""

import pytest

from interleavethinker.tools.chat.answers import read_plan, read_verdict, write_plan
from interleavethinker.tools.chat.rendering import render_case, render_request
from interleavethinker.tools.errors import InputError, ModelAnswerError
from interleavethinker.tools.image_names import check_image_name, mentions, split_named
from interleavethinker.tools.references import (
    check_mentions,
    in_words,
    pinned_references,
    reference_problem,
    with_words,
)
from interleavethinker.tools.types import CriticInput, ImagePart, PinnedReference, Request, Step, TextPart

A, B, C = "a" * 64, "b" * 64, "c" * 64


def request_of(text: str, **names: str) -> Request:
    images = (ImagePart(sha256=sha256, name=name) for name, sha256 in names.items())
    return Request(parts=(*images, TextPart(text=text)))


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("cat=photo.png", ("cat", "", "photo.png")),
        ("@Cat: the hero = a=b.png", ("cat", "the hero", "a=b.png")),
        ("photo.png", (None, "", "photo.png")),
        ("./a=b.png", (None, "", "./a=b.png")),
        (r"C:\x\y=1.png", (None, "", r"C:\x\y=1.png")),
        ("data:image/png;base64,AAA=", (None, "", "data:image/png;base64,AAA=")),
    ],
)
def test_an_image_is_named_before_an_equals_sign(text: str, found: tuple[str | None, str, str]) -> None:
    assert split_named(text) == found


@pytest.mark.parametrize("name", ["", "2", "image2", "step_1", "a cat", "x" * 33])
def test_words_that_mean_something_else_are_no_names(name: str) -> None:
    with pytest.raises(InputError, match="name"):
        check_image_name(name)


def test_mentions_end_at_the_word_and_are_no_parts_of_addresses() -> None:
    assert mentions("@Cat's hat, @dog. mail me@example.com @cat-", {"cat"}) == ["cat", "dog"]
    assert mentions("@猫在森林里", {"猫"}) == ["猫"]


def test_an_unknown_mention_is_named_with_the_nearest_name() -> None:
    check_mentions(request_of("a poster for @acme"))
    check_mentions(request_of("@cat in @image2", cat=A, dog=B))
    with pytest.raises(InputError, match=r"@cta, which is no image.*Did you mean @cat\?.*@cat, @dog"):
        check_mentions(request_of("@cta runs", cat=A, dog=B))
    twice = Request(parts=(ImagePart(sha256=A, name="cat"), ImagePart(sha256=B, name="Cat")))
    with pytest.raises(InputError, match="Two images"):
        check_mentions(twice)


@pytest.mark.parametrize(
    ("step", "words"),
    [
        (Step(prompt="x", references=("dgo",)), "Did you mean @dog"),
        (Step(prompt="x", references=("image 3",)), "has 1 image"),
        (Step(prompt="x", references=("step 2",)), "not an earlier step"),
        (Step(prompt="x", references=("girl = step 1",)), "not an earlier step"),
        (Step(prompt="@gril runs", references=("dog",)), "mentions @gril"),
        (Step(prompt="@dog runs", references=("image 1", "dog")), ""),
    ],
)
def test_steps_cannot_look_at_what_there_is_not(step: Step, words: str) -> None:
    problem = reference_problem([Step(auxiliary_text="Hello."), step], request_of("x", dog=A))
    assert words in problem
    assert bool(words) == bool(problem)


def test_a_step_looks_at_what_it_names_then_at_what_its_prompt_mentions() -> None:
    request = request_of("x", cat=A, dog=B)
    steps = [Step(prompt="a"), Step(prompt="@cat and @girl", references=("girl = step 1",))]
    pinned = pinned_references(steps, 1, "@cat and @girl", request, lambda _: C)
    assert [(one.label, one.sha256) for one in pinned] == [("girl", C), ("cat", A)]
    assert not pinned_references(steps, 0, "a", request, lambda _: None)
    assert with_words("@cat and @girl, @bird", request, steps[1].references) == "cat and girl, @bird"


def test_the_steps_of_a_planner_that_knows_no_references_look_at_all_named_images() -> None:
    pinned = pinned_references([Step(prompt="a")], 0, "a", request_of("x", cat=A, dog=B), lambda _: None)
    assert [one.label for one in pinned] == ["cat", "dog"]


def test_images_that_are_described_are_replaced_by_their_words() -> None:
    request = Request(
        parts=(
            ImagePart(sha256=A),
            ImagePart(sha256=B, name="cat", words="the small red cat"),
            TextPart(text="Put @cat on the left"),
        )
    )
    assert in_words(request).parts == (ImagePart(sha256=A), TextPart(text="Put the small red cat on the left"))
    assert not pinned_references([Step(prompt="@cat")], 0, "@cat", request, lambda _: None)


def test_plans_carry_references_and_old_answers_have_none() -> None:
    answer = (
        '{"execution_plan": [{"step_number": 3, "prompt": "a"}, '
        '{"step_number": 4, "prompt": "@girl", "references": ["Girl = step 3", "image2", 7, "?"]}]}'
    )
    plan = read_plan(f"<think>t</think><answer>{answer}</answer>")
    assert [step.references for step in plan.steps] == [(), ("girl = step 1", "image 2")]
    assert '"references": ["girl = step 3", "image 2"]' in write_plan(plan, first=3)
    assert "references" not in write_plan(plan.model_copy(update={"steps": plan.steps[:1]}))


def test_a_lost_identity_is_a_failure_of_its_own() -> None:
    lost = '{"previous_step_success": true, "identity_kept": false, "refine_prompt": "a red cat"}'
    verdict = read_verdict(f"<think>t</think><answer>{lost}</answer>")
    assert (verdict.success, verdict.same_identity, verdict.refined_prompt) == (False, False, "a red cat")
    with pytest.raises(ModelAnswerError, match="refine_prompt"):
        read_verdict('<answer>{"previous_step_success": true, "identity_kept": false}</answer>')
    old = read_verdict('<answer>{"previous_step_success": true, "refine_prompt": ""}</answer>')
    assert (old.success, old.same_identity) == (True, None)


def test_planner_and_critic_see_named_images_and_others_read_what_they_always_read() -> None:
    text = render_request(request_of("x", cat=A))[1].text
    assert "image 1 is @cat" in text
    assert render_request(request_of("x"))[1].text == "x"
    case = CriticInput(source=None, image=A, original_prompt="p", prompt="p")
    with_reference = case.model_copy(update={"references": (PinnedReference(label="cat", sha256=B),)})
    plain, asked = render_case(case)[0], render_case(with_reference)[0]
    assert [part.sha256 for part in asked.parts if isinstance(part, ImagePart)][2:] == [B]
    assert asked.text.startswith(plain.text)
    assert "identity_kept" in asked.text
    assert "- image 3: cat" in asked.text
