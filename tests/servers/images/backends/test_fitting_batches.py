"""Batches fit into what is free, a batch that does not fit is divided, and one job's failure is its own."""

from collections.abc import Sequence

import pytest
import torch
from PIL import Image

from interleavethinker.servers.images.backends.base import Cancelled, ImageRequest, Job, JobResult
from interleavethinker.servers.images.backends.diffusers import DiffusersBackend
from interleavethinker.servers.images.backends.fitting_batches import FittingBatches, TorchMemory
from interleavethinker.tools.errors import GeneratorError

from .backend_jobs import RecordingObserver, make_job

GIB = 2.0**30


class Device:
    """A device of so many GiB on which a call takes a fixed part and a part for each image, and others take theirs."""

    def __init__(self, gib: float, fixed: float = 1.0, each: float = 2.0) -> None:
        self.gib = gib
        self.fixed, self.each = fixed, each
        self.others = 0.0
        self.calls: list[int] = []
        self.exhausted = 0

    def free(self) -> float | None:
        return (self.gib - self.others) * GIB

    def begin(self) -> None:
        self._peak = 0.0

    def peak(self) -> float:
        return self._peak

    def release(self) -> None:
        """Nothing is kept."""

    def call(self, jobs: Sequence[Job]) -> list[Image.Image]:
        self.calls.append(len(jobs))
        self._peak = (self.fixed + self.each * len(jobs)) * GIB
        if self._peak > (self.gib - self.others) * GIB:
            self.exhausted += 1
            raise torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 2.00 GiB")
        return [Image.new("RGB", (1, 1), (job.request.seed, 0, 0)) for job in jobs]


class Unknown(Device):
    """A device that does not tell what is free."""

    def free(self) -> float | None:
        return None


def jobs_of(count: int, side: int = 64) -> list[Job]:
    return [Job(ImageRequest("a ball", seed), {"width": side, "height": side}) for seed in range(count)]


def run(batches: FittingBatches, device: Device, jobs: Sequence[Job]) -> list[JobResult]:
    return batches.run(jobs, device.call, lambda _job, image: image.tobytes())


def images_of(count: int) -> list[bytes]:
    return [bytes((seed, 0, 0)) for seed in range(count)]


def test_a_new_size_grows_to_what_is_free_and_never_runs_out() -> None:
    device = Device(20)
    batches = FittingBatches(device)
    for _ in range(4):
        assert run(batches, device, jobs_of(8)) == images_of(8)
    assert device.calls == [1, 2, 4, 1, 8, 8, 8], "1 + 8 x 2 GiB are less than 90 % of 20 GiB"
    assert device.exhausted == 0
    device = Device(12)
    batches = FittingBatches(device)
    for _ in range(3):
        assert run(batches, device, jobs_of(8)) == images_of(8)
    assert device.calls == [1, 2, 4, 1, 4, 4, 4, 4]
    assert device.exhausted == 0


def test_memory_that_others_take_bounds_the_next_batch_and_what_they_return_is_used_again() -> None:
    device = Device(24)
    batches = FittingBatches(device)
    for _ in range(2):
        run(batches, device, jobs_of(8))
    device.calls.clear()
    device.others = 16.0
    assert run(batches, device, jobs_of(8)) == images_of(8)
    assert max(device.calls) == 2
    device.others = 0.0
    device.calls.clear()
    assert run(batches, device, jobs_of(8)) == images_of(8)
    assert device.calls == [8]
    assert device.exhausted == 0


def test_a_batch_that_does_not_fit_is_halved_and_not_tried_again_with_as_little_memory() -> None:
    device = Unknown(11)
    batches = FittingBatches(device)
    assert run(batches, device, jobs_of(6)) == images_of(6)
    assert device.calls == [6, 3, 3]
    assert run(batches, device, jobs_of(6)) == images_of(6)
    assert device.exhausted == 1
    large = jobs_of(6, 128)
    run(batches, device, large)
    assert device.exhausted == 2, "another size is another matter"


def test_a_wrong_guess_costs_one_call_and_is_remembered_while_no_more_is_free() -> None:
    device = Device(12)
    batches = FittingBatches(device)
    run(batches, device, jobs_of(3))
    device.each = 5.0  # For example because prompts are longer.
    assert run(batches, device, jobs_of(4)) == images_of(4)
    assert device.exhausted == 1
    assert run(batches, device, jobs_of(4)) == images_of(4)
    assert device.exhausted == 1


@pytest.mark.parametrize("known", [False, True])
def test_where_one_image_does_not_fit_only_its_own_caller_is_told(known: bool) -> None:
    device = Device(12)
    batches = FittingBatches(device)
    if known:
        run(batches, device, jobs_of(1))
    device.others = 10.5
    results = run(batches, device, jobs_of(2))
    for error in results:
        assert isinstance(error, GeneratorError)
        assert error.code == "out_of_memory"
        assert error.retryable is known, "what fitted before may fit again"
    device.others = 0.0
    assert run(batches, device, jobs_of(2)) == images_of(2)


@pytest.mark.parametrize(
    "error", [GeneratorError("no numbers", code="not_finite"), ValueError("a defect"), RuntimeError("shape mismatch")]
)
def test_a_job_that_fails_fails_alone(error: Exception) -> None:
    device = Unknown(100)
    batches = FittingBatches(device)

    def call(jobs: Sequence[Job]) -> list[Image.Image]:
        if any(job.request.seed == 2 for job in jobs):
            raise error
        return device.call(jobs)

    results = batches.run(jobs_of(4), call, lambda _job, image: image.tobytes())
    failed = results.pop(2)
    assert isinstance(failed, GeneratorError)
    assert (failed is error) == isinstance(error, GeneratorError)
    assert "mismatch" not in str(failed)
    assert "defect" not in str(failed)
    assert results == [image for seed, image in enumerate(images_of(4)) if seed != 2]


@pytest.mark.parametrize("text", ["MPS backend out of memory", "DefaultCPUAllocator: can't allocate memory", "boom"])
def test_errors_about_memory_are_told_from_others_by_their_words(text: str) -> None:
    def call(_jobs: Sequence[Job]) -> list[Image.Image]:
        raise RuntimeError(text)

    with pytest.raises(GeneratorError) as caught:
        FittingBatches(Unknown(1)).run(jobs_of(1), call, lambda _job, image: image.tobytes())
    assert (caught.value.code == "out_of_memory") == (text != "boom")


def test_a_cancelled_batch_is_not_run_again() -> None:
    calls = []

    def call(jobs: Sequence[Job]) -> list[Image.Image]:
        calls.append(len(jobs))
        raise Cancelled

    with pytest.raises(Cancelled):
        FittingBatches(Unknown(1)).run(jobs_of(3), call, lambda _job, image: image.tobytes())
    assert calls == [3]


def test_nothing_is_bounded_on_a_cpu() -> None:
    memory = TorchMemory("cpu")
    memory.begin()
    assert memory.free() is None
    assert memory.peak() == 0
    memory.release()
    assert FittingBatches(memory).limit("any", 8) == 8


async def test_a_damaged_image_of_a_batch_does_not_cost_the_others_theirs(
    klein_folder: object, monkeypatch: pytest.MonkeyPatch
) -> None:
    backend = DiffusersBackend(str(klein_folder))
    await backend.load()
    whole = backend._call

    def with_a_failing_job(loaded: object, jobs: Sequence[Job], observer: object) -> list[Image.Image]:
        if any(job.request.prompt == "NaN" for job in jobs):
            raise GeneratorError("no numbers", code="not_finite")
        return whole(loaded, jobs, observer)  # type: ignore[arg-type]

    monkeypatch.setattr(backend, "_call", with_a_failing_job)
    observer = RecordingObserver()
    jobs = [make_job(backend, prompt, 1) for prompt in ("a ball", "NaN", "a cat")]
    first, failed, last = await backend.run(jobs, observer)
    await backend.close()
    assert isinstance(failed, GeneratorError)
    assert failed.code == "not_finite"
    assert observer.images == [(jobs[0], first), (jobs[2], last)]
