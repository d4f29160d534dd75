"""The fuzzers and the kill harness of `make robustness`, for some seconds."""

import pytest

from .fuzz import fuzz_answers, fuzz_images, timed
from .kill import kill_rounds


@pytest.mark.parametrize("seed", [1, 2])
def test_mutated_answers_and_images_crash_and_hang_nothing(seed: int) -> None:
    assert fuzz_answers(400, seed)["read"]
    assert fuzz_images(100, seed)["accepted"]


def test_the_fuzzer_reports_a_reader_that_crashes_with_its_input() -> None:
    def broken(text: str) -> object:
        raise KeyError(text)

    with pytest.raises(SystemExit, match="answer 1: broken raised KeyError"):
        timed(broken, "x", (ValueError,), "answer 1")


def test_nothing_is_lost_or_repeated_when_the_program_is_killed() -> None:
    found = kill_rounds(1, seed=3)
    assert found["kills"]
    assert found["lost"] == found["repeated_calls"] == 0
