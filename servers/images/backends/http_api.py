"""HTTP client for hosted image APIs: keys from the environment, retries of transient failures, errors with codes.

Knows HTTP, not any particular API. Delivery is at least once: if the answer to a billed call is lost, the call is sent
and billed again.
"""

import asyncio
import base64
import binascii
import importlib
import logging
import os
import random
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

from interleavethinker.tools.bounded_http import opened_client
from interleavethinker.tools.errors import GeneratorError, InputError, ProfileError, RefusalError
from interleavethinker.tools.images.png import canonical_png
from interleavethinker.tools.plain_text import quotation
from interleavethinker.tools.refusals import is_refusal
from interleavethinker.tools.retry_after import retry_after_seconds
from interleavethinker.tools.secrets import redact

if TYPE_CHECKING:
    import httpx2

__all__ = ["HostedApi", "decode_image", "first_api_key"]

_log = logging.getLogger(__name__)
_TRANSIENT_STATUSES = {408, 409, 425, 429, 500, 502, 503, 504, 520, 521, 522, 523, 524, 529}
_MAX_RETRY_DELAY = 60.0
_LONG_PAUSE = 10.0
"""Seconds for which an API that asks for more is not waited for here: the caller knows how much time the call has."""
_LONGEST_QUOTE = 300
"""Characters of the API's words in a message."""


def first_api_key(*names: str) -> str:
    """Returns the value of the first of these environment variables that is set.

    Raises:
        ProfileError: None of them is set.
    """
    for name in names:
        value = os.environ.get(name, "").strip()
        if value:
            return value
    raise ProfileError(f"No API key found. Set the environment variable {' or '.join(names)}.")


def decode_image(text: object) -> bytes:
    """Returns the canonical PNG of a response's base64 field.

    Raises:
        GeneratorError: The field holds no image.
    """
    try:
        return canonical_png(base64.b64decode(str(text), validate=True))
    except (binascii.Error, ValueError, InputError) as error:
        raise GeneratorError("The API's answer contains no valid image.", code="no_image") from error


class HostedApi:
    """Posts to one API and retries transient failures.

    Args:
        base_url: The API's address.
        headers: Sent with every request; contains the key and is never shown.
        attempts: How often one request is sent at most.
        retry_delay: Seconds before the second attempt; doubled each time, unless the API sends a Retry-After header.
        parse_error: Returns the API's own error code and message from an error body.
    """

    def __init__(
        self,
        base_url: str,
        headers: Mapping[str, str],
        *,
        attempts: int = 5,
        retry_delay: float = 1.0,
        parse_error: Callable[[Any], tuple[str, str]],
    ) -> None:
        self._base_url = base_url.rstrip("/")
        self._headers = dict(headers)
        self._attempts = attempts
        self._retry_delay = retry_delay
        self._parse_error = parse_error
        self._client: httpx2.AsyncClient | None = None
        self._opening = asyncio.Lock()

    async def open(self) -> None:
        """Opens the connection pool."""
        async with self._opening:
            if self._client is None:
                httpx2 = await asyncio.to_thread(importlib.import_module, "httpx2")  # Importing it reads files.
                timeout = httpx2.Timeout(30.0, read=300.0)
                self._client = await opened_client(self._base_url, headers=self._headers, timeout=timeout)

    async def close(self) -> None:
        """Closes the connection pool."""
        if self._client is not None:
            await self._client.aclose()
            self._client = None

    async def post(self, path: str, **body: Any) -> Any:
        """Posts a request and returns the decoded JSON response.

        Args:
            path: Path below the base URL.
            body: `json=` or `data=` and `files=`, as httpx takes them.

        Raises:
            RefusalError: The API refused the content.
            InputError: The API rejected this request for good, for example because of a malformed argument.
            GeneratorError: The request failed; `retryable` says whether it may succeed later; `retry_after` when, if
                the API asks for a long pause (`busy`).
        """
        await self.open()
        import httpx2

        if self._client is None:
            raise GeneratorError("The connection to the API is closed.", code="closed")
        for attempt in range(1, self._attempts + 1):
            last = attempt == self._attempts
            try:
                response = await self._client.post(f"{self._base_url}/{path}", **body)
            except httpx2.TransportError as error:
                if last:
                    raise GeneratorError(
                        f"Could not reach the API: {type(error).__name__} in {attempt} attempts.",
                        code="unreachable",
                        retryable=True,
                        exhausted=True,
                    ) from error
                await self._wait(attempt, None)
                continue
            if response.is_success:
                try:
                    return response.json()
                except (ValueError, RecursionError) as error:
                    raise GeneratorError("The API's answer is not valid JSON.", retryable=True) from error
            failure, transient = self._error_for(response)
            pause = retry_after_seconds(response.headers.get("retry-after"))
            if transient and pause is not None and pause > _LONG_PAUSE:
                raise GeneratorError(str(failure), code="busy", retryable=True, retry_after=pause)
            if last or not transient:
                raise failure
            _log.info("attempt %d got HTTP %d", attempt, response.status_code)
            await self._wait(attempt, pause)
        raise AssertionError("unreachable")

    def _error_for(self, response: "httpx2.Response") -> tuple[GeneratorError | InputError | RefusalError, bool]:
        """Returns the error for a failed response, and whether another attempt may succeed."""
        try:
            code, message = self._parse_error(response.json())
        except (ValueError, KeyError, TypeError, AttributeError, RecursionError):
            code, message = "", ""
        # Before it is cut: half of a key is not recognized.
        message = quotation(redact(message), _LONGEST_QUOTE) or f"HTTP {response.status_code}"
        status = response.status_code
        if 400 <= status < 500 and status != 429 and is_refusal(code, message):
            return RefusalError(f"The API refused the content: {message}"), False
        if code in {"insufficient_quota", "billing_hard_limit_reached"}:
            return GeneratorError(f"The account has no credit left: {message}", code="quota"), False
        if status in {401, 403}:
            return GeneratorError(
                f"The API rejected the key (HTTP {status}). Check the key.", code="unauthorized"
            ), False
        if status in _TRANSIENT_STATUSES:
            # Not `busy`: clients wait for a busy server without limit, and all attempts have been used up by then.
            name = "rate_limited" if status in {429, 503, 529} else "generator"
            error = GeneratorError(f"The API failed: {message}", code=name, retryable=True, exhausted=True)
            return error, True
        if status in {400, 404, 413, 422}:
            return InputError(f"The API rejected the request: {message}", code="invalid_request"), False
        return GeneratorError(f"The API failed: {message}"), False

    async def _wait(self, attempt: int, asked: float | None) -> None:
        otherwise = min(self._retry_delay * 2 ** (attempt - 1) * random.uniform(0.5, 1.5), _MAX_RETRY_DELAY)
        await asyncio.sleep(otherwise if asked is None else asked)
