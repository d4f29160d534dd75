"""The image generator over MCP, with real server processes that are killed, restarted, slow, foreign or missing."""

import asyncio
import contextlib
import io
import signal
import sys
import threading
from pathlib import Path

import psutil  # type: ignore[import-untyped]
import pytest
from PIL import Image

from interleavethinker.tools.errors import GeneratorError, InputError, InterleaveError, ProfileError
from interleavethinker.tools.images.store import ImageStore
from interleavethinker.tools.mcp import watched_calls
from interleavethinker.tools.mcp.config import GeneratorConfig, ToolMapping, ToolTemplate
from interleavethinker.tools.mcp.generator import McpImageGenerator
from interleavethinker.tools.testing.generator import fake_image
from interleavethinker.tools.types import GeneratedImage, GenerationRequest

THIRD_PARTY = (sys.executable, str(Path(__file__).parent / "third_party_server.py"))


def servers_of(folder: Path) -> list[psutil.Process]:
    """The running server processes of one test: child processes with the test's folder in their command line."""
    found = []
    for child in psutil.Process().children():
        with contextlib.suppress(psutil.Error):  # It ends while it is looked at.
            if child.status() != psutil.STATUS_ZOMBIE and str(folder) in " ".join(child.cmdline()):
                found.append(child)
    return found


def own(tmp_path: Path, **options: object) -> GeneratorConfig:
    return GeneratorConfig.model_validate({"model": "cells", "server_store": tmp_path / "server"} | options)


async def test_generating_editing_and_repeating_a_call_through_our_own_server(tmp_path: Path) -> None:
    store = ImageStore(tmp_path / "workspace")
    fractions: list[float] = []
    async with McpImageGenerator(own(tmp_path), store) as generator:
        generated = await generator.generate(
            GenerationRequest(prompt="a ball", seed=3), lambda fraction, _: fractions.append(fraction)
        )
        assert store.get(generated.sha256)
        assert (generated.seed, generated.cached, generated.model) == (3, False, "cells/1")
        assert (await generator.generate(GenerationRequest(prompt="a ball", seed=3))) == generated.model_copy(
            update={"cached": True}
        )
        edited = await generator.generate(
            GenerationRequest(prompt="redder", seed=3, source=generated.sha256, width=32, height=48)
        )
        assert (edited.width, edited.height) == (32, 48)
        assert store.get(edited.sha256)
        assert (await generator.status())["generated"] == 2
    assert fractions
    assert fractions == sorted(fractions)
    assert servers_of(tmp_path) == []


async def test_a_source_image_that_the_server_does_not_know_is_uploaded(tmp_path: Path) -> None:
    store = ImageStore(tmp_path / "workspace")
    source = store.put(fake_image(GenerationRequest(prompt="made elsewhere", seed=0)))
    async with McpImageGenerator(own(tmp_path), store) as generator:
        edited = await generator.generate(GenerationRequest(prompt="redder", seed=3, source=source))
        assert not edited.cached
    assert source in ImageStore(tmp_path / "server")


async def test_a_killed_server_is_started_again_and_finished_calls_are_not_repeated(tmp_path: Path) -> None:
    store = ImageStore(tmp_path / "workspace")
    async with McpImageGenerator(own(tmp_path), store) as generator:
        first = await generator.generate(GenerationRequest(prompt="a ball", seed=1))
        for _ in range(2):
            (server,) = servers_of(tmp_path)
            server.kill()
            assert (await generator.generate(GenerationRequest(prompt="a ball", seed=1))).cached
            assert (await generator.status())["generated"] == 0
        assert (await generator.generate(GenerationRequest(prompt="a bell", seed=1))).sha256 != first.sha256


class WatchedStore(ImageStore):
    """Records the threads that read and write it."""

    def __init__(self, root: Path) -> None:
        super().__init__(root)
        self.threads: set[threading.Thread] = set()

    def put(self, data: bytes) -> str:
        self.threads.add(threading.current_thread())
        return super().put(data)

    def get(self, sha256: str) -> bytes:
        self.threads.add(threading.current_thread())
        return super().get(sha256)


async def test_the_store_is_never_used_on_the_event_loops_thread(tmp_path: Path) -> None:
    store = WatchedStore(tmp_path / "workspace")
    source = store.put(noise(400))
    store.threads.clear()
    edit = ToolTemplate(name="repaint", prompt="instruction", image="pictures", image_form="list_of_data_uri")
    for config in (
        own(tmp_path),
        GeneratorConfig(command=program("", tmp_path)),
        GeneratorConfig(command=THIRD_PARTY, tools=ToolMapping(edit=edit)),
    ):
        async with McpImageGenerator(config, store) as generator:
            for prompt in ("new", "new", "small"):
                size = 32 if prompt == "small" else None
                await generator.generate(
                    GenerationRequest(prompt=prompt, seed=1, source=source, width=size, height=size)
                )
    assert store.threads
    assert threading.main_thread() not in store.threads


async def test_the_command_of_the_image_server_can_be_replaced(tmp_path: Path) -> None:
    log = tmp_path / "arguments"
    code = f"import sys; from pathlib import Path; Path({str(log)!r}).write_text(' '.join(sys.argv[1:]))"
    generator = McpImageGenerator(own(tmp_path), ImageStore(tmp_path), image_server=(sys.executable, "-c", code))
    async with generator:
        with pytest.raises(GeneratorError, match="Could not start or reach the image server"):
            await generator.generate(GenerationRequest(prompt="a ball", seed=1))
    assert log.read_text() == f"--model cells --preload --store {tmp_path / 'server'}"


async def test_a_call_in_flight_when_the_server_dies_is_resent(tmp_path: Path) -> None:
    slow = own(tmp_path, model=None, command=slow_server(tmp_path))
    async with McpImageGenerator(slow, ImageStore(tmp_path / "workspace")) as generator:
        call = await started(generator, GenerationRequest(prompt="x", seed=1))
        (server,) = servers_of(tmp_path)
        (tmp_path / "fast").touch()
        server.kill()
        assert (await call).cached is False


async def test_a_server_that_dies_in_every_call_is_an_error_with_a_code(tmp_path: Path) -> None:
    dying = GeneratorConfig(
        command=program("import os; FakeBackend.run = lambda *_: os._exit(7)", tmp_path), max_resends=2
    )
    async with McpImageGenerator(dying, ImageStore(tmp_path / "workspace")) as generator:
        with pytest.raises(GeneratorError) as caught:
            await generator.generate(GenerationRequest(prompt="x", seed=1))
        assert (caught.value.code, caught.value.retryable) == ("server_died", True)
        assert "crashed 3 times during this call" in str(caught.value)
        assert "`max_resends` = 2 allows no further attempt at this image" in str(caught.value)


@pytest.mark.parametrize("command", [("/no/such/program",), (sys.executable, "-c", "raise SystemExit(3)")])
async def test_a_server_that_cannot_be_started_is_an_error_in_time(tmp_path: Path, command: tuple[str, ...]) -> None:
    async with McpImageGenerator(GeneratorConfig(command=command), ImageStore(tmp_path)) as generator:
        for _ in range(2):
            with pytest.raises(GeneratorError) as caught:
                await generator.generate(GenerationRequest(prompt="x", seed=1))
            assert caught.value.code == "unreachable"


async def test_a_call_that_times_out_frees_the_server(tmp_path: Path) -> None:
    store = ImageStore(tmp_path / "workspace")
    async with McpImageGenerator(GeneratorConfig(command=slow_server(tmp_path)), store) as generator:
        await generator.status()
        generator.config = generator.config.model_copy(update={"call_timeout": 0.2})
        with pytest.raises(GeneratorError) as caught:
            await generator.generate(GenerationRequest(prompt="x", seed=1))
        assert (caught.value.code, caught.value.retryable) == ("deadline", True)
        assert (await generator.status())["waiting"] == 0


async def test_a_cancelled_call_leaves_the_session_usable(tmp_path: Path) -> None:
    async with McpImageGenerator(
        GeneratorConfig(command=slow_server(tmp_path)), ImageStore(tmp_path / "workspace")
    ) as generator:
        call = await started(generator, GenerationRequest(prompt="x", seed=1))
        call.cancel()
        with pytest.raises(asyncio.CancelledError):
            await call
        async with asyncio.timeout(60):
            while (await generator.status())["running"]:  # noqa: ASYNC110 - the server learns of it a moment later
                await asyncio.sleep(0.01)
        (tmp_path / "fast").touch()
        assert (await generator.generate(GenerationRequest(prompt="y", seed=1))).cached is False
        assert (await generator.status())["generated"] == 1


async def test_a_busy_server_is_waited_for(tmp_path: Path) -> None:
    busy = own(tmp_path, arguments=("--max-waiting", "1", "--max-batch", "1"))
    async with McpImageGenerator(busy, ImageStore(tmp_path / "workspace")) as generator:
        generated = await asyncio.gather(
            *(generator.generate(GenerationRequest(prompt="x", seed=seed)) for seed in range(12))
        )
    assert [one.seed for one in generated] == list(range(12))


async def test_a_frozen_server_is_detected_although_its_connection_stays_open(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(watched_calls, "_LEAST_PATIENCE", 2.0)
    async with McpImageGenerator(own(tmp_path, probe_interval=2.0), ImageStore(tmp_path / "ws")) as generator:
        await generator.status()
        (server,) = servers_of(tmp_path)
        server.send_signal(signal.SIGSTOP)
        assert (await generator.generate(GenerationRequest(prompt="x", seed=1))).cached is False
        assert server not in servers_of(tmp_path)


async def test_a_refusal_is_an_input_error_with_the_servers_code(tmp_path: Path) -> None:
    async with McpImageGenerator(own(tmp_path), ImageStore(tmp_path / "workspace")) as generator:
        with pytest.raises(InputError) as caught:
            await generator.generate(GenerationRequest(prompt="", seed=1))
        assert caught.value.code == "invalid_prompt"


async def test_without_a_shared_folder_a_large_image_comes_over_mcp_in_parts(tmp_path: Path) -> None:
    command = program("", tmp_path)
    store = ImageStore(tmp_path / "workspace")
    source = store.put(noise(900))
    async with McpImageGenerator(GeneratorConfig(command=command), store) as generator:
        edited = await generator.generate(GenerationRequest(prompt="x", seed=1, source=source))
    assert len(store.get(edited.sha256)) > 600_000, "more than one part"


async def test_a_damaged_file_in_the_shared_folder_or_the_workspace_is_replaced(tmp_path: Path) -> None:
    store, server_store = ImageStore(tmp_path / "workspace"), ImageStore(tmp_path / "server")
    store.put(noise(400))
    async with McpImageGenerator(own(tmp_path), store) as generator:
        call = GenerationRequest(prompt="x", seed=1, source=next(iter(store)))
        generated = await generator.generate(call)
        original = store.get(generated.sha256)
        store.path(generated.sha256).write_bytes(original[:100])
        assert (await generator.generate(call)).cached
        assert store.get(generated.sha256) == original
        store.delete(generated.sha256)
        server_store.path(generated.sha256).write_bytes(original[:100])
        assert (await generator.generate(call)).cached is False, "the server found its own file damaged"
        assert store.get(generated.sha256) == original


async def test_opening_and_closing_twice_is_harmless_and_a_closed_generator_is_an_error(tmp_path: Path) -> None:
    generator = McpImageGenerator(own(tmp_path), ImageStore(tmp_path / "workspace"))
    with pytest.raises(GeneratorError) as caught:
        await generator.generate(GenerationRequest(prompt="x", seed=1))
    assert caught.value.code == "closed"
    for _ in range(2):
        await generator.open()
        await generator.open()
        await generator.generate(GenerationRequest(prompt="x", seed=1))
        await generator.close()
        await generator.close()
    assert servers_of(tmp_path) == []


async def test_closing_while_the_server_still_starts_leaves_no_process(tmp_path: Path) -> None:
    generator = McpImageGenerator(
        GeneratorConfig(command=(sys.executable, "-c", f"input({str(tmp_path)!r})")), ImageStore(tmp_path / "workspace")
    )
    await generator.open()
    async with asyncio.timeout(60):
        while not servers_of(tmp_path):  # noqa: ASYNC110 - there is no event for the start of another process
            await asyncio.sleep(0.01)
        await generator.close()
    assert servers_of(tmp_path) == []


TEMPLATE = {"name": "paint", "prompt": "text", "seed": "random_state", "width": "w", "height": "h"}


async def test_a_mapped_third_party_server_may_return_its_image_in_any_place(tmp_path: Path) -> None:
    places = [
        ("content", "auto", None),
        ("content", "content", None),
        ("embedded", "auto", None),
        ("link", "resource", None),
        ("structured", "auto", None),
        ("structured", "structured", "images.0.data"),
        ("structured link", "structured", "file"),
        ("text", "text", None),
        ("json text", "auto", None),
    ]
    store = ImageStore(tmp_path)
    async with McpImageGenerator(GeneratorConfig(command=THIRD_PARTY), store) as generator:
        for seed, (where, result, field) in enumerate(places, start=200):
            generator.config = mapped(where, result=result, field=field)
            generated = await generator.generate(GenerationRequest(prompt="a ball", seed=seed, width=30, height=20))
            image = Image.open(io.BytesIO(store.get(generated.sha256)))
            assert (image.format, image.size, generated.width, generated.seed) == ("PNG", (30, 20), 30, seed), where
            pixel = image.getpixel((5, 5))
            assert isinstance(pixel, tuple)
            assert abs(pixel[0] - seed) < 10, where


async def test_a_source_image_is_encoded_as_the_mapped_edit_tool_requires(tmp_path: Path) -> None:
    edit = ToolTemplate(name="repaint", prompt="instruction", image="pictures", image_form="list_of_data_uri")
    store = ImageStore(tmp_path)
    source = store.put(fake_image(GenerationRequest(prompt="x", seed=1)))
    async with McpImageGenerator(
        GeneratorConfig(command=THIRD_PARTY, tools=ToolMapping(edit=edit)), store
    ) as generator:
        assert (await generator.generate(GenerationRequest(prompt="same", seed=1, source=source))).sha256 == source
        with pytest.raises(InputError) as caught:
            await generator.generate(GenerationRequest(prompt="from nothing", seed=1))
        assert caught.value.code == "unsupported"


async def test_a_third_party_answer_without_an_image_is_an_error(tmp_path: Path) -> None:
    async with McpImageGenerator(mapped("nowhere"), ImageStore(tmp_path)) as generator:
        with pytest.raises(GeneratorError) as caught:
            await generator.generate(GenerationRequest(prompt="x", seed=1))
        assert caught.value.code == "no_image"
        with pytest.raises(GeneratorError, match="out of paint"):
            await generator.generate(GenerationRequest(prompt="fail", seed=1))
        # Without a mapping, the server has to follow this project's contract, which it does not.
        generator.config = GeneratorConfig(command=THIRD_PARTY)
        with pytest.raises(InterleaveError):
            await generator.generate(GenerationRequest(prompt="x", seed=1))


async def test_a_missing_token_is_an_error_before_anything_is_sent(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("NO_SUCH_TOKEN", raising=False)
    config = GeneratorConfig(url="http://127.0.0.1:9/mcp", token_variable="NO_SUCH_TOKEN")  # noqa: S106
    async with McpImageGenerator(config, ImageStore(tmp_path)) as generator:
        with pytest.raises(ProfileError):
            await generator.generate(GenerationRequest(prompt="x", seed=1))


async def started(generator: McpImageGenerator, request: GenerationRequest) -> asyncio.Task[GeneratedImage]:
    """Starts a call and returns once the server reports progress on it."""
    progressing = asyncio.Event()
    call = asyncio.create_task(generator.generate(request, lambda *_: progressing.set()))
    waiting = asyncio.create_task(progressing.wait())
    await asyncio.wait({call, waiting}, return_when=asyncio.FIRST_COMPLETED)
    waiting.cancel()
    if not progressing.is_set():
        await call
        raise AssertionError("the call finished without progress")
    return call


def mapped(where: str, **options: object) -> GeneratorConfig:
    template = ToolTemplate.model_validate(TEMPLATE | {"fixed": {"style": "flat", "where": where}} | options)
    return GeneratorConfig(command=THIRD_PARTY, tools=ToolMapping(generate=template))


def program(change: str, tmp_path: Path) -> tuple[str, ...]:
    """The command of an image server whose backend is changed by some lines of code."""
    code = (
        "import asyncio; from pathlib import Path;"
        "from interleavethinker.servers.images.backends.fake import FakeBackend;"
        "from interleavethinker.servers.images.main import serve_images\n"
        f"{change}\n"
        f"asyncio.run(serve_images(FakeBackend(), Path({str(tmp_path / 'server')!r})))"
    )
    return (sys.executable, "-c", code)


def slow_server(tmp_path: Path) -> tuple[str, ...]:
    """The command of a server whose steps take long until a file named `fast` appears."""
    fast = str(tmp_path / "fast")
    return program(
        "import os\n"
        "paint = FakeBackend.run\n"
        "async def run(self, jobs, observer):\n"
        f"    self._step_seconds = 0.0 if os.path.exists({fast!r}) else 0.1\n"
        "    for _ in range(1000):\n"
        "        result = await paint(self, jobs, observer)\n"
        f"        if os.path.exists({fast!r}): return result\n"
        "FakeBackend.run = run",
        tmp_path,
    )


def noise(side: int) -> bytes:
    import numpy as np

    from interleavethinker.tools.images.png import encode_png

    return encode_png(Image.fromarray(np.random.default_rng(0).integers(0, 256, (side, side, 3), dtype=np.uint8)))
