"""Estimates: bounds by the limits and the table's prices; hosted models without a price are named."""

import pytest

from interleavethinker.graph import Limits, load_profile
from interleavethinker.graph.estimate import estimate_cost
from interleavethinker.tools.prices import Price
from interleavethinker.tools.request_parsing import as_request
from interleavethinker.tools.testing.agents import plan_of

PRICES = {"gpt-image-1": Price(image=0.5), "gpt-5-mini": Price(input=0, output=1000)}
"""Only answers cost, 300 tokens of a critic 30 cents."""


def test_the_bounds_follow_from_the_plan_and_the_limits() -> None:
    request, limits = as_request("a boat, in 3 steps"), Limits(max_attempts=2)
    planned = estimate_cost(load_profile("api"), request, limits, PRICES, plan_of("a", None, "b"))
    assert (planned.images, planned.assumed, planned.most_calls) == (2, False, 4)
    assert [planned.low, planned.high] == pytest.approx([1.6, 3.2])
    assert planned.words == "Estimated cost of 2 images, in at most 4 generator calls: $1.60 to $3.20."
    before = estimate_cost(load_profile("api"), request, limits, PRICES)
    assert (before.images, before.most_calls) == (3, 6)
    assert before.low == pytest.approx(3 * 0.8 + 0.66), "the planner's own answer is not paid for yet"


def test_limits_of_calls_and_cost_bound_the_estimate() -> None:
    request = as_request("a boat, in 3 steps")
    by_calls = estimate_cost(load_profile("api"), request, Limits(max_calls=2), PRICES, plan_of(*"abc"))
    assert [by_calls.low, by_calls.high] == pytest.approx([1.6, 1.6])
    by_cost = estimate_cost(load_profile("api"), request, Limits(max_cost=2), PRICES, plan_of(*"abc"))
    assert (by_cost.low, by_cost.high) == (2, 2)


def test_local_models_cost_nothing_and_unknown_prices_are_named() -> None:
    request = as_request("a boat")
    local = estimate_cost(load_profile("micro"), request, Limits(), PRICES)
    assert (local.high, local.unpriced, local.assumed) == (0, (), True)
    assert local.words == "Estimated cost of 5 images (assumed): nothing for hosted models."
    assert estimate_cost(load_profile("klein-vllm"), request, Limits(), {}).unpriced == ()
    unknown = estimate_cost(load_profile("api"), request, Limits(), {})
    assert unknown.unpriced == ("openai:gpt-5-mini", "openai:gpt-image-1")
    assert "is not known" in unknown.words
