"""What hosted image APIs have in common: a key from the environment, retries on what is worth retrying, clean errors.

Knows HTTP, not any one API. A call that was paid for but whose answer was lost is paid for again: at least once.
"""

import asyncio
import base64
import binascii
import email.utils
import logging
import os
import random
import time
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

from interleavethinker.tools.errors import GeneratorError, InputError, ProfileError
from interleavethinker.tools.images.png import canonical_png

if TYPE_CHECKING:
    import httpx2

__all__ = ["HostedApi", "decoded_image", "first_key"]

_log = logging.getLogger(__name__)
_WORTH_RETRYING = {408, 409, 425, 429, 500, 502, 503, 504, 520, 521, 522, 523, 524, 529}
_LONGEST_PAUSE = 60.0


def first_key(*names: str) -> str:
    """Returns the first of these environment variables that is set.

    Raises:
        ProfileError: None is.
    """
    for name in names:
        value = os.environ.get(name, "").strip()
        if value:
            return value
    raise ProfileError(f"An API key must be in the environment variable {' or '.join(names)}; none is set.")


def decoded_image(text: object) -> bytes:
    """Returns the canonical PNG of an answer's base64 field.

    Raises:
        GeneratorError: It holds no image.
    """
    try:
        return canonical_png(base64.b64decode(str(text), validate=True))
    except (binascii.Error, InputError) as error:
        raise GeneratorError("The API must answer with an image; it sent something else.", code="no_image") from error


class HostedApi:
    """Posts to one API until it answers for good.

    Args:
        base_url: Where the API lives.
        headers: Sent with every request; holds the key and is never shown.
        attempts: How often one request is sent at most.
        pause: Seconds before the second attempt; doubled each time, unless the API names a time.
        reason: Finds the API's own words in an error body; they are shown shortened.
    """

    def __init__(
        self,
        base_url: str,
        headers: Mapping[str, str],
        *,
        attempts: int = 5,
        pause: float = 1.0,
        reason: Callable[[Any], tuple[str, str]],
    ) -> None:
        self._base_url = base_url.rstrip("/")
        self._headers = dict(headers)
        self._attempts = attempts
        self._pause = pause
        self._reason = reason
        self._client: httpx2.AsyncClient | None = None

    async def open(self) -> None:
        """Makes the connection pool."""
        import httpx2

        if self._client is None:
            self._client = httpx2.AsyncClient(headers=self._headers, timeout=httpx2.Timeout(30.0, read=300.0))

    async def close(self) -> None:
        """Closes the connection pool."""
        if self._client is not None:
            await self._client.aclose()
            self._client = None

    async def post(self, path: str, **body: Any) -> Any:
        """Posts and returns the decoded JSON answer.

        Args:
            path: Below the base URL.
            body: `json=` or `data=` and `files=`, as httpx takes them.

        Raises:
            InputError: The API refuses this request for good (its safety rules, a malformed argument).
            GeneratorError: It failed; `retryable` says whether it may work later.
        """
        import httpx2

        await self.open()
        if self._client is None:
            raise GeneratorError("The connection pool must be open; it is closed.", code="closed")
        for attempt in range(1, self._attempts + 1):
            last = attempt == self._attempts
            try:
                response = await self._client.post(f"{self._base_url}/{path}", **body)
            except httpx2.TransportError as error:
                if last:
                    raise GeneratorError(
                        f"The API must be reachable; {type(error).__name__} {attempt} times.",
                        code="unreachable",
                        retryable=True,
                    ) from error
                await self._wait(attempt, None)
                continue
            if response.is_success:
                try:
                    return response.json()
                except ValueError as error:
                    raise GeneratorError("The API must answer with JSON; it did not.", retryable=True) from error
            failure, retry = self._failure(response)
            if last or not retry:
                raise failure
            _log.info("attempt %d got HTTP %d", attempt, response.status_code)
            await self._wait(attempt, response.headers.get("retry-after"))
        raise AssertionError("unreachable")

    def _failure(self, response: "httpx2.Response") -> tuple[GeneratorError | InputError, bool]:
        """Returns the error for an answer, and whether another attempt makes sense."""
        try:
            code, words = self._reason(response.json())
        except (ValueError, KeyError, TypeError, AttributeError):
            code, words = "", ""
        words = words[:300] or f"HTTP {response.status_code}"
        status = response.status_code
        if code in {"insufficient_quota", "billing_hard_limit_reached"}:
            return GeneratorError(f"The account has no credit left: {words}", code="quota"), False
        if status in {401, 403}:
            return GeneratorError(f"The API refused the key (HTTP {status}). Check it.", code="unauthorized"), False
        if status in _WORTH_RETRYING:
            name = "busy" if status in {429, 503, 529} else "generator"
            # `busy` would make a client wait without end; after these attempts it is a failure like any other.
            name = "rate_limited" if name == "busy" else name
            return GeneratorError(f"The API failed: {words}", code=name, retryable=True), True
        if status in {400, 404, 413, 422}:
            return InputError(f"The API refused the request: {words}", code="refused"), False
        return GeneratorError(f"The API failed: {words}"), False

    async def _wait(self, attempt: int, asked: str | None) -> None:
        pause = _seconds(asked)
        if pause is None:
            pause = self._pause * 2 ** (attempt - 1) * random.uniform(0.5, 1.5)
        await asyncio.sleep(min(pause, _LONGEST_PAUSE))


def _seconds(retry_after: str | None) -> float | None:
    """Reads a Retry-After header: seconds, or a date."""
    if not retry_after:
        return None
    try:
        return max(0.0, float(retry_after))
    except ValueError:
        pass
    try:
        return max(0.0, email.utils.parsedate_to_datetime(retry_after).timestamp() - time.time())
    except ValueError:
        return None
