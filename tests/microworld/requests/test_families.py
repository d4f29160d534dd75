"""Requests of the micro world: their families, held-out splits, and plans that really carry them out."""

import pytest

from interleavethinker.microworld.requests.families import (
    FAMILIES,
    MAX_STEPS,
    SPLITS,
    SampledScenario,
    Split,
    is_held_out,
    sample_scenario,
)
from interleavethinker.microworld.requests.scenarios import Scenario
from interleavethinker.microworld.scenes.scene import Scene, render, to_image
from interleavethinker.microworld.scoring.scorer import is_success
from interleavethinker.microworld.scoring.targets import as_json, score_step, target_from
from interleavethinker.tools.errors import InputError
from interleavethinker.tools.request_parsing import named_step_count


def drawn(split: Split, count: int = 42) -> list[SampledScenario]:
    return [sample_scenario(5, index, split) for index in range(count)]


def text_of(asked: Scenario) -> str:
    return "\n".join(part for part in asked.parts if isinstance(part, str))


@pytest.mark.parametrize("split", SPLITS)
def test_families_take_turns_and_a_request_is_a_function_of_seed_and_number(split: Split) -> None:
    requests = drawn(split)
    assert [one.family for one in requests[:7]] == list(FAMILIES)
    assert requests == drawn(split)
    assert sample_scenario(6, 0, split) != requests[0]


def test_training_never_sees_a_held_out_template_or_combination() -> None:
    for one in drawn("train", 70):
        assert one.template < FAMILIES[one.family].templates - 1
        assert not any(map(is_held_out, one.scenario.scenes))
    for one in drawn("combinations", 70):
        assert one.template < FAMILIES[one.family].templates - 1
        assert any(map(is_held_out, one.scenario.scenes))
    for one in drawn("templates", 70):
        assert one.template == FAMILIES[one.family].templates - 1


def test_rehearsals_are_asked_in_more_ways_but_never_in_the_held_out_one() -> None:
    drawn = [sample_scenario(5, index, "train", extra_templates=True) for index in range(140)]
    for one in drawn:
        assert one.template != FAMILIES[one.family].templates - 1
        assert not any(is_held_out(scene) for scene in one.scenario.scenes)
    assert {one.family for one in drawn if one.template >= FAMILIES[one.family].templates} == set(FAMILIES)


def test_framed_by_random_words_a_request_still_says_every_step_and_names_no_number_of_them() -> None:
    improvised = [
        one
        for one in (sample_scenario(5, index, "train", extra_templates=True) for index in range(280))
        if one.template < 0
    ]
    assert {one.family for one in improvised} == {"narrative", "guidance", "manipulation", "continuation"}
    assert all(sample_scenario(5, index, "train").template >= 0 for index in range(70)), "the data set has none"
    for one in improvised:
        assert named_step_count(text_of(one.scenario)) is None
        if one.family != "guidance":
            assert all((step.prompt or "") in text_of(one.scenario).lower() for step in one.scenario.steps)


def test_long_requests_have_up_to_eight_steps_each_asked_for_in_the_request() -> None:
    long = [sample_scenario(5, index, "templates", max_steps=MAX_STEPS) for index in range(140)]
    assert max(len(one.scenario.steps) for one in long) == MAX_STEPS
    assert max(len(one.scenario.steps) for one in drawn("templates", 140)) == 4
    for one in long:
        if one.family in {"narrative", "manipulation"}:
            assert all((step.prompt or "") in text_of(one.scenario).lower() for step in one.scenario.steps)


def test_a_perfect_rendering_of_every_step_is_judged_good_and_doing_nothing_is_not() -> None:
    for one in drawn("train", 14):
        for step in one.scenario.steps:
            if step.target is None:
                assert one.family == "questions"
                continue
            source = None if step.target.before is None else to_image(render(step.target.before))
            assert is_success(score_step(to_image(render(step.target.after)), source, step.target)), step
            if source is not None:
                assert not is_success(score_step(source, source, step.target)), step


def test_each_step_starts_from_the_scene_that_the_one_before_leaves() -> None:
    for one in drawn("train", 70):
        shown = [part for part in one.scenario.parts if isinstance(part, Scene)]
        before = shown[-1] if shown else None
        for step in one.scenario.steps:
            if step.target is not None:
                assert step.target.before == before
                before = step.target.after


def test_prompts_keep_the_words_that_the_user_chose() -> None:
    for one in drawn("train", 70):
        if one.family in {"narrative", "manipulation", "continuation"}:
            text = text_of(one.scenario).lower()
            assert all((step.prompt or "") in text for step in one.scenario.steps)


def test_a_number_of_steps_that_a_request_names_is_the_plans() -> None:
    for one in drawn("train", 140):
        assert named_step_count(text_of(one.scenario)) in {None, len(one.scenario.steps)}


def test_a_target_survives_json_and_nonsense_is_refused() -> None:
    targets = [step.target for one in drawn("train", 14) for step in one.scenario.steps if step.target]
    assert [target_from(as_json(target)) for target in targets] == targets
    with pytest.raises(InputError, match="target"):
        target_from({"after": 3})
