"""Any diffusers pipeline that generates and edits images, as a backend; the micro model is one of them.

The model is loaded and run on a thread of its own. Every sample has its own seed and, when editing, its own reference,
so an image does not depend on the batch it was generated in (up to the last bits of the arithmetic).
"""

import asyncio
import importlib.util
import logging
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from importlib.metadata import version
from typing import TYPE_CHECKING, Any

from pydantic import JsonValue

from interleavethinker.tools.errors import GeneratorError, InputError, InterleaveError, ProfileError
from interleavethinker.tools.images.png import encode_png
from interleavethinker.tools.local_extra import require_local
from interleavethinker.tools.model_catalog import image_model
from interleavethinker.tools.weights import damaged_weights

from .base import BackendStatus, BatchObserver, Cancelled, ImageRequest, Job, JobResult
from .finite_output import check_decoded_pixels, refusing_invalid_pixels
from .fitting_batches import FittingBatches, TorchMemory
from .model_files import ModelFiles, identity_of, locate, pipeline_class, stored_dtype
from .model_settings import PipelineSettings, settings_for
from .options import DiffusersOptions, approximations, check_options
from .pipeline_calls import is_inpainting, pipeline_arguments, request_arguments, split_into_calls
from .pipeline_loading import LoadedPipelines, best_device, download, free_memory, inpainting_pipeline, load_pipeline
from .prompt_cache import PromptCache
from .prompt_window import prompt_cut
from .reference_latents import use_one_reference_per_sample

if TYPE_CHECKING:
    from PIL.Image import Image

__all__ = ["DiffusersBackend", "DiffusersOptions"]

_log = logging.getLogger(__name__)


class DiffusersBackend:
    """A diffusers pipeline, or one that generates and another that edits.

    Args:
        model: See `model_files.locate`.
        options: Where and how to run it; None means the defaults.

    Raises:
        ProfileError: No such model, it cannot run as the options say, or a library is missing.
    """

    concurrency = 1
    remote = False

    def __init__(self, model: str, options: DiffusersOptions | None = None) -> None:
        self._model = model
        self._options = options or DiffusersOptions()
        check_options(self._options)
        self._files = locate(model)
        require_local("Local models", ("torch", "diffusers"))
        self._settings = PipelineSettings() if self._files is None else self._settings_of(self._files)
        generate_with = self._settings.generate_with
        self._generate_files = None if generate_with is None else locate(generate_with)
        """Files of the pipeline that generates, where it is another one than the pipeline that edits."""
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="diffusers")
        # Hashing large weights takes seconds; neither the handshake nor loading waits for it.
        self._hash_thread = ThreadPoolExecutor(1, thread_name_prefix="identity")
        self._hashing: asyncio.Future[list[str]] | None = None
        self._fingerprint: Mapping[str, JsonValue] | None = None
        self._loading: asyncio.Future[LoadedPipelines] | None = None
        self._loaded: LoadedPipelines | None = None
        self._batches = FittingBatches(TorchMemory("cpu"))
        self._problem: str | None = None
        self._stopping = threading.Event()

    @property
    def max_batch(self) -> int:
        """See `Backend.max_batch`."""
        return self._options.max_batch or self._settings.max_batch

    @property
    def max_references(self) -> int:
        """See `Backend.max_references`."""
        return self._settings.max_references

    @property
    def inpaints(self) -> bool:
        """See `Backend.inpaints`."""
        return self._settings.inpaints and self._settings.inpaint_with is not None

    async def start(self) -> None:
        """See `Backend.start`. Begins to hash the weights: stored calls are found without the loaded model."""
        if self._all_located():
            self._hash_files()

    async def load(self) -> None:
        """See `Backend.load`."""
        await self._ready()

    async def unload(self) -> None:
        """See `Backend.unload`."""
        loading, self._loading, self._loaded = self._loading, None, None
        if loading is not None:
            await asyncio.wait({loading})
            del loading
            await asyncio.get_running_loop().run_in_executor(self._thread, free_memory)

    async def close(self) -> None:
        """Stops a running batch at its next step. Does not wait for a model that is still loading."""
        self._stopping.set()
        self._thread.shutdown(wait=False, cancel_futures=True)
        self._hash_thread.shutdown(wait=False, cancel_futures=True)

    async def fingerprint(self) -> Mapping[str, JsonValue]:
        """See `Backend.fingerprint`. Waits for the model only if its files or dtype are unknown before it is loaded."""
        if self._fingerprint is None:
            self._fingerprint = await self._compute_fingerprint()
        return self._fingerprint

    async def _compute_fingerprint(self) -> Mapping[str, JsonValue]:
        dtype = await asyncio.to_thread(self._known_dtype)
        if dtype is None or not await asyncio.to_thread(self._all_located):
            dtype = (await self._ready()).dtype
        identity, *generated_by = await asyncio.shield(self._hash_files())
        chosen = await asyncio.get_running_loop().run_in_executor(self._hash_thread, approximations, self._options)
        major, minor = (await asyncio.to_thread(version, "diffusers")).split(".")[:2]
        return {
            "backend": "diffusers",
            "model": f"{self._label()}@{identity.removeprefix('sha256:')[:12]}",
            "identity": identity,
            # An old name, kept because it is hashed into stored digests.
            "drawn_by": generated_by[0] if generated_by else None,
            "dtype": dtype,
            "diffusers": f"{major}.{minor}",
        } | chosen

    def arguments(self, request: ImageRequest) -> dict[str, JsonValue]:
        """See `Backend.arguments`."""
        return request_arguments(request, self._settings)

    async def run(self, jobs: Sequence[Job], observer: BatchObserver) -> list[JobResult]:
        """See `Backend.run`."""
        loaded = await self._ready()
        return await asyncio.get_running_loop().run_in_executor(self._thread, self._run_fitting, loaded, jobs, observer)

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
            model=self._label(),
            loaded=loaded is not None,
            device=self._device() if loaded is None else loaded.device,
            dtype=(self._known_dtype() or "auto") if loaded is None else loaded.dtype,
            problem=self._problem,
        )

    async def _ready(self) -> LoadedPipelines:
        if self._loading is None:
            self._loading = asyncio.get_running_loop().run_in_executor(self._thread, self._load)
            self._loading.add_done_callback(self._note_loaded)
        loading = self._loading
        try:
            return await asyncio.shield(loading)
        except InterleaveError:
            raise
        except Exception as error:
            raise GeneratorError(
                f"The model could not be loaded: {self._problem}. See the server's log.", code="model_not_loaded"
            ) from error

    def _note_loaded(self, loading: "asyncio.Future[LoadedPipelines]") -> None:
        if loading.cancelled():
            return
        error = loading.exception()
        if error is None:
            self._problem = None
            if loading is self._loading:  # Else it was unloaded meanwhile.
                self._loaded = loading.result()
            return
        self._loading = None
        _log.error("loading the model failed", exc_info=error)
        # A library's message may contain paths; only the log gets it.
        self._problem = str(error) if isinstance(error, InterleaveError) else type(error).__name__

    def _label(self) -> str:
        return self._model if self._files is None else self._files.label

    def _all_located(self) -> bool:
        return self._files is not None and (self._settings.generate_with is None or self._generate_files is not None)

    def _hash_files(self) -> "asyncio.Future[list[str]]":
        """Identities of the pipeline and of the other one that generates, if there is one; computed once."""
        if self._hashing is None:
            located = [files for files in (self._files, self._generate_files) if files is not None]
            loop = asyncio.get_running_loop()
            self._hashing = loop.run_in_executor(self._hash_thread, lambda: [identity_of(files) for files in located])
        return self._hashing

    def _settings_of(self, files: ModelFiles) -> PipelineSettings:
        settings = settings_for(pipeline_class(files.folder), files.repository, files.folder)
        if settings.device == "cpu" and self._options.device not in {"auto", "cpu"}:
            raise ProfileError(
                "This model must run on a CPU: on another device it generates poor images. Omit --device "
                f"{self._options.device}."
            )
        missing = [name for name in settings.needs if importlib.util.find_spec(name) is None]
        if missing:
            names = " and ".join(missing)
            raise ProfileError(
                f"This model also needs {names}. Install with: pip install {' '.join(missing)}",
            )
        # Offloading moves the parts for one pipeline only.
        return settings if self._options.offload == "none" else settings.model_copy(update={"inpaint_with": None})

    def _device(self) -> str:
        """The device from the options, or the model's own; `auto` where neither names one."""
        return self._options.device if self._options.device != "auto" else self._settings.device

    def _known_dtype(self) -> str | None:
        """The dtype, if it does not depend on the devices of this machine."""
        if self._options.dtype != "auto":
            return self._options.dtype
        if self._settings.dtype != "auto":
            return self._settings.dtype
        if self._files is None:
            return None
        if self._device() == "cpu" or stored_dtype(self._files.folder) == "F32":
            return "float32"
        return None

    def _load(self) -> LoadedPipelines:
        """Runs on the model's thread."""
        import torch

        if self._files is None:
            self._files = _downloaded(self._model)
            self._settings = self._settings_of(self._files)
        known = image_model(self._files.repository or "")
        if known is not None and not known.commercial_use:
            _log.warning("%s: %s", known.target, known.licence_note)
        threads = self._options.threads or self._settings.threads
        if threads is not None:
            torch.set_num_threads(threads)
        device = self._device()
        if device == "auto":
            device = best_device()
        self._batches = FittingBatches(TorchMemory(device))
        dtype = self._known_dtype() or ("bfloat16" if device != "cpu" else "float32")
        _check_weights(self._files)
        edit = load_pipeline(self._files.folder, device, dtype, self._options)
        generate = edit
        if self._settings.generate_with is not None:
            self._generate_files = self._generate_files or _downloaded(self._settings.generate_with)
            _check_weights(self._generate_files)
            generate = load_pipeline(self._generate_files.folder, device, dtype, self._options)
        inpaint = inpainting_pipeline(edit, self._settings.inpaint_with or "") if self.inpaints else None
        prompts = PromptCache(self._options.prompt_cache)
        for pipeline in {id(each): each for each in (edit, generate, inpaint) if each is not None}.values():
            check_decoded_pixels(pipeline)
            if self._options.prompt_cache > 0:
                prompts.attach(pipeline)
        if self._settings.edit_batching == "references":
            use_one_reference_per_sample(edit)
        loaded = LoadedPipelines(edit, generate, device, dtype, inpaint)
        if self._options.compile:  # While clients are told that the model is loading; it takes minutes for a large one.
            request = ImageRequest(prompt="a red ball", seed=0, steps=1)
            self._call(loaded, [Job(request, self.arguments(request))], None)
        return loaded

    def _run_fitting(self, loaded: LoadedPipelines, jobs: Sequence[Job], observer: BatchObserver) -> list[JobResult]:
        """Runs the jobs. Those whose prompts the pipeline would cut are refused one by one, or get a note."""
        pipeline = self._pipeline(loaded, jobs[0].request)
        refused: dict[int, InputError] = {}
        for index, job in enumerate(jobs):
            cut = prompt_cut(pipeline, job.request.prompt, job.arguments)
            if cut is not None and job.request.may_cut:
                observer.note(job, cut.note)
            elif cut is not None:
                refused[index] = cut.error
        fitting = [job for index, job in enumerate(jobs) if index not in refused]
        results = iter(
            self._batches.run(
                fitting,
                lambda part: self._call(loaded, part, observer),
                lambda job, image: _report(job, image, observer),
            )
        )
        return [refused[index] if index in refused else next(results) for index in range(len(jobs))]

    def _call(self, loaded: LoadedPipelines, jobs: Sequence[Job], observer: BatchObserver | None) -> "list[Image]":
        pipeline = self._pipeline(loaded, jobs[0].request)
        images: list[Image] = []
        for call in split_into_calls(jobs, self._settings):
            arguments = pipeline_arguments(call, self._settings)
            if observer is not None:
                total = int(arguments.get("num_inference_steps", 1))
                arguments["callback_on_step_end"] = self._step_callback(observer, total)
            images += _images_of(pipeline, arguments)
        return images

    def _pipeline(self, loaded: LoadedPipelines, request: ImageRequest) -> Any:
        if is_inpainting(request, self._settings):
            return loaded.inpaint
        return loaded.edit if request.has_images else loaded.generate

    def _step_callback(
        self, observer: BatchObserver, total: int
    ) -> Callable[[Any, int, Any, dict[str, Any]], dict[str, Any]]:
        def after_step(_pipeline: Any, step: int, _time: Any, _tensors: dict[str, Any]) -> dict[str, Any]:
            if self._stopping.is_set() or observer.cancelled():
                raise Cancelled
            observer.step(step + 1, total)
            return {}

        return after_step


def _check_weights(files: ModelFiles) -> None:
    problem = damaged_weights(files.folder)
    if problem is not None:
        raise GeneratorError(f"The model {files.label} cannot be loaded: {problem}", code="model_not_loaded")


def _images_of(pipeline: Any, arguments: Mapping[str, Any]) -> "list[Image]":
    import torch

    try:
        with torch.inference_mode(), refusing_invalid_pixels():
            images: list[Image] = pipeline(**arguments).images
    except Cancelled:
        pipeline.maybe_free_model_hooks()
        raise
    return images


def _report(job: Job, image: "Image", observer: BatchObserver) -> bytes:
    png = encode_png(image)
    observer.generated(job, png)
    return png


def _downloaded(model: str) -> ModelFiles:
    files = locate(model, download)
    if files is None:
        raise GeneratorError(f"Could not locate the repository of {model}.")
    return files
