"""Natural requests for training: their reference plans must be right, whatever the request leaves open."""

from collections import Counter

import pytest

from interleavethinker.evaluation.micro.plan_checks import execute_plan
from interleavethinker.microworld.agents.teachers import plan_of
from interleavethinker.microworld.requests.families import MAX_STEPS, is_held_out
from interleavethinker.microworld.requests.natural import MISSING_IMAGE, NATURAL_FAMILIES, natural_scenario
from interleavethinker.microworld.requests.natural_content import spread
from interleavethinker.microworld.scenes.scene import Scene

SAMPLES = [natural_scenario(3, index) for index in range(20 * len(NATURAL_FAMILIES))]
_EXECUTED = 4
"""Plans of each family that are carried out."""


@pytest.mark.parametrize("family", NATURAL_FAMILIES)
def test_carrying_out_a_reference_plan_gives_what_the_request_asks(family: str) -> None:
    of_family = [scenario for name, scenario in SAMPLES if name == family]
    for scenario in of_family[:_EXECUTED]:
        outcome = execute_plan(plan_of(scenario), scenario, seed=0)
        assert outcome.fulfilled, (scenario.parts, [step.prompt for step in scenario.steps])


def test_stories_have_all_lengths_up_to_the_maximum() -> None:
    lengths = Counter(len(scenario.steps) for family, scenario in SAMPLES if "story" in family)
    assert set(range(2, MAX_STEPS + 1)) <= set(lengths)


def test_no_request_contains_a_held_out_pair_of_kind_and_color() -> None:
    assert not any(is_held_out(scene) for _, scenario in SAMPLES for scene in scenario.scenes)


def test_a_request_that_needs_an_image_and_has_none_is_answered_in_words() -> None:
    missing = [scenario for family, scenario in SAMPLES if family == "missing"]
    assert missing
    for scenario in missing:
        assert not any(isinstance(part, Scene) for part in scenario.parts)
        assert [step.auxiliary_text for step in scenario.steps] == [MISSING_IMAGE]
        assert scenario.steps[0].prompt is None


def test_a_request_is_a_pure_function_of_seed_and_index() -> None:
    assert natural_scenario(3, 5) == natural_scenario(3, 5)
    assert natural_scenario(3, 5) != natural_scenario(4, 5)


@pytest.mark.parametrize(
    ("stated", "taken", "cells"),
    [
        ([None], set(), [4]),
        ([None, None], set(), [3, 5]),
        ([None, None, None], set(), [3, 4, 5]),
        ([4, None], set(), [4, 3]),
        ([None], {4}, [3]),
    ],
)
def test_objects_without_a_stated_place_take_free_places(
    stated: list[int | None], taken: set[int], cells: list[int]
) -> None:
    assert spread(stated, taken) == cells
