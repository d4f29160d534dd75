"""The first values of a new trajectory's state, from what `Workspace.create` is given and the profile's defaults."""

import secrets
from dataclasses import dataclass
from typing import Any

from interleavethinker.graph.attempts import check_seed
from interleavethinker.graph.context import Components
from interleavethinker.graph.limits import Limits
from interleavethinker.graph.profiles.profile import Profile
from interleavethinker.tools.image_sizes import check_image_size
from interleavethinker.tools.types import Request

__all__ = ["Defaults", "defaults_of", "new_values"]


@dataclass(frozen=True)
class Defaults:
    """What applies where a caller gives nothing."""

    limits: Limits
    image_size: str | None


def defaults_of(source: Profile | Components) -> Defaults:
    """Returns the defaults of a profile, or of given components."""
    return Defaults(source.limits, source.image_size)


def new_values(
    request: Request,
    defaults: Defaults,
    limits: Limits | None,
    seed: int | None,
    image_size: str | None,
    *,
    approve_plan: bool,
) -> dict[str, Any]:
    """Returns the values; the arguments are those of `Workspace.create`.

    Raises:
        InputError: The seed or the image size cannot be used.
    """
    if seed is not None:
        check_seed(seed)
    return {
        "request": list(request.parts),
        "limits": limits or defaults.limits,
        "seed": secrets.randbelow(2**31) if seed is None else seed,
        "approve_plan": approve_plan,
        "image_size": defaults.image_size if image_size is None else check_image_size(image_size),
    }
