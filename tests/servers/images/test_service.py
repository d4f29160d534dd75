"""The image service without MCP: digests, the queue, batching, cancellation, limits."""

import asyncio
import base64
import dataclasses
import os
from collections.abc import AsyncIterator, Callable, Sequence
from pathlib import Path

import pytest

from interleavethinker.servers.images.backends.base import BatchObserver, Cancelled, Job, JobResult
from interleavethinker.servers.images.cache import GenerationStore
from interleavethinker.servers.images.service import ImageService, ServedImage, ServiceLimits
from interleavethinker.tools.errors import GeneratorError, InputError, InterleaveError, StoreError
from interleavethinker.tools.images.png import ImageLimits
from interleavethinker.tools.images.store import ImageStore, sha256_of

from .gated import GatedBackend

Start = Callable[..., "asyncio.Future[ImageService]"]


@pytest.fixture
async def start(tmp_path: Path) -> AsyncIterator[Callable[..., object]]:
    """Starts services on one folder; all are closed at the end."""
    services: list[ImageService] = []

    async def make(backend: GatedBackend, folder: Path = tmp_path, **limits: object) -> ImageService:
        service = ImageService(backend, GenerationStore(folder), ServiceLimits(**limits))  # type: ignore[arg-type]
        services.append(await service.__aenter__())
        return service

    yield make
    for service in services:
        await service.__aexit__(None, None, None)


async def until(condition: Callable[[], bool]) -> None:
    async with asyncio.timeout(60):
        while not condition():  # noqa: ASYNC110 - the condition is a state, not an event
            await asyncio.sleep(0)


async def until_in_queue(service: ImageService, calls: int) -> None:
    """Waits until so many calls wait for the queue: they reach it through threads, in any order."""
    await until(lambda: sum(queued.waiters for queued in service._queue._jobs.values()) == calls)


def steps_in(told: list[tuple[float, str]]) -> list[float]:
    """The reports of denoising steps; a slow machine adds reports of what a call waits for."""
    return [fraction for fraction, message in told if message.startswith("step ")]


def records(folder: Path) -> list[Path]:
    return list(folder.glob("calls/*/*.json"))


def code_of(error: pytest.ExceptionInfo[InterleaveError]) -> str:
    return error.value.code


async def test_a_stored_call_is_answered_from_the_store_also_by_another_service(start: Start) -> None:
    backend = GatedBackend(opened=True)
    service = await start(backend)
    first = await service.generate("a ball", seed=1)
    again = await service.generate("a ball", seed=1)
    assert (first.cached, again.cached) == (False, True)
    assert (again.generation, again.png) == (first.generation, first.png)
    later = GatedBackend(opened=True)
    assert (await (await start(later)).generate("a ball", seed=1)).cached
    assert (len(backend.batches), later.batches) == (1, [])


async def test_any_change_of_a_call_or_the_model_makes_it_a_new_call(start: Start) -> None:
    backend = GatedBackend(opened=True)
    service = await start(backend)
    source = (await service.generate("a source", seed=0)).generation.sha256
    calls: list[dict[str, object]] = [
        {"prompt": "a ball", "seed": 1},
        {"prompt": "a bell", "seed": 1},
        {"prompt": "a ball", "seed": 2},
        {"prompt": "a ball", "seed": 1, "width": 32},
        {"prompt": "a ball", "seed": 1, "height": 32},
        {"prompt": "a ball", "seed": 1, "steps": 2},
        {"prompt": "a ball", "seed": 1, "image": f"image://{source}"},
    ]
    assert [(await service.generate(**call)).cached for call in calls] == [False] * len(calls)  # type: ignore[arg-type]
    backend.identity = "gated/2"
    assert not (await service.generate("a ball", seed=1)).cached
    backend.identity = "gated/1"
    assert [(await service.generate(**call)).cached for call in calls] == [True] * len(calls)  # type: ignore[arg-type]


async def test_a_call_without_a_seed_is_always_new_and_returns_its_seed(start: Start) -> None:
    service = await start(GatedBackend(opened=True))
    one, two = await service.generate("a ball"), await service.generate("a ball")
    assert one.generation.seed != two.generation.seed
    assert not two.cached
    assert (await service.generate("a ball", seed=one.generation.seed)).png == one.png


async def test_two_identical_calls_at_once_run_one_generation(start: Start) -> None:
    backend = GatedBackend()
    service = await start(backend)
    calls = [asyncio.create_task(service.generate("a ball", seed=1)) for _ in range(5)]
    await backend.began.wait()
    await until_in_queue(service, 5)
    backend.gate.set()
    answers = await asyncio.gather(*calls)
    assert backend.batches == [["a ball"]]
    assert len({answer.generation.sha256 for answer in answers}) == 1


async def test_the_image_is_stored_before_any_caller_is_answered(start: Start, tmp_path: Path) -> None:
    backend = GatedBackend(opened=True)
    service = await start(backend)
    first = await service.generate("a ball", seed=1)
    assert ImageStore(tmp_path).get(first.generation.sha256) == first.png


@pytest.mark.parametrize("end", [Cancelled(), GeneratorError("out of memory"), ValueError("a defect")])
async def test_an_image_that_a_backend_reported_is_returned_however_its_run_ends(start: Start, end: Exception) -> None:
    class EarlyReporter(GatedBackend):
        async def run(self, jobs: Sequence[Job], observer: BatchObserver) -> list[JobResult]:
            for job, image in zip(jobs, await super().run(jobs, observer), strict=True):
                assert isinstance(image, bytes)
                await asyncio.to_thread(observer.generated, job, image)
            raise end

    backend = EarlyReporter(opened=True)
    service = await start(backend)
    assert not (await service.generate("a ball", seed=1)).cached
    assert (await service.generate("a ball", seed=1)).cached
    assert (backend.batches, service.status()["generated"]) == ([["a ball"]], 1)


@pytest.mark.parametrize("damage", ["torn image", "no image", "torn record", "foreign record"])
async def test_a_damaged_image_or_record_is_never_served_and_is_generated_again(
    start: Start, tmp_path: Path, damage: str
) -> None:
    backend = GatedBackend(opened=True)
    service = await start(backend)
    first = await service.generate("a ball", seed=1)
    image = ImageStore(tmp_path).path(first.generation.sha256)
    (record,) = records(tmp_path)
    if damage == "torn image":
        image.write_bytes(first.png[: len(first.png) // 2])
        with pytest.raises(StoreError):
            await service.read(first.generation.sha256)
    elif damage == "no image":
        image.unlink()
    elif damage == "torn record":
        record.write_bytes(record.read_bytes()[:20])
    else:
        record.write_text('{"sha256": "../../../etc/passwd"}')
    again = await service.generate("a ball", seed=1)
    assert not again.cached
    assert again.png == first.png
    assert (await service.generate("a ball", seed=1)).cached


async def test_calls_that_arrive_together_share_a_batch_and_different_kinds_do_not(start: Start) -> None:
    backend = GatedBackend()
    service = await start(backend, batch_window=0.05)
    calls = [asyncio.create_task(service.generate("first", seed=1))]
    await backend.began.wait()
    for index in range(4):
        calls.append(asyncio.create_task(service.generate(f"small {index}", seed=1)))
        calls.append(asyncio.create_task(service.generate(f"large {index}", seed=1, width=128)))
    await until(lambda: service.status()["waiting"] == 8)
    backend.gate.set()
    await asyncio.gather(*calls)
    first, *others = [sorted(batch) for batch in backend.batches]
    assert first == ["first"]
    assert sorted(others) == [[f"{size} {index}" for index in range(4)] for size in ("large", "small")]


async def test_a_batch_is_never_larger_than_the_backend_takes(start: Start) -> None:
    backend = GatedBackend(max_batch=3)
    service = await start(backend)
    calls = [asyncio.create_task(service.generate(f"image {index}", seed=1)) for index in range(8)]
    await backend.began.wait()
    await until_in_queue(service, 8)
    backend.gate.set()
    await asyncio.gather(*calls)
    assert max(map(len, backend.batches)) == 3
    assert sorted(sum(backend.batches, [])) == sorted(f"image {index}" for index in range(8))  # noqa: RUF017


async def test_one_failed_job_of_a_batch_does_not_affect_the_others(start: Start) -> None:
    backend = GatedBackend()
    backend.failures["bad"] = InputError("refused by the model", code="refused")
    service = await start(backend)
    first = asyncio.create_task(service.generate("first", seed=1))
    await backend.began.wait()
    calls = [asyncio.create_task(service.generate(prompt, seed=1)) for prompt in ("good", "bad", "better")]
    await until_in_queue(service, 4)
    backend.gate.set()
    _, good, bad, better = await asyncio.gather(first, *calls, return_exceptions=True)
    assert sorted(map(len, backend.batches)) == [1, 3]
    assert isinstance(good, ServedImage)
    assert isinstance(better, ServedImage)
    assert isinstance(bad, InputError)
    assert not (await service.generate("good", seed=2)).cached


async def test_an_unexpected_failure_is_reported_without_its_text_and_the_queue_continues(
    start: Start, caplog: pytest.LogCaptureFixture
) -> None:
    backend = GatedBackend(opened=True)
    backend.failures["bad"] = RuntimeError("/home/somebody/secret")
    service = await start(backend)
    with pytest.raises(GeneratorError) as caught:
        await service.generate("bad", seed=1)
    assert "secret" not in str(caught.value)
    assert "secret" in caplog.text
    assert isinstance(await service.generate("good", seed=1), ServedImage)


async def test_a_backend_with_too_few_results_is_reported_and_the_queue_continues(
    start: Start, monkeypatch: pytest.MonkeyPatch
) -> None:
    backend = GatedBackend(opened=True)
    service = await start(backend)
    with monkeypatch.context() as patched:
        patched.setattr(backend, "run", lambda *_: asyncio.sleep(0, []))
        async with asyncio.timeout(60):
            with pytest.raises(GeneratorError, match="failed unexpectedly"):
                await service.generate("bad", seed=1)
    async with asyncio.timeout(60):
        assert isinstance(await service.generate("good", seed=1), ServedImage)


async def test_a_defect_while_an_image_is_saved_is_reported_and_the_queue_continues(
    start: Start, monkeypatch: pytest.MonkeyPatch
) -> None:
    def save(*_: object) -> None:
        raise ZeroDivisionError

    service = await start(GatedBackend(opened=True))
    with monkeypatch.context() as patched:
        patched.setattr(GenerationStore, "save", save)
        async with asyncio.timeout(60):
            with pytest.raises(GeneratorError, match="failed unexpectedly"):
                await service.generate("bad", seed=1)
    async with asyncio.timeout(60):
        assert isinstance(await service.generate("good", seed=1), ServedImage)


async def test_a_full_queue_is_busy_and_accepts_calls_again_later(start: Start) -> None:
    backend = GatedBackend(max_batch=1)
    service = await start(backend, max_waiting=2)
    running = asyncio.create_task(service.generate("running", seed=1))
    await backend.began.wait()
    waiting = [asyncio.create_task(service.generate(f"waiting {index}", seed=1)) for index in range(2)]
    await until(lambda: service.status()["waiting"] == 2)
    with pytest.raises(GeneratorError) as caught:
        await service.generate("one too many", seed=1)
    assert (code_of(caught), caught.value.retryable) == ("busy", True)
    joining = asyncio.create_task(service.generate("running", seed=1))
    await until_in_queue(service, 4)
    backend.gate.set()
    await asyncio.gather(running, joining, *waiting)
    assert isinstance(await service.generate("one too many", seed=1), ServedImage)


async def test_a_waiting_call_that_is_cancelled_is_never_generated(start: Start) -> None:
    backend = GatedBackend(max_batch=1)
    service = await start(backend)
    running = asyncio.create_task(service.generate("running", seed=1))
    await backend.began.wait()
    waiting = asyncio.create_task(service.generate("waiting", seed=1))
    await until(lambda: service.status()["waiting"] == 1)
    waiting.cancel()
    with pytest.raises(asyncio.CancelledError):
        await waiting
    assert service.status()["waiting"] == 0
    backend.gate.set()
    await running
    assert backend.batches == [["running"]]


async def test_a_running_call_that_is_cancelled_stops_the_backend(start: Start) -> None:
    backend = GatedBackend()
    service = await start(backend)
    running = asyncio.create_task(service.generate("running", seed=1))
    await backend.began.wait()
    running.cancel()
    async with asyncio.timeout(60):
        await backend.ended.wait()
    assert backend.cancelled_batches == [["running"]]
    backend.gate.set()
    assert not (await service.generate("running", seed=1)).cached


async def test_a_running_call_continues_while_anyone_waits_for_it(start: Start) -> None:
    backend = GatedBackend()
    service = await start(backend)
    first, second = (asyncio.create_task(service.generate("shared", seed=1)) for _ in range(2))
    await backend.began.wait()
    await until_in_queue(service, 2)
    first.cancel()
    await asyncio.wait({first})
    assert backend.cancelled_batches == []
    backend.gate.set()
    assert isinstance(await second, ServedImage)


async def test_a_call_sent_again_while_it_is_being_cancelled_is_answered(start: Start) -> None:
    backend = GatedBackend()
    service = await start(backend)
    first = asyncio.create_task(service.generate("again", seed=1))
    await backend.began.wait()
    first.cancel()
    second = asyncio.create_task(service.generate("again", seed=1))
    backend.gate.set()
    async with asyncio.timeout(60):
        assert isinstance(await second, ServedImage)


async def test_a_call_that_takes_too_long_is_cancelled_with_its_own_code(start: Start) -> None:
    backend = GatedBackend()
    for call_timeout in (0.05, 0.5, 5, 50):
        service = await start(backend, call_timeout=call_timeout)
        with pytest.raises(GeneratorError) as caught:
            await service.generate("slow", seed=1)
        assert (code_of(caught), caught.value.retryable) == ("deadline", True)
        if backend.began.is_set():  # Else the machine was too slow for the call to reach the backend in that time.
            break
    async with asyncio.timeout(60):
        await backend.ended.wait()
    assert backend.cancelled_batches == [["slow"]]


async def test_waiting_callers_get_an_error_when_the_server_stops(tmp_path: Path) -> None:
    backend = GatedBackend()
    async with ImageService(backend, GenerationStore(tmp_path), ServiceLimits()) as service:
        waiting = asyncio.create_task(service.generate("slow", seed=1))
        await backend.began.wait()
    with pytest.raises(GeneratorError) as caught:
        await waiting
    assert code_of(caught) == "stopping"


async def test_progress_is_sent_to_every_caller_of_a_shared_generation(start: Start) -> None:
    backend = GatedBackend()
    service = await start(backend)
    one: list[tuple[float, str]] = []
    two: list[tuple[float, str]] = []
    calls = [
        asyncio.create_task(service.generate("x", seed=1, progress=lambda *report: one.append(report))),
        asyncio.create_task(service.generate("x", seed=1, progress=lambda *report: two.append(report))),
    ]
    await backend.began.wait()
    await until_in_queue(service, 2)
    backend.gate.set()
    await asyncio.gather(*calls)
    assert steps_in(one) == steps_in(two) == [0.25, 0.5, 0.75, 1.0]


async def test_a_caller_that_joins_a_silent_generation_receives_its_steps(start: Start) -> None:
    backend = GatedBackend()
    service = await start(backend)
    told: list[tuple[float, str]] = []
    silent = asyncio.create_task(service.generate("x", seed=1))
    await backend.began.wait()
    listening = asyncio.create_task(service.generate("x", seed=1, progress=lambda *report: told.append(report)))
    await until_in_queue(service, 2)
    backend.gate.set()
    assert (await silent).png == (await listening).png
    assert steps_in(told) == [0.25, 0.5, 0.75, 1.0]


@pytest.mark.parametrize(
    ("call", "code"),
    [
        ({"prompt": ""}, "invalid_prompt"),
        ({"prompt": "  \n"}, "invalid_prompt"),
        ({"prompt": "x" * 8001}, "invalid_prompt"),
        ({"seed": -1}, "invalid_input"),
        ({"seed": 2**63}, "invalid_input"),
        ({"width": 0}, "invalid_input"),
        ({"height": 100_000}, "invalid_input"),
        ({"steps": 0}, "invalid_input"),
        ({"guidance": float("nan")}, "invalid_input"),
        ({"image": "/etc/passwd"}, "invalid_image"),
        ({"image": "file:///etc/passwd"}, "invalid_image"),
        ({"image": "https://example.org/x.png"}, "invalid_image"),
        ({"image": "image://../../etc/passwd"}, "invalid_image"),
        ({"image": "data:image/png;base64,####"}, "invalid_image"),
        ({"image": "data:image/svg+xml;base64,PHN2Zy8+"}, "invalid_image"),
        ({"image": "data:text/html;base64,PGI+"}, "invalid_image"),
        ({"image": f"image://{'0' * 64}"}, "unknown_image"),
    ],
)
async def test_a_request_beyond_a_limit_is_refused_with_a_code(
    start: Start, call: dict[str, object], code: str
) -> None:
    backend = GatedBackend(opened=True)
    service = await start(backend)
    with pytest.raises(InterleaveError) as caught:
        await service.generate(**({"prompt": "x"} | call))  # type: ignore[arg-type]
    assert code_of(caught) == code
    assert backend.batches == []


async def test_an_upload_beyond_the_limit_is_refused_before_it_is_decoded(start: Start) -> None:
    service = await start(GatedBackend(opened=True), images=ImageLimits(max_bytes=1000))
    with pytest.raises(InputError) as caught:
        await service.put("data:image/png;base64," + "A" * 2000)
    assert code_of(caught) == "image_too_large"


async def test_canonical_uploads_keep_their_bytes_and_can_be_edited_and_read_in_parts(start: Start) -> None:
    service = await start(GatedBackend(opened=True))
    png = (await service.generate("a ball", seed=1)).png
    uri = "data:image/png;base64," + base64.b64encode(png).decode()
    assert await service.put(uri) == (sha256_of(png), 96, 96)
    assert await service.read(sha256_of(png)) == png
    parts = [await service.read(sha256_of(png), begin, begin + 50) for begin in range(0, len(png), 50)]
    assert b"".join(parts) == png
    by_name = await service.generate("redder", image=f"image://{sha256_of(png)}", seed=1)
    by_value = await service.generate("redder", image=uri, seed=1)
    assert by_value.cached, "the same source is the same call, whichever way it is given"
    assert by_value.png == by_name.png


async def test_the_store_stays_within_its_limit_and_evicts_the_least_recently_used_first(tmp_path: Path) -> None:
    backend = GatedBackend(opened=True)
    async with ImageService(backend, GenerationStore(tmp_path), ServiceLimits()) as service:
        served = [await service.generate(f"image {index}", seed=1) for index in range(6)]
    images = ImageStore(tmp_path)
    for age, one in enumerate(reversed(served)):
        os.utime(images.path(one.generation.sha256), (0, 1_000_000 - age))
    used = served[0]
    limited = GenerationStore(tmp_path, max_bytes=sum(len(one.png) for one in served[:3]))
    async with ImageService(backend, limited, ServiceLimits()) as service:
        assert (await service.generate("image 0", seed=1)).cached, "now it is the most recently used"
        assert limited.evict() >= 3
        kept = set(images)
        assert used.generation.sha256 in kept
        assert served[1].generation.sha256 not in kept
        assert sum(images.path(name).stat().st_size for name in kept) <= sum(len(one.png) for one in served[:3])
        assert len(records(tmp_path)) == len(kept)
        again = await service.generate("image 1", seed=1)
        assert (again.cached, again.png) == (False, served[1].png)


async def test_a_call_that_waits_is_told_why_until_its_first_step(
    start: Start, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("FIRST_SECONDS", "EVERY_SECONDS"):
        monkeypatch.setattr(f"interleavethinker.servers.images.waiting_reports.{name}", 0.02)
    backend = GatedBackend(max_batch=1)
    loaded = backend.status()
    monkeypatch.setattr(backend, "status", lambda: dataclasses.replace(loaded, loaded=bool(backend.batches)))
    service = await start(backend)
    told: list[tuple[float, str]] = []
    first = asyncio.create_task(service.generate("a", seed=1))
    await backend.began.wait()
    calls = [asyncio.create_task(service.generate(text, seed=1)) for text in "bc"]
    await until(lambda: service.status()["waiting"] == 2)  # Calls reach the queue through threads, in any order.
    most_steps = ServiceLimits().max_steps
    last = asyncio.create_task(
        service.generate("d", seed=1, steps=most_steps, progress=lambda *report: told.append(report))
    )
    await until(lambda: bool(told) and told[-1][1] == "number 3 of 3 in the queue")
    backend.batches.clear()
    await until(lambda: told[-1][1] == "the model is loading" and len(told) > 20)
    backend.batches.append(["a"])
    backend.gate.set()
    await asyncio.gather(first, *calls, last)
    assert told[-1] == (1.0, f"step {most_steps} of {most_steps}")
    fractions = [fraction for fraction, _ in told]
    assert fractions == sorted(set(fractions)), "each report is further than the one before"
