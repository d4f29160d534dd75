"""The generator client over HTTP: servers that are killed, replaced on the same port, or protected by a token."""

import asyncio
import contextlib
from pathlib import Path

import pytest

from interleavethinker.tools.errors import GeneratorError
from interleavethinker.tools.images.store import ImageStore
from interleavethinker.tools.mcp.config import GeneratorConfig
from interleavethinker.tools.mcp.generator import McpImageGenerator
from interleavethinker.tools.types import GenerationRequest

from ..processes import free_port, http_server, refusing_port
from .backends.backend_jobs import sample_png

TOKEN = "a-secret-of-sufficient-length"  # noqa: S105


async def test_the_client_reconnects_to_a_replaced_server_which_repeats_nothing(tmp_path: Path) -> None:
    port, store = free_port(), ImageStore(tmp_path / "workspace")
    config = GeneratorConfig(url=f"http://127.0.0.1:{port}/mcp", max_resends=30)
    async with McpImageGenerator(config, store) as generator:
        async with http_server(tmp_path / "server", port=port):
            first = await generator.generate(GenerationRequest(prompt="a ball", seed=1))
        # No server is listening now: the call waits for the next one.
        again = asyncio.create_task(generator.generate(GenerationRequest(prompt="a ball", seed=1)))
        async with http_server(tmp_path / "server", port=port):
            assert await again == first.model_copy(update={"cached": True})
            source = store.put(sample_png(1))
            edited = await generator.generate(GenerationRequest(prompt="redder", seed=1, source=source))
            assert store.get(edited.sha256)


async def test_an_unreachable_server_is_an_error_after_all_attempts(tmp_path: Path) -> None:
    with refusing_port() as port:
        config = GeneratorConfig(url=f"http://127.0.0.1:{port}/mcp", max_resends=1)
        async with McpImageGenerator(config, ImageStore(tmp_path)) as generator:
            with pytest.raises(GeneratorError) as caught:
                await generator.generate(GenerationRequest(prompt="a ball", seed=1))
    assert (caught.value.code, caught.value.retryable) == ("unreachable", True)


async def test_the_token_is_sent_and_a_wrong_one_is_reported_at_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    # A file or a store of secrets often ends it with a line break.
    async with http_server(tmp_path / "server", INTERLEAVETHINKER_TOKEN=f"{TOKEN}\n") as url:
        for value, works in ((TOKEN, True), (f"{TOKEN}\n", True), ("another-secret-of-some-length", False)):
            monkeypatch.setenv("MY_TOKEN", value)
            config = GeneratorConfig(url=url, token_variable="MY_TOKEN")  # noqa: S106
            async with McpImageGenerator(config, ImageStore(tmp_path / "workspace")) as generator:
                with contextlib.nullcontext() if works else pytest.raises(GeneratorError) as caught:
                    assert (await generator.generate(GenerationRequest(prompt="a ball", seed=1))).seed == 1
        assert caught is not None
        assert caught.value.code == "unauthorized"
        assert TOKEN not in str(caught.value)
