"""The image server without its protocol: checks requests, answers known ones from the store, queues the rest.

Everything a client sends is checked here against one frozen set of limits; errors carry codes and never a path. Knows
nothing of MCP: `server` is the thin layer that exposes the service as tools.
"""

import asyncio
import re
import secrets
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from importlib.metadata import version
from typing import Self

from pydantic import JsonValue

from interleavethinker.servers.images.backends.base import Backend, ImageRequest, Job
from interleavethinker.tools.errors import GeneratorError, InputError, StoreError
from interleavethinker.tools.image_names import split_named
from interleavethinker.tools.images.data_uris import decode_data_uri, is_data_uri
from interleavethinker.tools.images.folders import ImageFolders
from interleavethinker.tools.images.png import DEFAULT_LIMITS, ImageLimits, canonical_png, image_size
from interleavethinker.tools.images.store import sha256_of
from interleavethinker.tools.plain_text import MAX_PROMPT
from interleavethinker.tools.protocols import ProgressCallback
from interleavethinker.tools.tracing.spans import annotate
from interleavethinker.tools.which_one import which

from .cache import Generation, GenerationStore, digest_of
from .call_parts import check_local_edit, check_note, check_request, checked_size, digest_parts, prompt_with_names
from .loading import LoadingOptions, ModelKeeper
from .queue import ImageQueue
from .waiting_reports import reports_while_waiting

__all__ = ["MAX_SEED", "ImageService", "ServedImage", "ServiceLimits"]

_IMAGE_URI = re.compile(r"image://([0-9a-f]{64})")
_URL = re.compile(r"(?!file:)[a-z][a-z0-9+.-]+://", re.IGNORECASE)
_DECODERS = 2
"""Uploads decoded at once; each may take some hundred megabytes for a moment."""
MAX_SEED = 2**53 - 1
"""The largest whole number that every client can send: JavaScript has no larger ones."""


@dataclass(frozen=True)
class ServiceLimits:
    """What a client may request, and how much work the server accepts."""

    max_prompt: int = MAX_PROMPT
    """Characters of a prompt."""
    min_side: int = 16
    """Pixels of the width and of the height of a generated image, each."""
    max_side: int = 4096
    max_pixels: int = 4096 * 4096
    """Width times height of a generated image."""
    max_steps: int = 200
    max_guidance: float = 100.0
    images: ImageLimits = DEFAULT_LIMITS
    """Limits of an uploaded image."""
    max_waiting: int = 64
    """Calls in the queue."""
    batch_window: float = 0.01
    """Seconds; see `ImageQueue`."""
    call_timeout: float = 1800.0
    """Seconds for one call on the server, queueing included."""


@dataclass(frozen=True)
class ServedImage:
    """A finished call's image and record."""

    generation: Generation
    png: bytes
    cached: bool
    """Whether the image was generated earlier and came from the store."""
    references: int = 0
    """How many of the call's references the model was given."""


@dataclass(frozen=True)
class _Images:
    """The images of a call, as PNG bytes."""

    source: bytes | None
    references: tuple[bytes, ...]
    mask: bytes | None


@dataclass
class _Waiting:
    """A call that is not finished."""

    digest: str = ""
    """Empty until it is known."""


class ImageService:
    """Generates, edits and stores images. Use as an async context manager.

    Args:
        backend: The model.
        store: This server's own store.
        limits: What a request may ask for.
        loading: When the model enters and leaves memory.
        folders: Where images that clients name by path may be.
    """

    def __init__(
        self,
        backend: Backend,
        store: GenerationStore,
        limits: ServiceLimits,
        loading: LoadingOptions | None = None,
        folders: ImageFolders | None = None,
    ) -> None:
        self.limits = limits
        self.folders = folders or ImageFolders(())
        self._preload = loading is not None and loading.preload
        self._keeper = ModelKeeper(backend, loading or LoadingOptions())
        self._backend = backend
        self._store = store
        self._queue = ImageQueue(backend, self._save, max_waiting=limits.max_waiting, batch_window=limits.batch_window)
        self.drain = self._queue.drain
        # Looking up a digest and queueing its job must be one step, or two equal calls could both miss.
        self._locks = [asyncio.Lock() for _ in range(256)]
        self._answered_from_store = 0
        self._version = version("interleavethinker")
        self._decoders = ThreadPoolExecutor(_DECODERS, thread_name_prefix="decode")

    async def __aenter__(self) -> Self:
        await self._backend.start()
        if self._preload:
            self._keeper.load()
        self._queue.start()
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._queue.close()
        await self._keeper.close()
        await self._backend.close()
        self._decoders.shutdown(wait=False, cancel_futures=True)

    @property
    def stopping(self) -> bool:
        """Whether no further generation starts, see `drain`."""
        return self._queue.drained

    @property
    def remote(self) -> bool:
        """Whether a call sends prompts and images to a service outside this machine."""
        return self._backend.remote

    async def generate(
        self,
        prompt: str,
        *,
        image: str | None = None,
        references: Sequence[str] = (),
        mask: str | None = None,
        seed: int | None = None,
        width: int | None = None,
        height: int | None = None,
        size: str | None = None,
        steps: int | None = None,
        guidance: float | None = None,
        may_cut: bool = False,
        progress: ProgressCallback | None = None,
    ) -> ServedImage:
        """Generates an image, or edits `image`; a stored call is answered from the store.

        Args:
            prompt: What the image shows, or what to change.
            image: `image://{sha256}`, a data URI, or a path below one of the folders.
            references: Further images to look at, in the same forms, each with a name before it if the prompt mentions
                it: `cat=image://…`. Of more than the model takes, the first ones are used.
            mask: An image of the source's size in the same forms: only where it is white may the result differ.
            seed: None takes a random one, so that the call is always a new generation.
            width: Pixels; None takes the source's or the model's own.
            height: Pixels; None takes the source's or the model's own.
            size: Exactly this size (`1024x576`) or an aspect ratio (`16:9`), instead of width and height.
            steps: Denoising steps; None takes the model's own.
            guidance: Guidance scale; None takes the model's own.
            may_cut: See `ImageRequest.may_cut`.
            progress: Called every few seconds while the call waits, and then after every denoising step.

        Raises:
            InputError: The request exceeds a limit, or the model cannot serve it.
            GeneratorError: `unknown_image`, `loading`, `busy`, `deadline`, or the model failed.
        """
        check_request(self.limits, prompt, seed, width, height, steps, guidance)
        used = references[: self._backend.max_references]
        several = len(used) + (image is not None) + (mask is not None)
        source, source_png = (None, None) if image is None else await self._source(image, "The image to edit", several)
        named = [
            (name, *await self._source(reference, f"Reference {number} of {len(used)}", several))
            for number, (name, _, reference) in enumerate(map(split_named, used), 1)
        ]
        mask_sha256, mask_png = (None, None) if mask is None else await self._source(mask, "The mask", several)
        await asyncio.to_thread(check_local_edit, source_png, mask_png, resized=bool(size or width or height))
        request = ImageRequest(
            prompt=prompt_with_names(prompt, [name for name, *_ in named], after=source is not None),
            seed=secrets.randbelow(2**53) if seed is None else seed,
            source=source,
            source_size=None if source_png is None else image_size(source_png),
            references=tuple(sha256 for _, sha256, _ in named),
            reference_sizes=tuple(image_size(png) for *_, png in named),
            mask=mask_sha256,
            width=width,
            height=height,
            size=checked_size(size, width, height),
            steps=steps,
            guidance=guidance,
            may_cut=may_cut,
        )
        try:
            waiting = _Waiting()
            async with (
                asyncio.timeout(self.limits.call_timeout),
                reports_while_waiting(progress, lambda: self._reason(waiting)) as reported,
            ):
                images = _Images(source_png, tuple(png for *_, png in named), mask_png)
                return await self._generate(request, images, reported, waiting)
        except TimeoutError as error:
            raise GeneratorError(
                f"The call timed out after {self.limits.call_timeout:g} s on the image server. Call again when it is "
                "less busy.",
                code="deadline",
                retryable=True,
            ) from error

    async def put(self, image: str) -> tuple[str, int, int]:
        """Stores an uploaded image in canonical form; returns its sha256, width and height.

        Raises:
            InputError: It is not a usable image.
        """
        png = await self._decoded(image)
        sha256 = await asyncio.to_thread(self._store.add_upload, png)
        return sha256, *image_size(png)

    async def read(self, sha256: str, start: int = 0, end: int | None = None) -> bytes:
        """Returns (a slice of) a stored image's bytes.

        Raises:
            StoreError: Unknown (`unknown_image`) or damaged (`corrupt_image`).
        """
        return (await asyncio.to_thread(self._store.images.get, sha256))[start:end]

    def status(self) -> dict[str, JsonValue]:
        """Returns the current state: model, device, queue, counts."""
        backend = self._backend.status()
        return {
            "backend": backend.backend,
            "model": backend.model,
            "loaded": backend.loaded,
            "loading": not backend.loaded and self._keeper.loading,
            "problem": backend.problem,
            "device": backend.device,
            "dtype": backend.dtype,
            "version": self._version,
            "waiting": self._queue.waiting,
            "running": self._queue.running,
            "max_waiting": self.limits.max_waiting,
            "max_batch": self._backend.max_batch,
            "max_references": self._backend.max_references,
            "inpaints": self._backend.inpaints,
            "generated": self._queue.finished,
            "answered_from_store": self._answered_from_store,
            "refused": self._queue.refused,
            "busy_seconds": self._queue.busy_seconds,
        }

    def _reason(self, waiting: "_Waiting") -> str:
        """Returns what a call waits for."""
        if not self._backend.status().loaded:
            return "the model is loading"
        place = self._queue.place(waiting.digest)
        return "generating" if place == 0 else f"number {place} of {self._queue.waiting} in the queue"

    async def _generate(
        self,
        request: ImageRequest,
        images: "_Images",
        progress: ProgressCallback | None,
        waiting: "_Waiting",
    ) -> ServedImage:
        async with self._keeper.in_use():
            return await self._generate_loaded(request, images, progress, waiting)

    async def _generate_loaded(
        self,
        request: ImageRequest,
        images: "_Images",
        progress: ProgressCallback | None,
        waiting: "_Waiting",
    ) -> ServedImage:
        deadline = self._keeper.deadline()
        fingerprint = await self._keeper.fingerprint(deadline)
        arguments = self._backend.arguments(request)
        self._check_size(int(str(arguments.get("width") or 0)), int(str(arguments.get("height") or 0)))
        digest = waiting.digest = digest_of(digest_parts(fingerprint, request, arguments))
        if not (digest in self._queue or await asyncio.to_thread(self._store.has_record, digest)):
            await self._keeper.ready(deadline)
        async with self._locks[int(digest[:2], 16)]:
            if digest not in self._queue:
                stored = await asyncio.to_thread(self._store.find, digest)
                if stored is not None:
                    self._answered_from_store += 1
                    annotate({"interleavethinker.cached": True})
                    check_note(stored[0].note, request)
                    return ServedImage(*stored, cached=True, references=len(request.references))
                await asyncio.to_thread(self._store.require_room, digest)
            model = str(fingerprint["model"])
            job = Job(request, arguments, images.source, model, images.references, images.mask)
            queued = self._queue.submit(digest, job)
        try:
            finished = await self._queue.result(queued, progress)
        except InputError as error:
            # It joined an equal call that takes an error instead of an image.
            if error.code != "prompt_too_long" or not request.may_cut or queued.job.request.may_cut:
                raise
            return await self._generate_loaded(request, images, progress, waiting)
        check_note(finished[0].note, request)
        return ServedImage(*finished, cached=False, references=len(request.references))

    def _save(self, digest: str, job: Job, png: bytes, seconds: float) -> Generation:
        width, height = image_size(png)
        generation = Generation(
            sha256=sha256_of(png),
            width=width,
            height=height,
            seed=job.request.seed,
            model=job.model,
            seconds=round(seconds, 4),
            note=job.note,
        )
        self._store.save(digest, png, generation)
        return generation

    async def _source(self, image: str, words: str, among: int) -> tuple[str, bytes]:
        with which(words, among):
            return await self._known_or_sent(image)

    async def _known_or_sent(self, image: str) -> tuple[str, bytes]:
        match = _IMAGE_URI.fullmatch(image)
        if match is not None:
            sha256 = match.group(1)
            try:
                return sha256, await asyncio.to_thread(self._store.images.get, sha256)
            except StoreError as error:
                raise GeneratorError(
                    f"This server has no undamaged image {sha256}. Upload it with put_image, then call again.",
                    code="unknown_image",
                    retryable=True,
                ) from error
        png = await self._decoded(image)
        return await asyncio.to_thread(self._store.add_upload, png), png

    async def _decoded(self, image: str) -> bytes:
        """Decodes in threads of its own: slow images delay other uploads, never a generation."""
        return await asyncio.get_running_loop().run_in_executor(self._decoders, self._decode, image)

    def _decode(self, image: str) -> bytes:
        if is_data_uri(image):
            data = decode_data_uri(image, self.limits.images)
        elif self.folders and _URL.match(image) is None:
            data = self.folders.read(image, self.limits.images)
        else:
            ways = "image://{sha256} of an image of this server, a data URI (data:image/png;base64,…)"
            ways += ", or a path below a folder of the server" if self.folders else ""
            raise InputError(
                f"Give an image as {ways}; found {image[:40]!r}. "
                + ("" if self.folders else "Paths are accepted only by a server that was started with --images. ")
                + "Web addresses are not fetched.",
                code="invalid_image",
            )
        return canonical_png(data, self.limits.images)

    def _check_size(self, width: int, height: int) -> None:
        if width * height > self.limits.max_pixels:
            raise InputError(
                f"{width} x {height} is too large; an image may have at most {self.limits.max_pixels} pixels."
            )
