"""What a trajectory will cost at hosted models: an estimate before anything is called.

The lower bound takes one attempt for each image, the upper one all that the limits allow. Tokens are assumed: fixed
lengths of prompts and answers, an image as a fixed number, four characters a token. Models that think write more.
"""

from collections.abc import Mapping

from pydantic import BaseModel, ConfigDict

from interleavethinker.tools.bounded_http import is_loopback
from interleavethinker.tools.prices import Price, price_of
from interleavethinker.tools.request_parsing import named_step_count
from interleavethinker.tools.types import Plan, Request

from .limits import Limits
from .profiles.profile import Profile, Role

__all__ = ["CostEstimate", "estimate_cost"]

_ASSUMED_STEPS = 5
_IMAGE_TOKENS, _CHARACTERS_PER_TOKEN = 1000, 4
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
    """Most generator calls that the limits allow."""
    low: float
    """US dollars if every first attempt is accepted."""
    high: float
    """US dollars if every attempt that the limits allow is made."""
    unpriced: tuple[str, ...] = ()
    """Hosted models whose price is not known; they are not in the sums."""

    @property
    def words(self) -> str:
        """The estimate as a sentence."""
        images = f"{self.images} image{'s' * (self.images != 1)}{' (assumed)' if self.assumed else ''}"
        unknown = f" The price of {', '.join(self.unpriced)} is not known." if self.unpriced else ""
        if not self.high:
            return f"Estimated cost of {images}: nothing for hosted models.{unknown}"
        bounds = f"${self.low:.2f} to ${self.high:.2f}"
        return f"Estimated cost of {images}, in at most {self.most_calls} generator calls: {bounds}.{unknown}"


def estimate_cost(
    profile: Profile, request: Request, limits: Limits, prices: Mapping[str, Price], plan: Plan | None = None
) -> CostEstimate:
    """Returns what a trajectory will cost.

    Args:
        profile: Names the models.
        request: What is asked for.
        limits: Of the trajectory.
        prices: Such as `load_prices` returns.
        plan: The plan, if there is one; it is paid for already.
    """
    named = named_step_count(request.text)
    if plan is None:
        images, assumed = named or _ASSUMED_STEPS, named is None
    else:
        images, assumed = sum(step.prompt is not None for step in plan.steps), False
    most = images * limits.max_attempts
    most = most if limits.max_calls is None else min(most, limits.max_calls)
    unpriced: set[str] = set()
    text = len(request.text) // _CHARACTERS_PER_TOKEN
    shown = _PROMPT_TOKENS + text + _IMAGE_TOKENS * len(request.images)
    once = 0.0
    if plan is None:
        once += _of_chat(profile.planner, shown, _ANSWER_TOKENS + images * _STEP_TOKENS, prices, unpriced)
    for check, tokens in ((profile.plan_check, shown), (profile.document_check, shown + images * _IMAGE_TOKENS)):
        if check == "chat":
            once += _of_chat(profile.checker or profile.critic, tokens, _ANSWER_TOKENS, prices, unpriced)
    call = _of_chat(profile.critic, _PROMPT_TOKENS + 2 * _IMAGE_TOKENS, _ANSWER_TOKENS, prices, unpriced)
    call += _of_image(profile.generator.model or "", prices, unpriced)
    high = once + most * call
    high = high if limits.max_cost is None else max(min(high, limits.max_cost), once + call)
    low = min(once + min(images, most) * call, high)
    return CostEstimate(
        images=images, assumed=assumed, most_calls=most, low=low, high=high, unpriced=tuple(sorted(unpriced))
    )


def _of_chat(role: Role, tokens_in: int, tokens_out: int, prices: Mapping[str, Price], unpriced: set[str]) -> float:
    address = role.options.get("base_url")
    if role.model is None or role.model.startswith(_OWN_MODELS) or (isinstance(address, str) and is_loopback(address)):
        return 0.0
    price = price_of(role.model, prices)
    dollars = None if price is None else price.of_tokens(tokens_in, tokens_out)
    if dollars is None:
        unpriced.add(role.model)
    return dollars or 0.0


def _of_image(model: str, prices: Mapping[str, Price], unpriced: set[str]) -> float:
    if not model.startswith(_HOSTS):
        return 0.0
    price = price_of(model, prices)
    if price is None or price.image is None:
        unpriced.add(model)
        return 0.0
    return price.image
