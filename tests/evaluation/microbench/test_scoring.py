"""MicroBench's text and image scores on perfect, incomplete and wrong answers."""

from dataclasses import replace
from pathlib import Path

import pytest

from interleavethinker.evaluation.microbench.dataset import Item, held_out_items
from interleavethinker.evaluation.microbench.scoring import Shown, align, score_images, score_text, word_overlap_f1
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
