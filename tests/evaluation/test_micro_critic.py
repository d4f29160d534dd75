"""The critic's evaluation with critics that are known: a perfect one, a yes-sayer, and one that never answers."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest
from pydantic import JsonValue

from interleavethinker.evaluation.micro_critic import CriticCase, critic_report, draw_cases
from interleavethinker.microworld.obedient import ObedientMaker
from interleavethinker.microworld.rewordings import reword
from interleavethinker.tools.doubles import RuleCritic
from interleavethinker.tools.store import ImageStore
from interleavethinker.tools.types import Case, Verdict


@pytest.fixture(scope="module")
def cases(tmp_path_factory: pytest.TempPathFactory) -> Sequence[CriticCase]:
    return draw_cases(ObedientMaker(), ImageStore(tmp_path_factory.mktemp("cases")), 10, 0, tries=2)


def report(cases: Sequence[CriticCase], verdicts: dict[str, Verdict] | Verdict) -> dict[str, JsonValue]:
    def rule(case: Case) -> Verdict:
        return verdicts if isinstance(verdicts, Verdict) else verdicts[case.image + case.prompt]

    return critic_report(RuleCritic(rule), ObedientMaker(), cases)


def of(report: dict[str, JsonValue], part: str, key: str) -> float:
    figures = report[part]
    assert isinstance(figures, dict)
    value = figures[key]
    assert isinstance(value, float)
    return value


def test_cases_are_a_function_of_the_seed_and_hold_good_and_bad_attempts(
    cases: Sequence[CriticCase], tmp_path: Path
) -> None:
    again = draw_cases(ObedientMaker(), ImageStore(tmp_path), 10, 0, tries=2)
    assert [(one.case, one.seeds, one.good) for one in again] == [(one.case, one.seeds, one.good) for one in cases]
    assert {one.good for one in cases} == {True, False}


def test_a_critic_that_knows_gains_what_new_seeds_cannot(cases: Sequence[CriticCase]) -> None:
    verdicts = {}
    for one in cases:
        known = reword("plain", one.target, one.target.before, one.score.faults, np.random.default_rng(0))
        verdicts[one.case.image + one.case.prompt] = Verdict(success=one.good, refined_prompt=known)
    figures = report(cases, verdicts)
    assert of(figures, "critic", "accuracy") == of(figures, "critic", "format") == 1
    assert of(figures, "reseed", "score_gain") == 0
    assert of(figures, "critic_minus_reseed", "score_gain") == of(figures, "critic", "score_gain") > 0.5


def test_a_yes_sayer_is_right_about_successes_only_and_gains_nothing(cases: Sequence[CriticCase]) -> None:
    figures = report(cases, Verdict(success=True, refined_prompt="x"))
    assert (of(figures, "critic", "accuracy_true"), of(figures, "critic", "accuracy_false")) == (1, 0)
    assert of(figures, "critic", "score_gain") == 0


def test_an_answer_that_cannot_be_read_counts_as_wrong(cases: Sequence[CriticCase]) -> None:
    figures = report(cases, Verdict(success=None))
    assert (
        of(figures, "critic", "format") == of(figures, "critic", "accuracy") == of(figures, "critic", "score_gain") == 0
    )
