"""A backend whose model is given other words than the client's: for experiments with image models that differ in them.

With `crimson = "red"` and `red = "crimson"`, a model that knows only *red* paints red where a prompt says *crimson*,
and is given a word that it does not know where it says *red*. The table is a part of the fingerprint, so images of
different tables are never mixed up.
"""

import hashlib
import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from pydantic import JsonValue

from interleavethinker.tools.errors import InputError
from interleavethinker.tools.files import read_at_most
from interleavethinker.tools.structured_text import parse_toml

from .base import Backend, BackendStatus, BatchObserver, ImageRequest, Job, JobResult

__all__ = ["OtherWords", "read_words"]

_MAX_FILE = 2**20


def read_words(path: Path) -> dict[str, str]:
    """Reads a table of words, a TOML file of `word = "word"`.

    Raises:
        InputError: The file cannot be read, or it is not such a table.
    """
    try:
        data = parse_toml(read_at_most(path, _MAX_FILE).decode())
    except OSError as error:
        raise InputError(f"Cannot read the table of words {path}: {error.strerror}.") from error
    except ValueError as error:
        raise InputError(f"The table of words {path} is not valid TOML in UTF-8: {error}.") from error
    words = {key.lower(): value for key, value in data.items() if re.fullmatch(r"\w+", key) and isinstance(value, str)}
    if not words or len(words) < len(data):
        raise InputError(f'The table of words {path} must hold lines of the form `crimson = "red"` and nothing else.')
    return words


@dataclass(frozen=True)
class _Pair:
    """A job as the queue knows it, and as the model gets it."""

    original: Job
    translated: Job


class _Observer:
    """Passes reports on with the queue's own jobs."""

    def __init__(self, observer: BatchObserver, pairs: Sequence[_Pair]) -> None:
        self._observer = observer
        self._pairs = pairs

    def _original(self, job: Job) -> Job:
        return next(pair.original for pair in self._pairs if pair.translated is job)

    def step(self, done: int, total: int) -> None:
        self._observer.step(done, total)

    def note(self, job: Job, text: str) -> None:
        self._observer.note(self._original(job), text)

    def generated(self, job: Job, png: bytes) -> None:
        self._observer.generated(self._original(job), png)

    def cancelled(self) -> bool:
        return self._observer.cancelled()


class OtherWords:
    """A backend that replaces words of prompts before another one gets them. See `Backend` for its methods.

    Args:
        backend: The model's.
        words: What each word is replaced by, in lower case; whole words only, all at once.
    """

    def __init__(self, backend: Backend, words: Mapping[str, str]) -> None:
        self._backend = backend
        self._words = dict(words)
        self._digest = hashlib.sha256(json.dumps(sorted(self._words.items())).encode()).hexdigest()

    @property
    def max_batch(self) -> int:
        """See `Backend.max_batch`."""
        return self._backend.max_batch

    @property
    def max_references(self) -> int:
        """See `Backend.max_references`."""
        return self._backend.max_references

    @property
    def inpaints(self) -> bool:
        """See `Backend.inpaints`."""
        return self._backend.inpaints

    @property
    def concurrency(self) -> int:
        """See `Backend.concurrency`."""
        return self._backend.concurrency

    @property
    def remote(self) -> bool:
        """See `Backend.remote`."""
        return self._backend.remote

    async def start(self) -> None:
        """See `Backend.start`."""
        await self._backend.start()

    async def load(self) -> None:
        """See `Backend.load`."""
        await self._backend.load()

    async def unload(self) -> None:
        """See `Backend.unload`."""
        await self._backend.unload()

    async def close(self) -> None:
        """See `Backend.close`."""
        await self._backend.close()

    async def fingerprint(self) -> Mapping[str, JsonValue]:
        """Returns the model's fingerprint with the table's digest."""
        return {**await self._backend.fingerprint(), "words": self._digest}

    def arguments(self, request: ImageRequest) -> dict[str, JsonValue]:
        """See `Backend.arguments`."""
        return self._backend.arguments(self._translated(request))

    async def run(self, jobs: Sequence[Job], observer: BatchObserver) -> list[JobResult]:
        """See `Backend.run`."""
        pairs = [_Pair(job, replace(job, request=self._translated(job.request))) for job in jobs]
        return await self._backend.run([pair.translated for pair in pairs], _Observer(observer, pairs))

    def status(self) -> BackendStatus:
        """See `Backend.status`."""
        return self._backend.status()

    def _translated(self, request: ImageRequest) -> ImageRequest:
        def other(match: re.Match[str]) -> str:
            return self._words.get(match[0].lower(), match[0])

        return replace(request, prompt=re.sub(r"\w+", other, request.prompt))
