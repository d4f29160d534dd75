"""MicroBench's text and image scores on perfect, incomplete and wrong answers."""

from dataclasses import replace
from pathlib import Path

import pytest

from interleavethinker.evaluation.microbench.dataset import Item, held_out_items
from interleavethinker.evaluation.microbench.scoring import (
    Shown,
    align,
    is_document_right,
    score_images,
    score_text,
    word_overlap_f1,
)
from interleavethinker.microworld.agents.teachers import plan_of
from interleavethinker.microworld.requests.families import FAMILIES
from interleavethinker.microworld.scenes.scene import Scene, render, to_image
from interleavethinker.tools.images.png import encode_png
from interleavethinker.tools.images.store import ImageStore
from interleavethinker.tools.types import Step


@pytest.fixture
def store(tmp_path: Path) -> ImageStore:
    return ImageStore(tmp_path)


def put(scene: Scene, store: ImageStore) -> str:
    return store.put(encode_png(to_image(render(scene))))


def perfect(item: Item, store: ImageStore) -> list[Shown]:
    """Returns images that match the reference's targets exactly."""
    shown = []
    source = item.request.images[-1] if item.request.images else None
    for target in item.targets:
        image = put(target.after, store)
        shown.append(Shown(image, source))
        source = image
    return shown


def longest(items: list[Item], steps: int = 3) -> Item:
    return next(item for item in items if len(item.targets) >= steps)


def test_items_cover_every_family_and_a_larger_n_starts_with_a_smaller_ones_items(store: ImageStore) -> None:
    items = held_out_items(28, 3, store)
    assert [item.request for item in items[:14]] == [item.request for item in held_out_items(14, 3, store)]
    assert {(item.family, item.split) for item in items} == {
        (family, split) for family in FAMILIES for split in ("combinations", "templates")
    }


def test_an_items_digest_changes_only_with_the_request_and_its_reference(store: ImageStore) -> None:
    item, again = held_out_items(1, 0, store)[0], held_out_items(1, 0, store)[0]
    assert item.digest == again.digest
    assert replace(item, scenario=replace(item.scenario, reasoning="otherwise")).digest != item.digest


def test_the_reference_itself_gets_full_scores(store: ImageStore) -> None:
    for item in held_out_items(14, 0, store):
        assert score_text(item.scenario.steps, plan_of(item.scenario).steps) == 100
        if item.targets:
            assert min(score_images(item.targets, perfect(item, store), store)) > 90


def test_an_answer_without_text_or_images_scores_0(store: ImageStore) -> None:
    item = longest(held_out_items(14, 0, store))
    assert score_text(item.scenario.steps, [Step(prompt=item.request.text)]) == 0
    assert score_text(item.scenario.steps, []) == 0
    assert score_images(item.targets, [], store) == (0, 0)


def test_missing_and_superfluous_steps_lower_the_text_score(store: ImageStore) -> None:
    item = longest(held_out_items(14, 0, store))
    steps = plan_of(item.scenario).steps
    assert 0 < score_text(item.scenario.steps, steps[1:]) < 100
    assert 0 < score_text(item.scenario.steps, (*steps, steps[0])) < 100


def test_a_step_without_effect_loses_its_own_score_and_the_final_scenes(store: ImageStore) -> None:
    item = longest(held_out_items(14, 0, store))
    shown = perfect(item, store)
    undone = [*shown[:-1], Shown(shown[-2].image, shown[-2].image)]
    whole, spoiled = score_images(item.targets, shown, store), score_images(item.targets, undone, store)
    assert spoiled[0] <= whole[0] - 100 / len(item.targets)
    assert spoiled[1] < whole[1] - 20


def test_an_earlier_error_lowers_the_final_scenes_score_but_not_later_steps(store: ImageStore) -> None:
    item = next(one for one in held_out_items(140, 0, store) if one.family == "guidance" and len(one.targets) == 2)
    first, second = item.targets
    assert second.edit is not None
    other = "night" if first.after.background != "night" else "meadow"
    wrong = Scene(other, first.after.cells)
    image = put(wrong, store)
    shown = [Shown(image, None), Shown(put(second.edit.apply(wrong), store), image)]
    steps, final = score_images(item.targets, shown, store)
    assert 50 < steps < 80  # the first step is bad, the second good
    assert final < 50


def test_a_single_final_image_scores_for_the_steps_that_it_shows(store: ImageStore) -> None:
    item = longest(held_out_items(14, 0, store))
    steps, final = score_images(item.targets, perfect(item, store)[-1:], store)
    assert final > 90
    assert 100 / len(item.targets) - 5 < steps < 90


def right(item: Item, shown: list[Shown | None], store: ImageStore) -> bool:
    """Returns whether the reference's plan with these images is a right document."""
    return is_document_right(item.scenario, plan_of(item.scenario).steps, shown, store)


def test_the_reference_itself_is_a_right_document(store: ImageStore) -> None:
    for item in held_out_items(28, 0, store):
        shown: list[Shown | None] = [*perfect(item, store)] if item.targets else [None]
        assert right(item, shown, store), item.request.text


def test_a_document_is_wrong_if_one_image_is_missing_superfluous_undone_or_in_the_wrong_place(
    store: ImageStore,
) -> None:
    item = longest(held_out_items(14, 0, store), 4)
    steps = plan_of(item.scenario).steps
    shown: list[Shown | None] = [*perfect(item, store)]
    first, last = shown[0], shown[-1]
    assert first is not None
    assert last is not None
    assert not right(item, [*shown[:-1], None], store)
    assert not is_document_right(item.scenario, steps[:-1], shown[:-1], store)
    repeated = Shown(last.image, last.image)
    assert not is_document_right(item.scenario, (*steps, steps[-1]), [*shown, repeated], store)
    assert not right(item, [*shown[:-1], Shown(last.source or "", last.source)], store)
    assert not right(item, [shown[1], shown[0], *shown[2:]], store)
    assert not is_document_right(item.scenario, steps[-1:], [last], store), "only the final scene is shown"
    assert not is_document_right(item.scenario, [], [], store)


def test_a_later_exact_step_does_not_make_up_for_an_earlier_error(store: ImageStore) -> None:
    item = next(one for one in held_out_items(140, 0, store) if one.family == "guidance" and len(one.targets) == 2)
    first, second = item.targets
    assert second.edit is not None
    other = "night" if first.after.background != "night" else "meadow"
    wrong = Scene(other, first.after.cells)
    image = put(wrong, store)
    exact_edit = Shown(put(second.edit.apply(wrong), store), image)
    assert not right(item, [Shown(image, None), exact_edit], store)
    assert not right(item, [*perfect(item, store)[:1], exact_edit], store), "exact step, but not the final scene"


@pytest.mark.parametrize(
    ("answer", "expected"),
    [
        ("A small yellow star in the bottom right, a small orange star on the right and at sunset.", True),
        ("A small orange star on the right and a little yellow star in the bottom right, at sunset.", True),
        ("A small orange star on the right and a small yellow star in the bottom left, at sunset.", False),
        ("A small orange star on the right.", False),
        ("", False),
    ],
)
def test_an_answer_in_words_is_compared_by_its_content(answer: str, expected: bool, store: ImageStore) -> None:
    asked = held_out_items(7, 0, store)[4].scenario
    wanted = "A small orange star on the right and a small yellow star in the bottom right, at sunset."
    scenario = replace(asked, steps=(replace(asked.steps[0], auxiliary_text=wanted),))
    for step in (Step(auxiliary_text=answer or None), Step(instruction=answer or None)):
        if answer:
            assert is_document_right(scenario, [step], [None], store) is expected
    assert not is_document_right(scenario, [], [], store)


def test_a_comparison_may_say_the_edit_or_the_difference(store: ImageStore) -> None:
    item = held_out_items(7, 0, store)[4]
    assert item.request.text.endswith("What was done from the first to the second?")
    for answer, expected in (
        ("Change the background to sunset.", True),
        ("In the second picture, the background is sunset instead.", True),
        ("In the second picture, the background is snow instead.", False),
        ("In the second picture, the cat is gone.", False),
    ):
        assert is_document_right(item.scenario, [Step(auxiliary_text=answer)], [None], store) is expected


def test_an_image_beside_an_answer_in_words_makes_the_document_wrong(store: ImageStore) -> None:
    item = held_out_items(7, 0, store)[4]
    assert item.family == "questions"
    (step,) = plan_of(item.scenario).steps
    shown = Shown(item.request.images[-1], None)
    drawn = Step(prompt="a cat", auxiliary_text=step.auxiliary_text)
    assert not is_document_right(item.scenario, [drawn], [shown], store)
    assert not is_document_right(item.scenario, [drawn], [None], store)


def test_requests_have_the_lengths_that_the_documentation_names(store: ImageStore) -> None:
    lengths: dict[str, set[int]] = {}
    for item in held_out_items(308, 0, store):
        lengths.setdefault(item.family, set()).add(len(item.targets))
    assert lengths.pop("narrative") == set(range(2, 9))
    assert lengths.pop("manipulation") == set(range(1, 8))
    assert lengths.pop("questions") == {0}
    assert set.union(*lengths.values()) == {1, 2, 3}


def test_synonyms_count_as_the_same_word_and_other_colors_do_not() -> None:
    assert word_overlap_f1("Now a crimson sphere is on the left.", "now the red ball is on the left") == 1
    assert word_overlap_f1("The ball is red.", "The ball is blue.") == 0.5
    assert word_overlap_f1("There are 3 things.", "There are 2 things.") < 1


def test_alignment_keeps_the_order_and_maximizes_the_sum() -> None:
    crossed = [[0.0, 1.0], [1.0, 0.0]]
    assert sorted(align(crossed, reuse=False)) == [0, 1]
    assert align([[1.0], [0.5]], reuse=True) == [1, 0.5]
    assert align([[1.0], [0.5]], reuse=False) == [1, 0]
    assert align([[], []], reuse=True) == [0, 0]
    assert align([[0.9, 0.2], [0.1, 0.8]], reuse=False) == [0.9, 0.8]
