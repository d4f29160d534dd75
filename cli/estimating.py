"""Estimates of cost on the command line: `run --estimate`, the check of `--max-cost`, and the line below a plan."""

import asyncio
from typing import TYPE_CHECKING

from interleavethinker.tools.errors import InputError, ProfileError

from .terminal import echo, echo_json

if TYPE_CHECKING:
    from interleavethinker.graph import Limits, Profile, Trajectory

__all__ = ["cost_of_plan", "print_estimate", "require_prices"]


def print_estimate(profile: "Profile", text: str, images: int, limits: "Limits", *, as_json: bool) -> None:
    """Prints what a request will cost; nothing is called or recorded."""
    from interleavethinker.graph.estimate import estimate_cost
    from interleavethinker.tools.prices import load_prices
    from interleavethinker.tools.request_parsing import as_request, place_images

    request = as_request(place_images(text, ["0" * 64] * images))
    estimate = estimate_cost(profile, request, limits, load_prices())
    echo_json(estimate.model_dump(mode="json")) if as_json else echo(estimate.words)


def require_prices(profile: "Profile", limits: "Limits") -> None:
    """Checks that a limit of cost can work.

    Raises:
        InputError: There is such a limit, and the price of a hosted model of the profile is not known.
    """
    from interleavethinker.graph.estimate import estimate_cost
    from interleavethinker.tools.prices import load_prices, prices_path
    from interleavethinker.tools.request_parsing import as_request

    if limits.max_cost is None:
        return
    unpriced = estimate_cost(profile, as_request("any"), limits, load_prices()).unpriced
    if unpriced:
        raise InputError(
            f"--max-cost needs the price of {', '.join(unpriced)}, which is not in the price table. Add it to "
            f"{prices_path()}; `interleavethinker prices` shows the form."
        )


async def cost_of_plan(trajectory: "Trajectory") -> str:
    """Returns what a waiting plan will cost, as a sentence; empty if nothing of it is hosted or it is not known."""
    from interleavethinker.graph import load_profile
    from interleavethinker.graph.estimate import estimate_cost
    from interleavethinker.tools.prices import load_prices

    try:
        profile, prices = await asyncio.to_thread(lambda: (load_profile(trajectory.profile), load_prices()))
    except ProfileError:
        return ""
    estimate = estimate_cost(profile, trajectory.request, trajectory.limits, prices, trajectory.plan)
    return estimate.words if estimate.high or estimate.unpriced else ""
