"""Readiness and metrics of a real image server over HTTP."""

import asyncio
import re
from collections.abc import Sequence
from pathlib import Path

import httpx
import pytest
from mcp.server.mcpserver import MCPServer

from interleavethinker.servers.images.backends.base import BatchObserver, Job, JobResult
from interleavethinker.servers.images.backends.fake import FakeBackend
from interleavethinker.servers.images.cache import GenerationStore
from interleavethinker.servers.images.operations import image_operations
from interleavethinker.servers.images.server import build_server
from interleavethinker.servers.images.service import ImageService, ServiceLimits
from interleavethinker.servers.transport.http import HttpOptions, serve_http
from interleavethinker.servers.transport.operations import Metric, metrics_text
from interleavethinker.tools.images.store import ImageStore
from interleavethinker.tools.mcp.config import GeneratorConfig
from interleavethinker.tools.mcp.generator import McpImageGenerator
from interleavethinker.tools.types import GenerationRequest

from ..processes import free_port
from .served import running

TOKEN = "a secret of the test"  # noqa: S105 - of the test
SAMPLE = re.compile(r'([a-z_]+)\{([a-z]+="[^"\n]*",?)+\} [0-9.e+-]+')


def values(text: str) -> dict[str, float]:
    """Reads the format strictly: a help and a type line before each sample."""
    found = {}
    lines = text.splitlines()
    for help_, kind, sample in zip(lines[::3], lines[1::3], lines[2::3], strict=True):
        match = SAMPLE.fullmatch(sample)
        assert match is not None, sample
        name = match[1]
        assert help_.startswith(f"# HELP {name} ")
        assert kind == f"# TYPE {name} {'counter' if name.endswith('_total') else 'gauge'}"
        found[name.removeprefix("interleavethinker_images_")] = float(sample.rsplit(" ", 1)[1])
    return found


@pytest.fixture
def served(tmp_path: Path) -> tuple[ImageService, MCPServer]:
    """Built outside of the event loop, as a program does before it serves anybody."""
    service = ImageService(FakeBackend(), GenerationStore(tmp_path / "server"), ServiceLimits())
    return service, build_server(service, remote_clients=True)


async def test_a_server_says_whether_it_is_ready_and_counts_what_it_did(
    served: tuple[ImageService, MCPServer], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    service, server = served
    port = free_port()
    monkeypatch.setenv("IMAGES_TOKEN", TOKEN)
    url = f"http://127.0.0.1:{port}"
    http = HttpOptions(port=port, token=TOKEN)
    config = GeneratorConfig(url=f"{url}/mcp", token_variable="IMAGES_TOKEN")  # noqa: S106 - a name
    with_token = {"authorization": f"Bearer {TOKEN}"}
    async with (
        service,
        running(serve_http(server, http, image_operations(service)), port),
        httpx.AsyncClient(base_url=url, timeout=120) as client,
    ):
        ready = await client.get("/ready")
        assert (ready.status_code, ready.text) == (200, "ready\n"), "probes have no token"
        assert (await client.head("/ready")).status_code == 200
        assert (await client.get("/metrics")).status_code == 401
        assert (await client.post("/ready")).status_code == 401
        foreign = await client.get("/metrics", headers=with_token | {"host": "evil.example"})
        assert (foreign.status_code, "Host" in foreign.text) == (421, True)
        async with McpImageGenerator(config, ImageStore(tmp_path / "images")) as generator:
            for seed in (1, 2, 2):
                await generator.generate(GenerationRequest(prompt="x", seed=seed))
        answer = await client.get("/metrics", headers=with_token)
    assert answer.headers["content-type"] == "text/plain; version=0.0.4; charset=utf-8"
    counted = values(answer.text)
    assert (counted["generated_total"], counted["stored_answers_total"]) == (2, 1)
    assert (counted["waiting"], counted["running"], counted["refused_total"]) == (0, 0, 0)
    assert counted["busy_seconds_total"] > 0


async def test_a_full_queue_is_not_ready_and_counts_refused_calls(tmp_path: Path) -> None:
    class Gated(FakeBackend):
        gate = asyncio.Event()
        begun = asyncio.Event()

        async def run(self, jobs: Sequence[Job], observer: BatchObserver) -> list[JobResult]:
            self.begun.set()
            await self.gate.wait()
            return await super().run(jobs, observer)

    backend = Gated()
    service = ImageService(backend, GenerationStore(tmp_path), ServiceLimits(max_waiting=1, batch_window=0))
    operations = image_operations(service)
    async with service:
        assert operations.problem() is None
        first = asyncio.create_task(service.generate("a", seed=1))
        await backend.begun.wait()
        second = asyncio.create_task(service.generate("b", seed=1))
        async with asyncio.timeout(60):
            while operations.problem() is None:  # noqa: ASYNC110 - the queue has no event for this
                await asyncio.sleep(0.01)
        assert operations.problem() == "the queue is full"
        with pytest.raises(Exception, match="busy"):
            await service.generate("c", seed=1)
        backend.gate.set()
        await asyncio.gather(first, second)
        assert operations.problem() is None
        assert values(metrics_text(operations.metrics()))["refused_total"] == 1


def test_labels_are_escaped() -> None:
    text = metrics_text([Metric("a_total", "counter", "Help.", 1e9, {"model": 'a"b\\c\nd'})])
    assert text == '# HELP a_total Help.\n# TYPE a_total counter\na_total{model="a\\"b\\\\c\\nd"} 1000000000\n'
