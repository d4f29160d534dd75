"""What a trajectory will cost at hosted models: an estimate before anything is called.

The lower bound takes one attempt for each image, or all of its variants, the upper one all that the limits allow, all
lookups, a plan of the fallback planner, a verdict of the fallback critic on every attempt, and all drafts of the
look-ahead, as if none were used. Further plans, and a critic that is asked for another prompt, are in neither. A limit
of cost ends both after the round that reaches it.
Tokens are assumed: fixed lengths of prompts and answers, an image as a fixed number, four characters a token. Models
that think write more. Images cost what the table says of their size, and of the images that a call shows.
"""

from collections.abc import Mapping, Sequence
from math import ceil

from pydantic import BaseModel, ConfigDict

from interleavethinker.tools.bounded_http import is_loopback
from interleavethinker.tools.errors import InputError
from interleavethinker.tools.prices import (
    CHARACTERS_PER_TOKEN,
    IMAGE_TOKENS,
    Price,
    dollar_amount,
    price_of,
    prices_path,
    prices_when_needed,
)
from interleavethinker.tools.request_parsing import as_request, named_step_count
from interleavethinker.tools.types import Plan, Request

from .limits import Limits
from .profiles.profile import Profile, Role

__all__ = ["CostEstimate", "estimate_cost", "require_prices"]

_ASSUMED_STEPS = 5
_PROMPT_TOKENS = 1000
"""The instructions of a role, without request and images."""
_ANSWER_TOKENS, _STEP_TOKENS = 300, 120
_OWN_MODELS = "qwen3-vl:"
_HOSTS = ("openai:", "gemini:")


class CostEstimate(BaseModel):
    """The cost of a trajectory at hosted models."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    images: int
    """Images of the answer."""
    assumed: bool
    """Whether that number is a guess, since there is no plan and the request names none."""
    most_calls: int
    """Most generator calls that the limits allow, drafts of the look-ahead included."""
    low: float
    """US dollars if a first attempt of every step is accepted."""
    high: float
    """US dollars if every attempt that the limits allow is made."""
    unpriced: tuple[str, ...] = ()
    """Hosted models whose price is not known; they are not in the sums."""

    @property
    def words(self) -> str:
        """The estimate as a sentence."""
        images = f"{self.images} image{'s' * (self.images != 1)}{' (assumed)' if self.assumed else ''}"
        unknown = f" The price of {', '.join(self.unpriced)} is not known." if self.unpriced else ""
        if not self.high and self.unpriced:
            return f"The cost of {images} cannot be estimated.{unknown}"
        if not self.high:
            return f"Estimated cost of {images}: nothing for hosted models.{unknown}"
        bounds = f"{dollar_amount(self.low)} to {dollar_amount(self.high)}"
        return f"Estimated cost of {images}, in at most {self.most_calls} generator calls: {bounds}.{unknown}"


def estimate_cost(
    profile: Profile,
    request: Request,
    limits: Limits,
    prices: Mapping[str, Price],
    plan: Plan | None = None,
    image_size: str | None = None,
) -> CostEstimate:
    """Returns what a trajectory will cost.

    Args:
        profile: Names the models.
        request: What is asked for.
        limits: Of the trajectory.
        prices: Such as `load_prices` returns.
        plan: The plan, if there is one; it is paid for already.
        image_size: Size or aspect ratio of the images; None: the profile's, or the model's own.
    """
    named = named_step_count(request.text)
    if plan is None:
        images, assumed = named or _ASSUMED_STEPS, named is None
    else:
        images, assumed = sum(step.prompt is not None for step in plan.steps), False
    most = images * limits.most_attempts
    most = most if limits.max_calls is None else min(most, limits.max_calls)
    drafts = _drafts(images, limits)
    unpriced: set[str] = set()
    text = len(request.text) // CHARACTERS_PER_TOKEN
    shown = _PROMPT_TOKENS + text + IMAGE_TOKENS * len(request.images)
    before = more = 0.0  # Planning: in both bounds, and in the upper one only.
    if plan is None:
        lookup, most_lookups = _of_lookups(profile, shown, prices, unpriced)
        written = _ANSWER_TOKENS + images * _STEP_TOKENS
        before = lookup + _of_chat(profile.planner, shown, written, prices, unpriced)
        more = most_lookups * lookup + _of_second(profile.fallback_planner, shown, written, prices, unpriced)
    checker = profile.checker or profile.critic
    if profile.plan_check == "chat":
        before += _of_chat(checker, shown, _ANSWER_TOKENS, prices, unpriced)
    after = 0.0
    if profile.document_check == "chat":
        after = _of_chat(checker, shown + images * IMAGE_TOKENS, _ANSWER_TOKENS, prices, unpriced)
    judged = _PROMPT_TOKENS + 2 * IMAGE_TOKENS
    call = _of_chat(profile.critic, judged, _ANSWER_TOKENS, prices, unpriced)
    judged_again = _of_second(profile.fallback_critic, judged, _ANSWER_TOKENS, prices, unpriced)
    size = image_size or profile.image_size
    call += _of_images(profile.generator.model or "", _calls(request, plan, images, size), prices, unpriced)
    comparisons = _of_comparisons(profile.critic, limits.variants, prices, unpriced)
    low = before + min(images * limits.variants, most) * call + after
    high = before + more + (most + drafts) * (call + judged_again) + images * comparisons + after
    if limits.max_cost is not None:
        step = limits.variants * call
        rounds = ceil(max(0.0, limits.max_cost - before) / step) if step else images
        low = min(low, before + rounds * step)
        last = limits.variants * (call + judged_again) + comparisons + after
        high = max(low, min(high, max(before + more, limits.max_cost + last)))
    return CostEstimate(
        images=images, assumed=assumed, most_calls=most + drafts, low=low, high=high, unpriced=tuple(sorted(unpriced))
    )


def require_prices(
    profile: Profile, limits: Limits, prices: Mapping[str, Price] | None = None, name: str = "max_cost"
) -> None:
    """Checks that a limit of cost can work. Reads files if there is one.

    Args:
        profile: Names the models.
        limits: Of the trajectory.
        prices: Such as `load_prices` returns; None: these.
        name: What the limit is called where it was given.

    Raises:
        InputError: There is such a limit, and the price of a hosted model of the profile is not known.
    """
    if limits.max_cost is None:
        return
    prices = prices_when_needed() if prices is None else prices
    unpriced = estimate_cost(profile, as_request("any"), limits, prices).unpriced
    if unpriced:
        raise InputError(
            f"{name} needs the price of {', '.join(unpriced)}, which is not in the price table. Add it to "
            f"{prices_path()}; `interleavethinker prices` shows the form."
        )


def _of_lookups(profile: Profile, shown: int, prices: Mapping[str, Price], unpriced: set[str]) -> tuple[float, int]:
    """Returns the cost of asking once what to look up before planning, and how often it may be asked again."""
    knowledge = profile.knowledge
    if knowledge is None:
        return 0.0, 0
    role = profile.planner if knowledge.model is None else Role(model=knowledge.model, options=knowledge.options)
    found = knowledge.max_calls * knowledge.max_characters // CHARACTERS_PER_TOKEN
    return _of_chat(role, shown + found, _ANSWER_TOKENS, prices, unpriced), knowledge.max_calls


def _drafts(images: int, limits: Limits) -> int:
    """Returns how many drafts are begun at most: during each verdict, of the steps after it."""
    if limits.variants > 1:
        return 0
    ahead = sum(min(limits.look_ahead - 1, images - 1 - step) for step in range(images))
    return ahead * limits.max_attempts


def _of_comparisons(critic: Role, variants: int, prices: Mapping[str, Price], unpriced: set[str]) -> float:
    """Returns the cost of all comparisons of a step's variants, each pair in both orders."""
    calls = 2 * min(critic.comparisons, variants - 1)
    tokens = _PROMPT_TOKENS + 3 * IMAGE_TOKENS
    return calls * _of_chat(critic, tokens, _ANSWER_TOKENS, prices, unpriced) if calls else 0.0


def _of_second(
    role: Role | None, tokens_in: int, tokens_out: int, prices: Mapping[str, Price], unpriced: set[str]
) -> float:
    """Returns the cost of a call of a fallback, if there is one."""
    return 0.0 if role is None else _of_chat(role, tokens_in, tokens_out, prices, unpriced)


def _of_chat(role: Role, tokens_in: int, tokens_out: int, prices: Mapping[str, Price], unpriced: set[str]) -> float:
    address = role.options.get("base_url")
    if role.model is None or role.model.startswith(_OWN_MODELS) or (isinstance(address, str) and is_loopback(address)):
        return 0.0
    price = price_of(role.model, prices)
    dollars = None if price is None else price.of_tokens(tokens_in, tokens_out)
    if dollars is None:
        unpriced.add(role.model)
    return dollars or 0.0


def _calls(request: Request, plan: Plan | None, images: int, size: str | None) -> list[tuple[str | None, int]]:
    """Returns size and number of input images of the first call of each step with an image."""
    named, sources = len(request.named_images), len(request.sources)
    if plan is None:
        return [(size, (number > 0 or sources > 0) + named) for number in range(images)]
    drawn = [step for step in plan.steps if step.prompt is not None]
    pinned = any(step.references for step in drawn)
    return [
        (
            step.size or size,
            (step.starts_from != "nothing" and (number > 0 or sources > 0 or step.starts_from is not None))
            + (len(step.references) if pinned else named),
        )
        for number, step in enumerate(drawn)
    ]


def _of_images(
    model: str, calls: Sequence[tuple[str | None, int]], prices: Mapping[str, Price], unpriced: set[str]
) -> float:
    """Returns the mean cost of a call."""
    if not model.startswith(_HOSTS):
        return 0.0
    price = price_of(model, prices)
    if price is None or price.image is None:
        unpriced.add(model)
        return 0.0
    costs = [price.of_image(size, inputs) or 0.0 for size, inputs in calls]
    return sum(costs) / len(costs) if costs else 0.0
