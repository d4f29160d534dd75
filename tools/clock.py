"""The machine's clock, where other libraries fail with one that is set wrong."""

import time
from datetime import UTC, datetime, timedelta

from .errors import InputError

__all__ = ["check_clock"]


def check_clock() -> None:
    """Checks that IDs can be made from the time: the libraries that run a graph count it from 1970.

    Raises:
        InputError: The clock says an earlier time (`clock`).
    """
    seconds = time.time()
    if seconds < 0:
        said = datetime(1970, 1, 1, tzinfo=UTC) + timedelta(seconds=seconds)
        raise InputError(
            f"This machine's clock says {said:%Y-%m-%d %H:%M} UTC; before 1970, nothing can be run. Set the clock.",
            code="clock",
        )
