"""Tests of `LimitRequest`: what a call asks for, within what the operator allows."""

import pytest

from interleavethinker.graph import Limits
from interleavethinker.servers.trajectories.options import LimitRequest
from interleavethinker.tools.errors import InputError


def test_the_operators_limit_of_cost_bounds_what_a_call_asks_for() -> None:
    allowed = LimitRequest(max_cost=2.0)
    assert LimitRequest().applied_to(Limits(), allowed).max_cost == 2.0
    assert LimitRequest(max_cost=9.0).applied_to(Limits(), allowed).max_cost == 2.0
    assert LimitRequest(max_cost=0.5).applied_to(Limits(), allowed).max_cost == 0.5
    assert LimitRequest().applied_to(Limits(max_cost=1.0), allowed).max_cost == 1.0


def test_an_operators_limit_of_attempts_bounds_variants_too() -> None:
    allowed = LimitRequest(max_attempts=3)
    few = LimitRequest(variants=16, max_attempts=9).applied_to(Limits(), allowed)
    assert (few.variants, few.max_attempts, few.most_attempts) == (3, 1, 3)
    assert LimitRequest(variants=2).applied_to(Limits(), allowed).most_attempts == 3
    assert LimitRequest().applied_to(Limits(variants=5), allowed).most_attempts == 3
    assert LimitRequest(variants=2).applied_to(Limits(), LimitRequest()).most_attempts == 6
    for wrong in (0, -1, 17):
        with pytest.raises(InputError, match="variants must be"):
            LimitRequest(variants=wrong).applied_to(Limits(), LimitRequest())


def test_a_limit_that_no_database_stores_is_refused() -> None:
    for wrong in (2**63, 10**20):
        with pytest.raises(InputError, match=f"max_calls must be at most {2**63 - 1}; got {wrong}"):
            LimitRequest(max_calls=wrong).applied_to(Limits(), LimitRequest())
    most = LimitRequest(max_calls=2**63 - 1).applied_to(Limits(), LimitRequest())
    assert Limits.model_validate_json(most.model_dump_json()) == most
