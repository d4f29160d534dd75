"""The seed streams: their values are part of published numbers, and they keep tasks apart."""

from itertools import combinations

from interleavethinker.microworld import seeds
from interleavethinker.microworld.requests.families import sample_scenario

STREAMS = {
    "GENERATOR_PROBE": 2**20,
    "GENERATOR_EVALUATION": 2**21,
    "PLANNER_EVALUATION": 2**22,
    "CRITIC_EVALUATION": 2**22,
    "SYNTHETIC_DATA": 2**23,
    "MICROBENCH": 2**24,
    "NATURAL_DATA": 2**25,
    "DRIFT_EVALUATION": 2**26,
}


def test_the_streams_of_published_numbers_never_change() -> None:
    values = {name: getattr(seeds, name) for name in seeds.__all__ if name != "MAX_USER_SEED"}
    assert values == STREAMS


def test_only_the_two_streams_that_are_documented_as_one_overlap() -> None:
    overlapping = [
        {first, second}
        for first, second in combinations(STREAMS, 2)
        if abs(STREAMS[first] - STREAMS[second]) < seeds.MAX_USER_SEED
    ]
    assert overlapping == [{"PLANNER_EVALUATION", "CRITIC_EVALUATION"}]
    assert min(STREAMS.values()) >= seeds.MAX_USER_SEED


def test_the_request_of_a_stream_is_the_one_that_was_published() -> None:
    drawn = sample_scenario(seeds.MICROBENCH, 0, "combinations")
    assert drawn == sample_scenario(2**24, 0, "combinations")
    assert drawn != sample_scenario(seeds.PLANNER_EVALUATION, 0, "combinations")
