"""The header Retry-After, with which an overloaded server says how long to wait."""

import email.utils
import math
import time

__all__ = ["pause_of", "retry_after_seconds"]

_LONGEST_PAUSE = 3600.0


def retry_after_seconds(header: str | None) -> float | None:
    """Returns the seconds that a Retry-After header asks for, given as seconds or as a date.

    None if there is no header, or one that is neither: with NaN or less than 0, a call would be repeated at once, and
    after infinitely many seconds never.

    Examples:
        >>> retry_after_seconds("2.5"), retry_after_seconds("Wed, 21 Oct 2015 07:28:00 GMT")
        (2.5, 0.0)
        >>> [retry_after_seconds(header) for header in ("nan", "inf", "-5", "soon")]
        [None, None, None, None]
    """
    if not header:
        return None
    try:
        seconds = float(header)
    except ValueError:
        try:
            return max(0.0, email.utils.parsedate_to_datetime(header).timestamp() - time.time())
        except (ValueError, OverflowError):  # The latter for a year of ten digits.
            return None
    return seconds if math.isfinite(seconds) and seconds >= 0 else None


def pause_of(asked: float | None, otherwise: float) -> float:
    """Returns the seconds to wait before a request is sent again: as the server asks, one hour at most.

    Args:
        asked: Seconds that the server asks for; None: it does not say.
        otherwise: Seconds if it does not.

    Examples:
        >>> pause_of(None, 0.5), pause_of(20, 0.5), pause_of(1e9, 0.5)
        (0.5, 20, 3600.0)
    """
    return min(otherwise if asked is None else asked, _LONGEST_PAUSE)
