"""A server that stops finishes what it generates, and starts nothing more."""

import asyncio
import json
import sys
import textwrap
from pathlib import Path

import pytest

from interleavethinker.servers.images.backends.fake import FakeBackend
from interleavethinker.servers.images.cache import GenerationStore
from interleavethinker.servers.images.operations import image_operations
from interleavethinker.servers.images.service import ImageService, ServiceLimits
from interleavethinker.tools.errors import GeneratorError

from .gated import GatedBackend

SERVER = textwrap.dedent(
    """
    import asyncio, sys
    from pathlib import Path
    from interleavethinker.servers.images.backends.fake import FakeBackend
    from interleavethinker.servers.images.main import serve_images

    class SlowProvider(FakeBackend):
        async def run(self, jobs, observer):
            print("began", file=sys.stderr, flush=True)
            while not Path(sys.argv[2]).exists():
                await asyncio.sleep(0.01)
            return await super().run(jobs, observer)

    asyncio.run(serve_images(SlowProvider(), Path(sys.argv[1])))
    """
)


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


async def test_an_image_in_work_is_kept_where_the_client_over_stdio_was_killed(tmp_path: Path) -> None:
    store, gate = tmp_path / "store", tmp_path / "gate"
    server = await asyncio.create_subprocess_exec(
        *(sys.executable, "-c", SERVER, str(store), str(gate)),
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    assert server.stdin is not None
    assert server.stderr is not None
    about = {"protocolVersion": "2025-06-18", "capabilities": {}, "clientInfo": {"name": "killed", "version": "1"}}
    call = {"name": "generate_image", "arguments": {"prompt": "paid", "seed": 1}, "_meta": {"progressToken": 1}}
    for message in (
        {"id": 1, "method": "initialize", "params": about},
        {"method": "notifications/initialized"},
        {"id": 2, "method": "tools/call", "params": call},
    ):
        server.stdin.write(json.dumps({"jsonrpc": "2.0", **message}).encode() + b"\n")
    async with asyncio.timeout(180):
        while "began" not in (line := (await server.stderr.readline()).decode()):
            assert line, "the server ended before it began"
        # What a killed client leaves: neither end of the pipes is held by anybody.
        server._transport.get_pipe_transport(1).close()  # type: ignore[attr-defined]
        server.stdin.close()
        gate.touch()
        await server.wait()
    async with ImageService(FakeBackend(), GenerationStore(store), ServiceLimits()) as restarted:
        assert (await restarted.generate("paid", seed=1)).cached
