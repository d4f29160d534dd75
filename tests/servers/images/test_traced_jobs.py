"""Spans of the backend's work: every caller's trace has it, whoever shares a batch or a job."""

import asyncio
from collections.abc import AsyncIterator, Callable, Iterator
from pathlib import Path

import pytest

from interleavethinker.servers.images.cache import GenerationStore
from interleavethinker.servers.images.service import ImageService, ServiceLimits
from interleavethinker.tools.errors import GeneratorError
from interleavethinker.tools.tracing.spans import carrier, span

from ...recorded_spans import RecordedSpans, recorded
from .gated import GatedBackend

WORK = "generate_content gated/1"


@pytest.fixture
def spans() -> Iterator[RecordedSpans]:
    with recorded() as found:
        yield found


@pytest.fixture
def backend() -> GatedBackend:
    return GatedBackend()


@pytest.fixture
async def service(tmp_path: Path, backend: GatedBackend, spans: RecordedSpans) -> AsyncIterator[ImageService]:
    assert not spans.text()
    async with ImageService(backend, GenerationStore(tmp_path), ServiceLimits(batch_window=0.2)) as opened:
        yield opened


async def call(service: ImageService, name: str, prompt: str, seed: int = 1) -> None:
    with span(name):
        await service.generate(prompt, seed=seed)


async def until(condition: Callable[[], bool]) -> None:
    async with asyncio.timeout(60):
        while not condition():  # noqa: ASYNC110 - the condition is a state, not an event
            await asyncio.sleep(0)


async def test_each_job_of_a_batch_has_a_span_in_its_callers_trace(
    service: ImageService, backend: GatedBackend, spans: RecordedSpans
) -> None:
    backend.gate.set()
    await asyncio.gather(*(call(service, f"caller {number}", f"prompt {number}") for number in range(3)))
    assert len(spans.named(WORK)) == 3
    parents = {one.parent.span_id for one in spans.named(WORK) if one.parent}
    assert parents == {spans.one(f"caller {number}").context.span_id for number in range(3)}
    sizes = [one.attributes and one.attributes["interleavethinker.batch.size"] for one in spans.named(WORK)]
    assert sorted(map(int, sizes)) == sorted(len(batch) for batch in backend.batches for _ in batch)  # type: ignore[arg-type]


async def test_an_equal_call_is_linked_to_the_one_job_that_serves_both(
    service: ImageService, backend: GatedBackend, spans: RecordedSpans
) -> None:
    first = asyncio.create_task(call(service, "first", "a"))
    await backend.began.wait()
    second = asyncio.create_task(call(service, "second", "a"))
    await until(lambda: any(queued.waiters == 2 for queued in service._queue._jobs.values()))
    backend.gate.set()
    await asyncio.gather(first, second)
    work = spans.one(WORK)
    assert work.parent is not None
    assert work.parent.span_id == spans.one("first").context.span_id
    assert [link.context.span_id for link in work.links] == [spans.one("second").context.span_id]


async def test_an_image_from_the_store_is_marked_and_no_work(
    service: ImageService, backend: GatedBackend, spans: RecordedSpans
) -> None:
    backend.gate.set()
    await call(service, "first", "a")
    await call(service, "second", "a")
    assert len(spans.named(WORK)) == 1
    assert spans.one("second").attributes == {"interleavethinker.cached": True}


async def test_work_that_nobody_waits_for_any_more_is_cancelled(
    service: ImageService, backend: GatedBackend, spans: RecordedSpans
) -> None:
    gone = asyncio.create_task(call(service, "gone", "a"))
    await backend.began.wait()
    gone.cancel()
    await asyncio.wait([gone])
    await until(lambda: bool(spans.named(WORK)))
    assert spans.one(WORK).status.description == spans.one("gone").status.description == "cancelled"


async def test_a_defect_of_the_backend_is_the_cause_of_what_the_caller_is_told(
    service: ImageService, backend: GatedBackend, spans: RecordedSpans
) -> None:
    backend.gate.set()
    backend.failures["a"] = ZeroDivisionError("SECRET words")
    with pytest.raises(GeneratorError):
        await call(service, "caller", "a")
    for name in (WORK, "caller"):
        (event,) = spans.one(name).events
        assert event.attributes is not None
        assert "ZeroDivisionError\n" in str(event.attributes["exception.stacktrace"])
    assert "SECRET" not in spans.text()


async def test_a_backends_own_spans_lie_in_the_work(
    service: ImageService, backend: GatedBackend, spans: RecordedSpans, monkeypatch: pytest.MonkeyPatch
) -> None:
    backend.gate.set()
    seen = []
    run = backend.run

    async def traced(*arguments: object) -> object:
        seen.append(carrier()["traceparent"])
        return await run(*arguments)  # type: ignore[arg-type]

    monkeypatch.setattr(backend, "run", traced)
    await call(service, "caller", "a")
    assert [one.split("-")[2] for one in seen] == [f"{spans.one(WORK).context.span_id:016x}"]
