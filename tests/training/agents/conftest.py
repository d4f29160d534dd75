"""Reports on runs of untrained models."""

from collections.abc import Iterator

import pytest

from interleavethinker.training.agents import run_report


@pytest.fixture(scope="module")
def short_answers() -> Iterator[None]:
    """The samples in a run's report get a few tokens of each answer: untrained models do not end any by themselves."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(run_report, "_MAX_NEW_TOKENS", {"critic": 8, "planner": 8})
        yield
