"""Each defect lowers the right score by the documented amount."""

from dataclasses import replace

import numpy as np
import pytest
from PIL import ImageFilter

from interleavethinker.microworld.language.held_out import HELD_OUT_FAMILIES, held_out_task
from interleavethinker.microworld.language.templates import (
    EDIT_KINDS,
    Edit,
    Task,
    cell_targets_of,
    edit_task,
    generation_task,
)
from interleavethinker.microworld.scenes.reader import as_pixels
from interleavethinker.microworld.scenes.scene import Scene, SceneObject, render, to_image
from interleavethinker.microworld.scoring.scorer import (
    QUALITY_NEEDED,
    Score,
    is_success,
    score,
    score_task,
    score_tasks,
)

BALL, CAT, TREE = (
    SceneObject("ball", "red", "big"),
    SceneObject("cat", "white", "small"),
    SceneObject("tree", "green", "big", 1),
)
SCENE = Scene("meadow", (None, BALL, None, None, CAT, None, TREE, None, None))
GREEN_BALL = replace(BALL, colour="green")
EDIT = Edit("recolour", cell=1, new=GREEN_BALL)
TARGET = EDIT.apply(SCENE)


def score_generated(made: Scene) -> Score:
    return score(render(made), None, cell_targets_of(SCENE), SCENE.background)


def score_edited(made: Scene, source: Scene = SCENE) -> Score:
    return score(render(made), source, EDIT.cell_targets(SCENE), SCENE.background)


def test_the_target_itself_gets_full_marks_for_every_kind_of_task() -> None:
    rng = np.random.default_rng(0)
    tasks = [generation_task(rng) for _ in range(20)]
    tasks += [edit_task(rng, kind) for kind in EDIT_KINDS for _ in range(6)]
    tasks += [held_out_task(family, rng).task for family in HELD_OUT_FAMILIES for _ in range(6)]
    for scored in score_tasks([render(task.target) for task in tasks], tasks):
        assert (scored.semantics, scored.quality, scored.overall, scored.exact) == (10, 10, 10, True)
        assert scored.faults == ()
        assert is_success(scored)


def test_an_edit_that_changes_nothing_has_semantics_zero() -> None:
    rng = np.random.default_rng(1)
    tasks = [edit_task(rng, kind) for kind in EDIT_KINDS for _ in range(6)]
    images = [render(task.source) for task in tasks if task.source]
    for scored in score_tasks(images, tasks):
        assert (scored.semantics, scored.preserved, scored.quality, scored.exact) == (0, 10, 10, False)
        assert not is_success(scored)


@pytest.mark.parametrize(
    ("defect", "grade"),
    [
        (SCENE.put(1, replace(BALL, kind="star")), 3),
        (SCENE.put(1, replace(BALL, colour="blue")), 4),
        (SCENE.put(1, replace(BALL, size="small")), 5),
        (SCENE.put(1, replace(BALL, colour="blue", size="small")), 2),
        (SCENE.put(1, None), 0),
        (replace(SCENE, background="night"), 2),
    ],
    ids=["wrong kind", "wrong colour", "wrong size", "colour and size", "missing", "wrong background"],
)
def test_a_defect_in_a_generated_scene_lowers_the_grade_of_what_should_be_there(defect: Scene, grade: float) -> None:
    scored = score_generated(defect)
    assert (scored.changed, scored.preserved, scored.semantics) == (grade, 10, grade)
    assert (scored.quality, scored.exact, is_success(scored)) == (10, False, False)


def test_an_extra_object_in_a_generated_scene_lowers_the_grade_of_what_should_stay() -> None:
    scored = score_generated(SCENE.put(8, CAT))
    assert (scored.changed, scored.preserved, scored.semantics, scored.exact) == (10, 2, 2, False)


def test_an_object_in_the_wrong_cell_is_better_than_a_missing_one_but_both_cells_are_wrong() -> None:
    scored = score_generated(SCENE.put(1, None).put(2, BALL))
    assert (scored.changed, scored.preserved, scored.exact) == (3, 2, False)


def test_variants_and_offsets_of_generated_objects_are_free() -> None:
    assert score_generated(SCENE.put(1, replace(BALL, variant=1, offset=2))).semantics == 10


@pytest.mark.parametrize(
    ("defect", "grade"),
    [
        (TARGET.put(4, replace(CAT, kind="fish")), 3),
        (TARGET.put(4, replace(CAT, colour="pink")), 4),
        (TARGET.put(4, replace(CAT, size="big")), 5),
        (TARGET.put(4, replace(CAT, variant=1)), 6),
        (TARGET.put(4, replace(CAT, offset=1)), 9),
        (TARGET.put(4, None), 0),
        (TARGET.put(4, None).put(5, CAT), 2),
        (TARGET.put(5, CAT), 2),
        (replace(TARGET, background="snow"), 2),
    ],
    ids=["kind", "colour", "size", "variant", "offset", "gone", "moved", "extra", "background"],
)
def test_a_changed_bystander_lowers_the_grade_of_what_should_stay(defect: Scene, grade: float) -> None:
    scored = score_edited(defect)
    assert (scored.changed, scored.preserved, scored.semantics, scored.quality) == (10, grade, grade, 10)
    assert is_success(scored) is (grade == 9)
    assert scored.exact is (grade == 9)


def test_an_incomplete_edit_is_graded_by_attribute() -> None:
    assert score_edited(TARGET.put(1, replace(BALL, colour="pink"))).changed == 4
    assert score_edited(TARGET.put(1, replace(GREEN_BALL, size="small"))).changed == 5
    assert score_edited(TARGET.put(1, None)).changed == 0


def test_a_move_that_leaves_the_object_in_its_old_cell_fails() -> None:
    edit = Edit("move", cell=4, to=5)
    cell_targets = edit.cell_targets(SCENE)
    copied = score(render(SCENE.put(5, CAT)), SCENE, cell_targets, "meadow")
    other = score(render(SCENE.put(5, CAT).put(4, BALL)), SCENE, cell_targets, "meadow")
    lost = score(render(SCENE.put(4, None)), SCENE, cell_targets, "meadow")
    assert (copied.changed, other.changed, lost.changed) == (0, 1, 0)
    assert (copied.preserved, other.preserved, lost.preserved) == (10, 10, 10)


def test_a_background_that_should_have_changed_scores_zero_if_unchanged_and_two_if_wrong() -> None:
    cell_targets = cell_targets_of(SCENE)
    assert score(render(SCENE), SCENE, cell_targets, "night").changed == 0
    assert score(render(replace(SCENE, background="snow")), SCENE, cell_targets, "night").changed == 2
    assert score(render(replace(SCENE, background="night")), SCENE, cell_targets, "night").semantics == 10


def test_a_smear_lowers_quality_but_not_semantics() -> None:
    pixels = render(TARGET)
    pixels[34:62, 34:62] = 0.5 * pixels[34:62, 34:62] + 0.5 * pixels[34:62, 34:62].mean((0, 1))
    scored = score(pixels, SCENE, EDIT.cell_targets(SCENE), "meadow")
    assert (scored.semantics, scored.exact) == (10, True)
    assert 2 < scored.quality < 8


def test_a_blot_in_place_of_an_object_fails() -> None:
    pixels = render(TARGET)
    pixels[:, 32:64] = as_pixels(to_image(pixels).filter(ImageFilter.GaussianBlur(2.5)))[:, 32:64]
    scored = score(pixels, SCENE, EDIT.cell_targets(SCENE), "meadow")
    assert scored.quality < QUALITY_NEEDED
    assert not is_success(scored)


def test_more_noise_means_less_quality_and_the_same_semantics() -> None:
    rng, qualities = np.random.default_rng(2), []
    for deviation in (5, 10, 20, 40):
        noisy = np.clip(render(TARGET) + rng.normal(0, deviation / 255, (96, 96, 3)), 0, 1).astype(np.float32)
        scored = score(noisy, SCENE, EDIT.cell_targets(SCENE), "meadow")
        assert scored.semantics == 10
        qualities.append(scored.quality)
    assert qualities == sorted(qualities, reverse=True)
    assert qualities[0] == 10
    assert 3 < qualities[2] < 7
    assert qualities[3] < 3


def test_more_blur_means_less_quality() -> None:
    image = to_image(render(TARGET))
    blurred = [as_pixels(image.filter(ImageFilter.GaussianBlur(radius))) for radius in (0, 0.7, 1.0, 1.5)]
    qualities = [score(pixels, SCENE, EDIT.cell_targets(SCENE), "meadow").quality for pixels in blurred]
    assert qualities == sorted(qualities, reverse=True)
    assert qualities[0] - qualities[-1] > 3


def test_overall_is_the_geometric_mean() -> None:
    noisy = np.clip(
        render(SCENE.put(1, replace(BALL, colour="blue"))) + np.random.default_rng(3).normal(0, 0.08, (96, 96, 3)), 0, 1
    ).astype(np.float32)
    scored = score(noisy, None, cell_targets_of(SCENE), "meadow")
    assert scored.semantics == 4
    assert scored.overall == pytest.approx((4 * scored.quality) ** 0.5)


def test_a_source_image_is_read_and_bystanders_must_look_like_it() -> None:
    source = render(SCENE)
    assert score(render(TARGET), source, EDIT.cell_targets(SCENE), "meadow").semantics == 10
    corrupted = source.copy()
    corrupted[32:64, 32:64] += np.random.default_rng(5).normal(0, 0.18, (32, 32, 3))
    looks = score(render(TARGET), corrupted, EDIT.cell_targets(SCENE), "meadow")
    assert looks.changed == 10
    assert 8 <= looks.preserved < 10


def test_faults_list_expected_and_found_content_worst_first() -> None:
    scored = score_edited(SCENE.put(4, replace(CAT, colour="pink")))
    assert [(item.cell, item.wanted, item.found) for item in scored.faults] == [
        (1, "big green ball", "big red ball"),
        (4, "small white cat", "small pink cat"),
    ]


def test_a_score_is_a_pure_function_of_image_and_task() -> None:
    task: Task = edit_task(np.random.default_rng(4), "replace")
    pixels = to_image(render(task.target)).filter(ImageFilter.GaussianBlur(1))
    assert score_task(pixels, task) == score_task(pixels, task)
