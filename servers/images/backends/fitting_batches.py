"""Runs jobs in batches that fit into the device's free memory, and keeps the failure of one job from the others.

A GPU is shared: with planner and critic, with another server, with another user. How much memory a batch takes is
learned from the batches that ran, and every batch is bounded by what is free at that moment. Sizes that were never run
begin with one image and double. Where memory cannot be asked for, as on a CPU, nothing is bounded.
"""

import logging
from collections import defaultdict
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any, Protocol

from interleavethinker.tools.errors import GeneratorError, InterleaveError

from .base import Cancelled, Job, JobResult

if TYPE_CHECKING:
    from PIL.Image import Image

__all__ = ["DeviceMemory", "FittingBatches", "TorchMemory"]

_log = logging.getLogger(__name__)
_USABLE = 0.9
"""Share of the free memory that a batch may take: it is fragmented, and others need some, too."""
_CLEARLY_MORE = 1.1
"""By how much more must be free than when a batch did not fit, before it is tried again."""
_PHRASES = ("out of memory", "can't allocate memory", "not enough memory")
"""What errors say that torch does not raise as `OutOfMemoryError`."""


class DeviceMemory(Protocol):
    """What is known about the memory of the device that runs the model."""

    def free(self) -> float | None:
        """Returns how many bytes this process could still take; None where nobody knows."""
        ...

    def begin(self) -> None:
        """Begins to measure a call."""
        ...

    def peak(self) -> float:
        """Returns the most bytes that were taken at once since `begin`, besides what was taken before."""
        ...

    def release(self) -> None:
        """Returns what is kept for later calls to the device."""
        ...


class TorchMemory:
    """The memory of a torch device; known for CUDA alone.

    Args:
        device: The device's name.
    """

    def __init__(self, device: str) -> None:
        self._device = device
        self._before = 0
        self._known = device.startswith("cuda")

    def free(self) -> float | None:
        """See `DeviceMemory.free`."""
        import torch

        if not self._known:
            return None
        unused = torch.cuda.memory_reserved(self._device) - torch.cuda.memory_allocated(self._device)
        return float(torch.cuda.mem_get_info(self._device)[0] + unused)

    def begin(self) -> None:
        """See `DeviceMemory.begin`."""
        import torch

        if self._known:
            torch.cuda.reset_peak_memory_stats(self._device)
            self._before = torch.cuda.memory_allocated(self._device)

    def peak(self) -> float:
        """See `DeviceMemory.peak`."""
        import torch

        return float(torch.cuda.max_memory_allocated(self._device) - self._before) if self._known else 0.0

    def release(self) -> None:
        """See `DeviceMemory.release`."""
        import torch

        torch.cuda.empty_cache()  # Does nothing without CUDA.
        if torch.backends.mps.is_available():
            torch.mps.empty_cache()


class FittingBatches:
    """Decides how many jobs share a call. Not thread-safe: the model's thread uses it.

    Args:
        memory: The device's memory.
    """

    def __init__(self, memory: DeviceMemory) -> None:
        self._memory = memory
        self._peaks: defaultdict[object, dict[int, float]] = defaultdict(dict)
        """For each kind of job the most bytes that a batch of so many took."""
        self._failed: defaultdict[object, dict[int, float]] = defaultdict(dict)
        """For each kind of job how many bytes were free when a batch of so many did not fit."""

    def run(
        self,
        jobs: Sequence[Job],
        call: "Callable[[Sequence[Job]], list[Image]]",
        finish: "Callable[[Job, Image], bytes]",
    ) -> list[JobResult]:
        """Returns each job's image or error, in order.

        Args:
            jobs: Jobs of one kind.
            call: Generates the images of some of them at once.
            finish: Turns an image into the bytes of the result.

        Raises:
            Cancelled: `call` raised it.
            InterleaveError: The only job failed.
        """
        results: list[JobResult] = []
        while len(results) < len(jobs):
            rest = jobs[len(results) :]
            results += self._together(rest[: self.limit(_memory_kind(rest[0]), len(rest))], call, finish)
        if len(jobs) == 1 and isinstance(results[0], InterleaveError):
            raise results[0]
        return results

    def limit(self, kind: object, wanted: int) -> int:
        """Returns how many jobs of a kind fit into the free memory now, at least one and at most `wanted`."""
        free = self._memory.free()
        if free is None:
            return min(wanted, max(1, min(self._failed[kind], default=wanted + 1) - 1))
        known = self._peaks[kind]
        if not known:
            return 1
        most = min(wanted, 2 * max(known))
        return next((count for count in range(most, 1, -1) if self._fits(kind, count, free)), 1)

    def _fits(self, kind: object, count: int, free: float) -> bool:
        if any(count >= size and free <= _CLEARLY_MORE * then for size, then in self._failed[kind].items()):
            return False
        known = self._peaks[kind]
        smallest, largest = min(known), max(known)
        if count <= largest:
            return min(peak for size, peak in known.items() if size >= count) <= _USABLE * free
        if smallest == largest:  # One size is known: what of it does not grow with the batch is not.
            return known[largest] <= _USABLE * free
        slope = max(0.0, (known[largest] - known[smallest]) / (largest - smallest))
        return known[largest] + slope * (count - largest) <= _USABLE * free

    def _together(self, jobs: Sequence[Job], call: Any, finish: Any) -> list[JobResult]:
        """Runs one call. If that fails, its jobs are run in smaller ones, each of them once."""
        kind = _memory_kind(jobs[0])
        free = self._memory.free()
        self._memory.begin()
        problem: Exception | None = None
        try:
            images = call(jobs)
        except Cancelled:
            raise
        except Exception as error:  # noqa: BLE001 - it is one job's own, which is found out below
            problem = error
        else:
            peaks = self._peaks[kind]
            peaks[len(jobs)] = max(self._memory.peak(), peaks.get(len(jobs), 0.0))
            return [finish(job, image) for job, image in zip(jobs, images, strict=True)]
        exhausted = _is_out_of_memory(problem)
        if exhausted:
            _log.warning("out of memory with a batch of %d", len(jobs))
            problem = problem.with_traceback(None)  # Its frames hold tensors.
            self._memory.release()
            self._failed[kind][len(jobs)] = max(free or 0.0, self._failed[kind].get(len(jobs), 0.0))
        if len(jobs) == 1:
            return [self._out_of_memory(kind) if exhausted else _error_of(problem)]
        size = len(jobs) // 2 if exhausted else 1
        parts = [jobs[start : start + size] for start in range(0, len(jobs), size)]
        return [result for part in parts for result in self._together(part, call, finish)]

    def _out_of_memory(self, kind: object) -> GeneratorError:
        if 1 in self._peaks[kind]:
            return GeneratorError(
                "The device has no memory for this image at the moment, though it had before: other programs use it, "
                "too. Call again later, or start the server with --offload model.",
                code="out_of_memory",
                retryable=True,
            )
        return GeneratorError(
            "The device ran out of memory for a single image of this size. Request a smaller size, or start the server "
            "with --offload model.",
            code="out_of_memory",
        )


def _memory_kind(job: Job) -> object:
    """What decides how much memory a job takes."""
    request, arguments = job.request, job.arguments
    images = (request.source_size, request.reference_sizes, request.mask is not None)
    return (arguments.get("width"), arguments.get("height"), *images)


def _is_out_of_memory(error: Exception) -> bool:
    import torch

    if isinstance(error, torch.OutOfMemoryError | MemoryError):
        return True
    return isinstance(error, RuntimeError) and any(phrase in str(error).lower() for phrase in _PHRASES)


def _error_of(error: Exception) -> InterleaveError:
    if isinstance(error, InterleaveError):
        return error
    _log.error("the model failed", exc_info=error)
    return GeneratorError("The generator failed unexpectedly. See the server's log.")
