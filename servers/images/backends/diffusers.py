"""Any diffusers pipeline that draws and edits, as a backend; the micro model is one more folder.

The model is loaded and run on one thread of its own. Every sample has its own seed and, when editing, its own
reference, so an image does not depend on the batch it was made in (up to the last bits of the arithmetic).
"""

import asyncio
import importlib.util
import logging
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from pydantic import JsonValue

from interleavethinker.tools.errors import GeneratorError, InputError, InterleaveError, ProfileError
from interleavethinker.tools.images.png import encode_png, open_rgb
from interleavethinker.tools.model_catalog import image_model

from .base import BackendStatus, BatchObserver, Cancelled, ImageRequest, Job, JobResult
from .model_files import ModelFiles, identity_of, locate, pipeline_class, stored_dtype
from .model_settings import PipelineSettings, settings_for
from .reference_latents import give_each_sample_its_reference

if TYPE_CHECKING:
    from PIL.Image import Image

__all__ = ["DiffusersBackend", "DiffusersOptions"]

_log = logging.getLogger(__name__)


@dataclass(frozen=True)
class DiffusersOptions:
    """Where and how to run a pipeline."""

    device: str = "auto"
    """`auto` takes a GPU where there is one."""
    dtype: Literal["auto", "bfloat16", "float16", "float32"] = "auto"
    offload: Literal["none", "model", "sequential"] = "none"
    """Keeps what is not needed at the moment in main memory: `model` by whole parts, `sequential` by layers."""
    max_batch: int | None = None
    """None takes the model's own; 1 makes results bit-identical whatever else is going on."""
    threads: int | None = None
    """CPU threads; None takes the model's own."""


@dataclass(frozen=True)
class _Loaded:
    edit: Any
    generate: Any
    device: str
    dtype: str


class DiffusersBackend:
    """A diffusers pipeline, or a pair of one that draws and one that edits.

    Args:
        model: See `model_files.locate`.
        options: Where and how to run it.
    """

    concurrency = 1

    def __init__(self, model: str, options: DiffusersOptions = DiffusersOptions()) -> None:
        self._model = model
        self._options = options
        self._files = locate(model)
        self._settings = PipelineSettings() if self._files is None else self._settings_of(self._files)
        self._drawing = None if self._settings.generate_with is None else locate(self._settings.generate_with)
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="diffusers")
        # Large weights take seconds to hash; neither the handshake nor loading waits for it.
        self._hashing = ThreadPoolExecutor(1, thread_name_prefix="identity")
        self._identifying: asyncio.Future[list[str]] | None = None
        self._fingerprint: Mapping[str, JsonValue] | None = None
        self._loading: asyncio.Future[_Loaded] | None = None
        self._loaded: _Loaded | None = None
        self._problem: str | None = None
        self._stopping = threading.Event()

    @property
    def max_batch(self) -> int:
        """See `Backend.max_batch`."""
        return self._options.max_batch or self._settings.max_batch

    async def start(self) -> None:
        """See `Backend.start`."""
        if self._loading is None:
            self._loading = asyncio.get_running_loop().run_in_executor(self._thread, self._load)
            self._loading.add_done_callback(self._note_loaded)
            if self._all_located():
                self._identify()

    async def close(self) -> None:
        """Stops what runs at its next step. A model that is still loading is not waited for."""
        self._stopping.set()
        self._thread.shutdown(wait=False, cancel_futures=True)
        self._hashing.shutdown(wait=False, cancel_futures=True)

    async def fingerprint(self) -> Mapping[str, JsonValue]:
        """See `Backend.fingerprint`. Does not wait for the model where files and dtype are known without it."""
        if self._fingerprint is None:
            self._fingerprint = await self._take_fingerprint()
        return self._fingerprint

    async def _take_fingerprint(self) -> Mapping[str, JsonValue]:
        dtype = self._known_dtype()
        if dtype is None or not self._all_located():
            dtype = (await self._ready()).dtype
        identity, *drawn_by = await asyncio.shield(self._identify())
        label = self._model if self._files is None else self._files.label
        major, minor = version("diffusers").split(".")[:2]
        return {
            "backend": "diffusers",
            "model": f"{label}@{identity.removeprefix('sha256:')[:12]}",
            "identity": identity,
            "drawn_by": drawn_by[0] if drawn_by else None,
            "dtype": dtype,
            "diffusers": f"{major}.{minor}",
        }

    def arguments(self, order: ImageRequest) -> dict[str, JsonValue]:
        """See `Backend.arguments`."""
        settings = self._settings
        own = settings.generate_arguments if order.source is None else settings.edit_arguments
        arguments = dict(settings.arguments) | own
        if order.steps is not None:
            arguments["num_inference_steps"] = order.steps
        if order.guidance is not None:
            arguments[settings.guidance_argument] = order.guidance
        width, height = self._size(order, arguments)
        arguments |= {"width": width, "height": height}
        if settings.area_argument is not None:
            arguments[settings.area_argument] = width * height
        return arguments

    async def run(self, jobs: Sequence[Job], monitor: BatchObserver) -> list[JobResult]:
        """See `Backend.run`."""
        loaded = await self._ready()
        return await asyncio.get_running_loop().run_in_executor(self._thread, self._run, loaded, jobs, monitor)

    async def time_pipeline(self, jobs: Sequence[Job]) -> float:
        """Returns the seconds of the bare pipeline call for these jobs, for benchmarks: no encoding, no queue."""
        loaded = await self._ready()

        def timed() -> float:
            started = time.perf_counter()
            self._call(loaded, jobs, None)
            return time.perf_counter() - started

        return await asyncio.get_running_loop().run_in_executor(self._thread, timed)

    def status(self) -> BackendStatus:
        """See `Backend.status`."""
        loaded = self._loaded
        return BackendStatus(
            backend="diffusers",
            model=self._model if self._files is None else self._files.label,
            loaded=loaded is not None,
            device=self._device() if loaded is None else loaded.device,
            dtype=(self._known_dtype() or "auto") if loaded is None else loaded.dtype,
            problem=self._problem,
        )

    async def _ready(self) -> _Loaded:
        if self._loading is None:
            await self.start()
        if self._loading is None:
            raise GeneratorError("The model was never started.")
        try:
            return await asyncio.shield(self._loading)
        except InterleaveError:
            raise
        except Exception as error:
            raise GeneratorError(
                f"The model must load; it did not: {self._problem}.", code="model_not_loaded"
            ) from error

    def _note_loaded(self, loading: "asyncio.Future[_Loaded]") -> None:
        if loading.cancelled():
            return
        error = loading.exception()
        if error is None:
            self._loaded = loading.result()
            return
        _log.error("loading the model failed", exc_info=error)
        # A library's text may hold paths; the log has it.
        self._problem = str(error) if isinstance(error, InterleaveError) else type(error).__name__

    def _all_located(self) -> bool:
        return self._files is not None and (self._settings.generate_with is None or self._drawing is not None)

    def _identify(self) -> "asyncio.Future[list[str]]":
        """Identities of the pipeline and, where another one draws, of that one; hashed once."""
        if self._identifying is None:
            known = [files for files in (self._files, self._drawing) if files is not None]
            loop = asyncio.get_running_loop()
            self._identifying = loop.run_in_executor(self._hashing, lambda: [identity_of(files) for files in known])
        return self._identifying

    def _settings_of(self, files: ModelFiles) -> PipelineSettings:
        settings = settings_for(pipeline_class(files.folder), files.repository, files.folder)
        if settings.device == "cpu" and self._options.device not in {"auto", "cpu"}:
            raise ProfileError(
                "This model must run on a CPU: on anything else it draws badly. Found --device "
                f"{self._options.device}; leave it out."
            )
        missing = [name for name in settings.needs if importlib.util.find_spec(name) is None]
        if missing:
            raise ProfileError(f"This model needs {', '.join(missing)}, which is not installed: pip install it first.")
        return settings

    def _device(self) -> str:
        """The device that was asked for, or the model's own; `auto` where neither says one."""
        return self._options.device if self._options.device != "auto" else self._settings.device

    def _known_dtype(self) -> str | None:
        """The dtype, where it does not depend on which device there is."""
        if self._options.dtype != "auto":
            return self._options.dtype
        if self._settings.dtype != "auto":
            return self._settings.dtype
        if self._files is None:
            return None
        if self._device() == "cpu" or stored_dtype(self._files.folder) == "F32":
            return "float32"
        return None

    def _size(self, order: ImageRequest, arguments: Mapping[str, JsonValue]) -> tuple[int, int]:
        if order.source_size is not None:
            width, height = order.source_size
            self._check_source(width, height)
            scale = min(1.0, (self._settings.edit_max_pixels / (width * height)) ** 0.5)
            width, height = int(width * scale), int(height * scale)
        else:
            width, height = int(str(arguments.get("width", 1024))), int(str(arguments.get("height", 1024)))
        step = self._settings.multiple_of
        return tuple(max(step, side // step * step) for side in (order.width or width, order.height or height))  # type: ignore[return-value]

    def _check_source(self, width: int, height: int) -> None:
        settings = self._settings
        shorter, longer = sorted((width, height))
        if shorter < settings.source_min_side or longer > shorter * settings.source_max_aspect:
            raise InputError(
                f"This model edits images of at least {settings.source_min_side} pixels a side and at most "
                f"{settings.source_max_aspect:g} times as long as wide; this one is {width} x {height}.",
                code="invalid_image",
            )

    def _load(self) -> _Loaded:
        """Runs on the model's thread."""
        import torch

        if self._files is None:
            self._files = locate(self._model, _download)
            if self._files is None:
                raise GeneratorError("The repository could not be located.")
            self._settings = self._settings_of(self._files)
        known = image_model(self._files.repository or "")
        if known is not None and not known.commercial_use:
            _log.warning("%s: %s", known.target, known.licence_note)
        threads = self._options.threads or self._settings.threads
        if threads is not None:
            torch.set_num_threads(threads)
        device = self._device()
        if device == "auto":
            device = _best_device()
        dtype = self._known_dtype() or ("bfloat16" if device != "cpu" else "float32")
        edit = self._load_pipeline(self._files.folder, device, dtype)
        generate = edit
        if self._settings.generate_with is not None:
            self._drawing = self._drawing or locate(self._settings.generate_with, _download)
            if self._drawing is None:
                raise GeneratorError("The repository that draws could not be located.")
            generate = self._load_pipeline(self._drawing.folder, device, dtype)
        if self._settings.edit_batching == "references":
            give_each_sample_its_reference(edit)
        return _Loaded(edit, generate, device, dtype)

    def _load_pipeline(self, folder: Path, device: str, dtype: str) -> Any:
        import torch

        from .pipeline_loading import load_pipeline

        pipeline = load_pipeline(folder, getattr(torch, dtype))
        pipeline.set_progress_bar_config(disable=True)
        if self._options.offload == "model":
            pipeline.enable_model_cpu_offload(device=device)
        elif self._options.offload == "sequential":
            pipeline.enable_sequential_cpu_offload(device=device)
        else:
            pipeline.to(device)
        return pipeline

    def _run(self, loaded: _Loaded, jobs: Sequence[Job], monitor: BatchObserver) -> list[JobResult]:
        """Runs on the model's thread. A batch that does not fit into memory is halved until it does."""
        import torch

        try:
            images = self._call(loaded, jobs, monitor)
        except torch.OutOfMemoryError as error:
            _log.warning("out of memory with a batch of %d", len(jobs))
            half = len(jobs) // 2
            if half == 0:
                raise GeneratorError(
                    "The device's memory must hold one image of this size; it does not. Ask for a smaller size, or "
                    "start the server with --offload model.",
                    code="out_of_memory",
                ) from error
        else:
            return [_given_away(job, image, monitor) for job, image in zip(jobs, images, strict=True)]
        torch.cuda.empty_cache()
        return self._run(loaded, jobs[:half], monitor) + self._run(loaded, jobs[half:], monitor)

    def _call(self, loaded: _Loaded, jobs: Sequence[Job], monitor: BatchObserver | None) -> "list[Image]":
        import torch

        editing = jobs[0].order.source is not None
        pipeline = loaded.edit if editing else loaded.generate
        if len(jobs) > 1 and not (
            self._settings.batch_prompts and (not editing or self._settings.edit_batching != "none")
        ):
            return [image for job in jobs for image in self._call(loaded, [job], monitor)]
        arguments: dict[str, Any] = dict(jobs[0].arguments)
        prompts = [job.order.prompt for job in jobs]
        generators = [torch.Generator("cpu").manual_seed(job.order.seed) for job in jobs]
        single = len(jobs) == 1
        arguments["prompt"] = prompts[0] if single else prompts
        arguments["generator"] = generators[0] if single else generators
        if isinstance(arguments.get("negative_prompt"), str) and not single:
            arguments["negative_prompt"] = [arguments["negative_prompt"]] * len(jobs)
        if editing:
            sources = [_opened(job.source_png) for job in jobs]
            arguments["image"] = sources if self._settings.image_as_list or not single else sources[0]
        if monitor is not None:
            total = int(arguments.get("num_inference_steps", 1))
            arguments["callback_on_step_end"] = self._after_step(monitor, total)
        try:
            with torch.inference_mode():
                images: list[Image] = pipeline(**arguments).images
        except Cancelled:
            pipeline.maybe_free_model_hooks()
            raise
        return images

    def _after_step(
        self, monitor: BatchObserver, total: int
    ) -> Callable[[Any, int, Any, dict[str, Any]], dict[str, Any]]:
        def after_step(_pipeline: Any, step: int, _time: Any, _tensors: dict[str, Any]) -> dict[str, Any]:
            if self._stopping.is_set() or monitor.cancelled():
                raise Cancelled
            monitor.step(step + 1, total)
            return {}

        return after_step


def _given_away(job: Job, image: "Image", monitor: BatchObserver) -> bytes:
    png = encode_png(image)
    monitor.drawn(job, png)
    return png


def _opened(png: bytes | None) -> "Image":
    if png is None:
        raise GeneratorError("An edit came without its source's bytes.")
    return open_rgb(png)


def _best_device() -> str:
    import torch

    if torch.cuda.is_available():
        return "cuda"
    return "mps" if torch.backends.mps.is_available() else "cpu"


def _download(repository: str) -> Path:
    from diffusers import DiffusionPipeline

    return Path(DiffusionPipeline.download(repository))
