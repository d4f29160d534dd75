"""What `run` is asked to do: its options checked, before anything is started or recorded."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from interleavethinker.tools.errors import InputError

from .execution import check_can_ask
from .options import check_export_folder, image_size_of, limits_with, with_drift_guard

if TYPE_CHECKING:
    from interleavethinker.graph import Limits, Profile

__all__ = ["Asked", "asked_of"]


@dataclass(frozen=True)
class Asked:
    """A request with everything that it is to be answered with."""

    profile: "Profile"
    text: str
    images: Sequence[str]
    """As `--image` takes them."""
    limits: "Limits"
    seed: int | None
    approve_plan: bool
    image_size: str | None


def asked_of(
    *,
    prompt: str | None,
    image: Sequence[str] | None,
    profile: str | None,
    out: Path | None,
    approve_plan: bool,
    max_attempts: int | None,
    max_calls: int | None,
    max_cost: float | None,
    time_limit: float | None,
    look_ahead: int | None,
    variants: int | None,
    on_drift: str | None,
    max_drift: float | None,
    seed: int | None,
    size: str | None,
    aspect: str | None,
    ask: bool,
    estimate: bool,
    queue: bool,
    json_output: bool,
) -> Asked:
    """Checks the options of `run`, which are the arguments.

    Raises:
        InputError: They do not fit together, or to the profile.
        ProfileError: There is no such profile.
    """
    from interleavethinker.graph.profiles.profile import load_profile
    from interleavethinker.tools.settings import chosen_profile

    from .estimating import require_prices

    chosen = load_profile(chosen_profile(profile))
    limits = limits_with(
        chosen.limits,
        max_attempts=max_attempts,
        max_calls=max_calls,
        max_cost=max_cost,
        time_limit=time_limit,
        look_ahead=look_ahead,
        variants=variants,
    )
    limits = with_drift_guard(limits, on_drift, max_drift)
    if not estimate:
        require_prices(chosen, limits)
        if queue and (ask or out is not None):
            raise InputError("--queue only records the request: leave out --ask and --out. `export` writes the answer.")
        check_export_folder(out or Path("runs"))
        if out is not None:
            from interleavethinker.graph.export.ownership import check_folder

            check_folder(out)
        if ask:
            check_can_ask(as_json=json_output)
    return Asked(
        profile=chosen,
        text=prompt if prompt is not None else "" if image else chosen.example,
        images=image or (),
        limits=limits,
        seed=seed,
        approve_plan=approve_plan or ask,
        image_size=image_size_of(size, aspect),
    )
