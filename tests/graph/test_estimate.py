"""Estimates: bounds by the limits and the table's prices; hosted models without a price are named."""

import pytest

from interleavethinker.graph import Limits, load_profile
from interleavethinker.graph.estimate import estimate_cost, require_prices
from interleavethinker.graph.profiles.knowledge import Knowledge
from interleavethinker.graph.profiles.profile import Role
from interleavethinker.tools.errors import InputError
from interleavethinker.tools.prices import Price
from interleavethinker.tools.request_parsing import as_request
from interleavethinker.tools.testing.agents import plan_of
from interleavethinker.tools.types import ImagePart, Plan, Request, Step, TextPart

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
    assert [by_cost.low, by_cost.high] == pytest.approx([2.4, 2.8]), "the round that reaches the limit is paid, too"
    variants = Limits(max_cost=0.1, variants=3)
    by_round = estimate_cost(load_profile("api"), request, variants, PRICES, plan_of(*"abc"))
    assert [by_round.low, by_round.high] == pytest.approx([2.4, 2.5]), "the variants of one step"
    plan_alone = estimate_cost(load_profile("api"), request, Limits(max_cost=0.1), PRICES)
    assert [plan_alone.low, plan_alone.high] == pytest.approx([0.66, 0.9]), "the plan may take it all"


def test_local_models_cost_nothing_and_unknown_prices_are_named() -> None:
    request = as_request("a boat")
    local = estimate_cost(load_profile("micro"), request, Limits(), PRICES)
    assert (local.high, local.unpriced, local.assumed) == (0, (), True)
    assert local.words == "Estimated cost of 5 images (assumed): nothing for hosted models."
    assert estimate_cost(load_profile("klein-vllm"), request, Limits(), {}).unpriced == ()
    unknown = estimate_cost(load_profile("api"), request, Limits(), {})
    assert unknown.unpriced == ("openai:gpt-5-mini", "openai:gpt-image-1")
    assert "is not known" in unknown.words


def test_drafts_that_may_not_be_used_are_in_the_upper_bound() -> None:
    request, plan = as_request("a boat"), plan_of(*"abc")
    without = estimate_cost(load_profile("api"), request, Limits(max_attempts=2), PRICES, plan)
    ahead = estimate_cost(load_profile("api"), request, Limits(max_attempts=2, look_ahead=9), PRICES, plan)
    assert (without.most_calls, ahead.most_calls, ahead.low) == (6, 12, without.low)
    assert ahead.high - without.high == pytest.approx(6 * 0.8), "two during each verdict on the first step, one after"
    variants = Limits(variants=2, look_ahead=9)
    assert estimate_cost(load_profile("api"), request, variants, PRICES, plan).most_calls == 18, "nothing is drafted"


def test_all_variants_are_paid_for() -> None:
    request, limits = as_request("a boat"), Limits(variants=3, max_attempts=2)
    planned = estimate_cost(load_profile("api"), request, limits, PRICES, plan_of("a", "b"))
    assert planned.most_calls == 8
    assert [planned.low, planned.high] == pytest.approx([6 * 0.8, 8 * 0.8])


BY_SIZE = {
    "gpt-image-1": Price(image=0.5, image_sizes={"1536x1024": 0.75}, input_image=0.01),
    "gpt-5-mini": Price(input=0, output=0),
}


def low(plan: Plan | None, request: Request | None = None, size: str | None = None) -> float:
    asked = request or as_request("a boat, in 2 steps")
    return estimate_cost(load_profile("api"), asked, Limits(), BY_SIZE, plan, size).low


def test_images_cost_by_their_size_and_by_what_each_call_shows() -> None:
    cat = Request(parts=(ImagePart(sha256="0" * 64, name="cat"), TextPart(text="@cat in a boat, in 2 steps")))
    photo = as_request([ImagePart(sha256="0" * 64), "paint it, in 2 steps"])
    fresh = Plan(steps=(Step(prompt="a"), Step(prompt="b", starts_from="nothing", size="1536x1024")))
    pinned = Plan(steps=(Step(prompt="a", references=("cat",)), Step(prompt="b")))
    assert low(None) == pytest.approx(1.01), "the second step edits the first one's image"
    assert low(None, size="3:2") == pytest.approx(1.51)
    assert low(None, photo) == pytest.approx(1.02)
    assert low(None, cat) == pytest.approx(1.03), "both steps look at the cat"
    assert low(pinned, cat) == pytest.approx(1.02)
    assert low(fresh) == pytest.approx(1.25)


def test_comparisons_of_variants_are_in_the_upper_bound() -> None:
    profile = load_profile("api")
    comparing = profile.model_copy(update={"critic": profile.critic.model_copy(update={"comparisons": 5})})
    request, limits, plan = as_request("a boat"), Limits(variants=3), plan_of("a", "b")
    without = estimate_cost(profile, request, limits, PRICES, plan)
    with_them = estimate_cost(comparing, request, limits, PRICES, plan)
    assert with_them.low == without.low
    assert with_them.high - without.high == pytest.approx(2 * 2 * 2 * 0.3), "two pairs for each step, in both orders"


def test_fallbacks_are_in_the_upper_bound_and_need_a_price() -> None:
    api = load_profile("api")
    request, limits = as_request("a boat, in 2 steps"), Limits(max_attempts=2)
    without = estimate_cost(api, request, limits, PRICES)
    for name, more in (("fallback_planner", 0.54), ("fallback_critic", 4 * 0.3)):
        with_it = estimate_cost(api.model_copy(update={name: api.critic}), request, limits, PRICES)
        assert with_it.low == without.low
        assert with_it.high - without.high == pytest.approx(more)
        other = api.model_copy(update={name: Role(model="openai:new-model")})
        with pytest.raises(InputError, match="max_cost needs the price of openai:new-model"):
            require_prices(other, Limits(max_cost=1), PRICES)


def test_lookups_before_the_plan_are_in_both_bounds_and_need_a_price() -> None:
    api = load_profile("api")
    curious = api.model_copy(update={"knowledge": Knowledge(tools=("json:loads",), max_calls=3)})
    request, limits = as_request("a boat, in 2 steps"), Limits()
    without, with_them = (estimate_cost(one, request, limits, PRICES) for one in (api, curious))
    assert with_them.low - without.low == pytest.approx(0.3), "the model is asked once, whether it looks up or not"
    assert with_them.high - without.high == pytest.approx(4 * 0.3), "and again after each of three calls"
    plan = plan_of("a", "b")
    assert estimate_cost(curious, request, limits, PRICES, plan) == estimate_cost(api, request, limits, PRICES, plan)
    other = curious.model_copy(update={"knowledge": Knowledge(tools=("json:loads",), model="openai:new-model")})
    with pytest.raises(InputError, match="max_cost needs the price of openai:new-model"):
        require_prices(other, Limits(max_cost=1), PRICES)
