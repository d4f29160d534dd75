"""A server that stops finishes what it generates, and starts nothing more."""

import asyncio
from pathlib import Path

import pytest

from interleavethinker.servers.images.cache import GenerationStore
from interleavethinker.servers.images.operations import image_operations
from interleavethinker.servers.images.service import ImageService, ServiceLimits
from interleavethinker.tools.errors import GeneratorError

from .gated import GatedBackend


async def test_a_server_that_stops_finishes_what_runs_and_starts_nothing_else(tmp_path: Path) -> None:
    backend = GatedBackend(max_batch=1)
    async with ImageService(backend, GenerationStore(tmp_path), ServiceLimits()) as service:
        running = asyncio.create_task(service.generate("running", seed=1))
        await backend.began.wait()
        waiting = asyncio.create_task(service.generate("waiting", seed=1))
        async with asyncio.timeout(60):
            while not service.status()["waiting"]:  # noqa: ASYNC110 - the condition is a state, not an event
                await asyncio.sleep(0)
        ready = image_operations(service).problem
        assert ready() is None
        await service.drain(0)
        assert not running.done(), "nothing is cut"
        draining = asyncio.create_task(service.drain(600))
        backend.gate.set()
        await draining
        assert not (await running).cached
        assert ready() == "the server is stopping"
    with pytest.raises(GeneratorError) as caught:
        await waiting
    assert (caught.value.code, backend.batches) == ("stopping", [["running"]])
    async with ImageService(GatedBackend(opened=True), GenerationStore(tmp_path), ServiceLimits()) as restarted:
        assert (await restarted.generate("running", seed=1)).cached
