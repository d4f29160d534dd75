"""What answering costs, before the first paid call: images, plans, verdicts, and money where prices are known.

Counted for the least, one attempt for each image, and for the most, every attempt that the limits allow. The number of
images is the one that a request names, one for benchmarks of single images, and otherwise a typical one. Models on this
machine cost nothing; tokens of hosted planners and critics are estimates.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass

from pydantic import JsonValue

from interleavethinker.graph.profiles.profile import Profile, Role
from interleavethinker.tools.chat.loading import OWN_PREFIX
from interleavethinker.tools.plain_text import quantity
from interleavethinker.tools.prices import Price, dollar_amount, price_of, prices_when_needed
from interleavethinker.tools.request_parsing import named_step_count

from .benchmark import Item
from .estimate import TYPICAL_IMAGES
from .experiments import attempts_of, is_stepwise

__all__ = ["GenerationEstimate", "estimate_generation"]

_PLAN_TOKENS = (1500, 2000)
"""Tokens of a planner's call, in and out."""
_VERDICT_TOKENS = (2500, 400)
"""Tokens of a critic's call with two images, in and out."""


@dataclass(frozen=True)
class GenerationEstimate:
    """The cost of answering."""

    profile: str
    experiment: str
    items: int
    """Items without a trajectory: those of an earlier run go on or are only read."""
    plans: int
    """Calls of the planner, if every answer is usable."""
    least_images: int
    most_images: int
    least_verdicts: int
    most_verdicts: int
    least_dollars: float | None
    """None if the price of a hosted model is not known."""
    most_dollars: float | None
    unknown_prices: tuple[str, ...] = ()
    """Hosted models without a known price."""

    @property
    def sentence(self) -> str:
        """The estimate for people."""
        if self.least_dollars is None or self.most_dollars is None:
            money = f"price unknown: {', '.join(self.unknown_prices)}"
        elif self.most_dollars == 0:
            money = "all models on this machine"
        else:
            money = f"about {dollar_amount(self.least_dollars)} to {dollar_amount(self.most_dollars)}"
        images = _between(self.least_images, self.most_images, "image")
        verdicts = _between(self.least_verdicts, self.most_verdicts, "verdict")
        return (
            f"{quantity(self.items, 'item')} by profile {self.profile} ({self.experiment}), {images}, "
            f"{quantity(self.plans, 'plan')}, {verdicts}, {money}"
        )

    def as_json(self) -> dict[str, JsonValue]:
        """Returns the estimate as JSON."""
        return {**asdict(self), "unknown_prices": list(self.unknown_prices)}


def estimate_generation(
    items: Sequence[Item], profile: Profile, experiment: str, *, one_image: bool, image_price: float | None = None
) -> GenerationEstimate:
    """Returns what it costs to answer these items.

    Args:
        items: The items that have no trajectory yet.
        profile: The profile as the experiment changes it.
        experiment: The experiment.
        one_image: Whether an answer is a single image.
        image_price: US dollars for an image; default: the known price of the profile's generator.
    """
    alone = experiment == "generator alone"
    attempts = attempts_of(experiment, profile)
    each = [1 if alone or one_image else named_step_count(item.text) or TYPICAL_IMAGES for item in items]
    limit = profile.limits.max_calls or sum(each) * attempts + 1
    least, most = sum(min(count, limit) for count in each), sum(min(count * attempts, limit) for count in each)
    plans = 0 if alone else least if is_stepwise(experiment) else len(items)
    judged = not alone and experiment != "planner, no critic"
    verdicts = (least, most) if judged else (0, 0)

    table, prices = prices_when_needed(), dict[str, float | None]()
    image_model = profile.generator.model or ""
    hosted = ":" in image_model or profile.generator.url is not None or bool(profile.generator.command)
    image_name = image_model or "the image server"
    per_image = image_price if image_price is not None else 0.0
    if image_price is None and hosted:
        price = price_of(image_model, table)
        prices[image_name] = None if price is None else price.image
        per_image = prices[image_name] or 0.0
    per_plan, per_verdict = (
        _price(role, tokens, table, prices) if used else 0.0
        for role, tokens, used in (
            (profile.planner, _PLAN_TOKENS, plans),
            (profile.critic, _VERDICT_TOKENS, judged),
        )
    )
    unknown = tuple(name for name, price in prices.items() if price is None)
    dollars = [
        None if unknown else round(images * per_image + plans * per_plan + seen * per_verdict, 4)
        for images, seen in zip((least, most), verdicts, strict=True)
    ]
    return GenerationEstimate(
        profile.name, experiment, len(items), plans, least, most, *verdicts, dollars[0], dollars[1], unknown
    )


def _price(role: Role, tokens: tuple[int, int], table: Mapping[str, Price], prices: dict[str, float | None]) -> float:
    """Returns dollars for a call, and notes a hosted model whose price is not known."""
    if role.model is None or role.model.startswith(OWN_PREFIX):
        return 0.0
    price = price_of(role.model, table)
    dollars = prices[role.model.rpartition(":")[2]] = None if price is None else price.of_tokens(*tokens)
    return dollars or 0.0


def _between(least: int, most: int, noun: str) -> str:
    return f"{least} to {quantity(most, noun)}" if most > least else quantity(most, noun)
