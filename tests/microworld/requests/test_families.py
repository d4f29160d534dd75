"""Requests of the micro world: their families, held-out splits, and plans that really fulfil them."""

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


def samples(split: Split, count: int = 42) -> list[SampledScenario]:
    return [sample_scenario(5, index, split) for index in range(count)]


def text_of(scenario: Scenario) -> str:
    return "\n".join(part for part in scenario.parts if isinstance(part, str))


@pytest.mark.parametrize("split", SPLITS)
def test_families_alternate_and_a_request_is_a_function_of_seed_and_index(split: Split) -> None:
    requests = samples(split)
    assert [one.family for one in requests[:7]] == list(FAMILIES)
    assert requests == samples(split)
    assert sample_scenario(6, 0, split) != requests[0]


def test_training_contains_no_held_out_template_or_combination() -> None:
    for one in samples("train", 70):
        assert one.template < FAMILIES[one.family].templates - 1
        assert not any(map(is_held_out, one.scenario.scenes))
    for one in samples("combinations", 70):
        assert one.template < FAMILIES[one.family].templates - 1
        assert any(map(is_held_out, one.scenario.scenes))
    for one in samples("templates", 70):
        assert one.template == FAMILIES[one.family].templates - 1


def test_synthetic_data_uses_extra_templates_but_never_the_held_out_one() -> None:
    sampled = [sample_scenario(5, index, "train", extra_templates=True) for index in range(140)]
    for one in sampled:
        assert one.template != FAMILIES[one.family].templates - 1
        assert not any(is_held_out(scene) for scene in one.scenario.scenes)
    assert {one.family for one in sampled if one.template >= FAMILIES[one.family].templates} == set(FAMILIES)


def test_a_request_framed_by_random_words_states_every_step_and_no_number_of_steps() -> None:
    framed = [
        one
        for one in (sample_scenario(5, index, "train", extra_templates=True) for index in range(280))
        if one.template < 0
    ]
    assert {one.family for one in framed} == {"narrative", "guidance", "manipulation", "continuation"}
    assert all(sample_scenario(5, index, "train").template >= 0 for index in range(70)), (
        "data sets have no random framing"
    )
    for one in framed:
        assert named_step_count(text_of(one.scenario)) is None
        if one.family != "guidance":
            assert all((step.prompt or "") in text_of(one.scenario).lower() for step in one.scenario.steps)


def test_long_requests_have_up_to_eight_steps_and_state_each_of_them() -> None:
    long = [sample_scenario(5, index, "templates", max_steps=MAX_STEPS) for index in range(140)]
    assert max(len(one.scenario.steps) for one in long) == MAX_STEPS
    assert max(len(one.scenario.steps) for one in samples("templates", 140)) == 4
    for one in long:
        if one.family in {"narrative", "manipulation"}:
            assert all((step.prompt or "") in text_of(one.scenario).lower() for step in one.scenario.steps)


def test_a_perfect_rendering_of_every_step_succeeds_and_doing_nothing_fails() -> None:
    for one in samples("train", 14):
        for step in one.scenario.steps:
            if step.target is None:
                assert one.family == "questions"
                continue
            source = None if step.target.before is None else to_image(render(step.target.before))
            assert is_success(score_step(to_image(render(step.target.after)), source, step.target)), step
            if source is not None:
                assert not is_success(score_step(source, source, step.target)), step


def test_each_step_starts_from_the_scene_that_the_previous_step_leaves() -> None:
    for one in samples("train", 70):
        shown = [part for part in one.scenario.parts if isinstance(part, Scene)]
        before = shown[-1] if shown else None
        for step in one.scenario.steps:
            if step.target is not None:
                assert step.target.before == before
                before = step.target.after


def test_prompts_keep_the_users_words() -> None:
    for one in samples("train", 70):
        if one.family in {"narrative", "manipulation", "continuation"}:
            text = text_of(one.scenario).lower()
            assert all((step.prompt or "") in text for step in one.scenario.steps)


def test_the_number_of_steps_that_a_request_names_is_its_plans() -> None:
    for one in samples("train", 140):
        assert named_step_count(text_of(one.scenario)) in {None, len(one.scenario.steps)}


def test_targets_survive_json_and_other_data_is_rejected() -> None:
    targets = [step.target for one in samples("train", 14) for step in one.scenario.steps if step.target]
    assert [target_from(as_json(target)) for target in targets] == targets
    with pytest.raises(InputError, match="target"):
        target_from({"after": 3})
