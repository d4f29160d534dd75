"""When the model is in memory: loaded at the first call, whose caller is not kept waiting, and unloaded when idle."""

import asyncio
import weakref
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

import pytest
from pydantic import JsonValue

from interleavethinker.servers.images.backends.base import BackendStatus, BatchObserver, Job, JobResult
from interleavethinker.servers.images.backends.diffusers import DiffusersBackend, DiffusersOptions
from interleavethinker.servers.images.backends.fake import FakeBackend
from interleavethinker.servers.images.cache import GenerationStore
from interleavethinker.servers.images.loading import LoadingOptions
from interleavethinker.servers.images.service import ImageService, ServiceLimits
from interleavethinker.tools.errors import GeneratorError


class SlowBackend(FakeBackend):
    """Loads when the test allows it; counts what happens."""

    def __init__(self) -> None:
        super().__init__()
        self.allowed = asyncio.Event()
        self.failure: GeneratorError | None = None
        self.loaded = False
        self.identified = True
        self.loads = 0
        self.unloads = asyncio.Queue[None]()

    async def fingerprint(self) -> Mapping[str, JsonValue]:
        if not self.identified:
            await self.load()
            self.identified = True
        return await super().fingerprint()

    async def load(self) -> None:
        self.loads += 1
        await self.allowed.wait()
        if self.failure is not None:
            raise self.failure
        self.loaded = True

    async def unload(self) -> None:
        self.loaded = False
        self.unloads.put_nowait(None)

    async def run(self, jobs: Sequence[Job], observer: BatchObserver) -> list[JobResult]:
        assert self.loaded
        return await super().run(jobs, observer)

    def status(self) -> BackendStatus:
        return BackendStatus(backend="slow", model="slow/1", loaded=self.loaded, device="none", dtype="uint8")


async def until(condition: Callable[[], bool]) -> None:
    async with asyncio.timeout(60):
        while not condition():  # noqa: ASYNC110 - what is waited for is the code under test
            await asyncio.sleep(0)


def service_of(
    backend: SlowBackend, store: Path, wait: float = 0.01, *, preload: bool = False, unload_after: float | None = None
) -> ImageService:
    return ImageService(backend, GenerationStore(store), ServiceLimits(), LoadingOptions(preload, wait, unload_after))


async def test_nothing_is_loaded_before_the_first_call(tmp_path: Path) -> None:
    backend = SlowBackend()
    async with service_of(backend, tmp_path) as service:
        await asyncio.sleep(0)
        assert backend.loads == 0
        assert (service.status()["loaded"], service.status()["loading"]) == (False, False)


@pytest.mark.parametrize("identified", [True, False])
async def test_a_call_during_loading_is_told_to_come_again_and_the_load_goes_on(
    tmp_path: Path, identified: bool
) -> None:
    backend = SlowBackend()
    backend.identified = identified
    async with service_of(backend, tmp_path) as service:
        results = await asyncio.gather(
            *(service.generate(f"a ball {n}", seed=n) for n in range(20)), return_exceptions=True
        )
        for error in results:
            assert isinstance(error, GeneratorError)
            assert (error.code, error.retryable) == ("loading", True)
            assert "slow/1 is loading" in str(error)
            assert "Call again" in str(error)
        assert service.status()["loading"] is True
        backend.allowed.set()
        await until(lambda: backend.loaded)
        assert (await service.generate("a ball", seed=1)).cached is False
        assert service.status()["loading"] is False
        assert backend.loads == 1, "all callers share one load"


async def test_a_patient_server_keeps_the_caller_waiting(tmp_path: Path) -> None:
    backend = SlowBackend()
    async with service_of(backend, tmp_path, wait=60) as service:
        call = asyncio.create_task(service.generate("a ball", seed=1))
        await until(lambda: backend.loads == 1)
        backend.allowed.set()
        assert (await call).generation.model == "cells/1"


async def test_a_stored_call_needs_no_model(tmp_path: Path) -> None:
    first = SlowBackend()
    first.allowed.set()
    async with service_of(first, tmp_path, wait=60) as service:
        made = await service.generate("a ball", seed=1)
    second = SlowBackend()
    async with service_of(second, tmp_path, wait=60) as service:
        again = await service.generate("a ball", seed=1)
    assert (again.cached, again.generation) == (True, made.generation)
    assert second.loads == 0


async def test_with_preload_the_model_loads_at_once(tmp_path: Path) -> None:
    backend = SlowBackend()
    async with service_of(backend, tmp_path, preload=True) as service:
        await until(lambda: backend.loads == 1)
        assert service.status()["loading"] is True


async def test_a_failed_load_is_reported_and_tried_again_by_the_next_call(tmp_path: Path) -> None:
    backend = SlowBackend()
    backend.allowed.set()
    backend.failure = GeneratorError("no weights", code="model_not_loaded")
    async with service_of(backend, tmp_path, wait=60) as service:
        with pytest.raises(GeneratorError, match="no weights"):
            await service.generate("a ball", seed=1)
        backend.failure = None
        await service.generate("a ball", seed=1)
        assert backend.loads == 2


async def test_an_idle_model_is_unloaded_and_loaded_again_by_the_next_call(tmp_path: Path) -> None:
    backend = SlowBackend()
    backend.allowed.set()
    async with service_of(backend, tmp_path, wait=60, unload_after=0.01) as service:
        for seed in range(3):
            await service.generate("a ball", seed=seed)
            async with asyncio.timeout(60):
                await backend.unloads.get()
            assert service.status()["loaded"] is False
        await service.generate("a ball", seed=0)  # from the store
        assert backend.loads == 3


async def test_a_model_in_use_is_not_unloaded(tmp_path: Path) -> None:
    backend = SlowBackend()
    backend.allowed.set()
    running = asyncio.Event()
    finish = asyncio.Event()
    whole = backend.run

    async def slow_run(jobs: Sequence[Job], observer: BatchObserver) -> list[JobResult]:
        running.set()
        await finish.wait()
        return await whole(jobs, observer)

    backend.run = slow_run  # type: ignore[method-assign]
    async with service_of(backend, tmp_path, wait=60, unload_after=0) as service:
        call = asyncio.create_task(service.generate("a ball", seed=1))
        await running.wait()
        for _ in range(20):
            await asyncio.sleep(0)
        assert backend.unloads.empty()
        finish.set()
        await call
        async with asyncio.timeout(60):
            await backend.unloads.get()


async def test_an_unloaded_pipeline_leaves_memory_and_generates_the_same_image_again(
    klein_folder: Path, tmp_path: Path
) -> None:
    backend = DiffusersBackend(str(klein_folder), DiffusersOptions(device="cpu"))
    loading = LoadingOptions(wait=600)
    async with ImageService(backend, GenerationStore(tmp_path / "a"), ServiceLimits(), loading) as service:
        first = await service.generate("a ball", seed=1)
        assert backend._loaded is not None
        pipeline = weakref.ref(backend._loaded.generate.transformer)
        await backend.unload()
        assert pipeline() is None
        assert service.status()["loaded"] is False
        next(service._store._records.rglob("*.json")).unlink()
        again = await service.generate("a ball", seed=1)
        assert (again.cached, again.generation.sha256) == (False, first.generation.sha256)
