"""Estimates of cost on the command line: `--estimate`, the check of `--max-cost`, and the line below a plan."""

import asyncio
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from interleavethinker.tools.errors import ProfileError

from .terminal import echo, echo_json

if TYPE_CHECKING:
    from interleavethinker.graph import Limits, Profile, Trajectory
    from interleavethinker.graph.batch.manifest import BatchRequest
    from interleavethinker.graph.estimate import CostEstimate
    from interleavethinker.tools.prices import Price

__all__ = ["cost_of_plan", "print_batch_estimate", "print_estimate", "require_prices"]


def print_estimate(
    profile: "Profile", text: str, images: "Sequence[str | Path]", limits: "Limits", size: str | None, *, as_json: bool
) -> None:
    """Prints what a request will cost; nothing is called or recorded.

    Raises:
        InputError: An image has an impossible name.
    """
    from interleavethinker.tools.prices import prices_when_needed

    _print(_estimate(profile, text, images, limits, size, prices_when_needed()), as_json=as_json)


def print_batch_estimate(
    requests: "Sequence[BatchRequest]", profile: str, limits: "Limits | None", size: str | None, *, as_json: bool
) -> None:
    """Prints what all requests of a batch will cost, as if none was answered yet; nothing is called or recorded.

    Args:
        requests: The requests.
        profile: For requests that name none.
        limits: For requests that set none; the profile's by default.
        size: Size or aspect ratio of the images of requests that name none.
        as_json: Whether to print JSON.

    Raises:
        InputError: A request cannot be used.
        ProfileError: A profile or the price table cannot be read.
    """
    from interleavethinker.graph import load_profile
    from interleavethinker.graph.estimate import CostEstimate
    from interleavethinker.tools.prices import prices_when_needed

    prices = prices_when_needed()
    profiles = {name: load_profile(name) for name in {one.profile or profile for one in requests}}
    each = []
    for one in requests:
        chosen = profiles[one.profile or profile]
        within = one.limits_within(limits or chosen.limits)
        each.append(_estimate(chosen, one.text, one.images, within, one.image_size or size, prices))
    total = CostEstimate(
        images=sum(one.images for one in each),
        assumed=any(one.assumed for one in each),
        most_calls=sum(one.most_calls for one in each),
        low=sum(one.low for one in each),
        high=sum(one.high for one in each),
        unpriced=tuple(sorted({model for one in each for model in one.unpriced})),
    )
    _print(total, as_json=as_json)


def _estimate(
    profile: "Profile",
    text: str,
    images: "Sequence[str | Path]",
    limits: "Limits",
    size: str | None,
    prices: "Mapping[str, Price]",
) -> "CostEstimate":
    from interleavethinker.graph.estimate import estimate_cost
    from interleavethinker.graph.workspace.request_images import split_image
    from interleavethinker.tools.request_parsing import as_request, place_images
    from interleavethinker.tools.types import ImagePart

    parts = [ImagePart(sha256="0" * 64, name=split_image(image)[0]) for image in images]
    return estimate_cost(profile, as_request(place_images(text, parts)), limits, prices, image_size=size)


def _print(estimate: "CostEstimate", *, as_json: bool) -> None:
    echo_json(estimate.model_dump(mode="json")) if as_json else echo(estimate.words)


def require_prices(profile: "Profile", limits: "Limits") -> None:
    """Checks that a limit of cost can work.

    Raises:
        InputError: There is such a limit, and the price of a hosted model of the profile is not known.
    """
    from interleavethinker.graph.estimate import require_prices as check

    check(profile, limits, name="--max-cost")


async def cost_of_plan(trajectory: "Trajectory") -> str:
    """Returns what a waiting plan will cost, as a sentence; empty if nothing of it is hosted or it is not known."""
    from interleavethinker.graph import load_profile
    from interleavethinker.graph.estimate import estimate_cost
    from interleavethinker.tools.prices import prices_when_needed

    try:
        profile, prices = await asyncio.to_thread(lambda: (load_profile(trajectory.profile), prices_when_needed()))
    except ProfileError:
        return ""
    estimate = estimate_cost(
        profile, trajectory.request, trajectory.limits, prices, trajectory.plan, trajectory.image_size
    )
    return estimate.words if estimate.high or estimate.unpriced else ""
