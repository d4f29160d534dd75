"""Traces of real processes, as a real receiver of OpenTelemetry's protocol gets them."""

import asyncio
import contextlib
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from ..collector import Collector, collecting
from ..servers.processes import http_server, refusing_port
from .gated_profile import write_gated_profile

WORD = "violet"
REQUEST = f"a big {WORD} ball on the left, at night"
ENDLESS = """
import asyncio, sys
from pathlib import Path
from interleavethinker.servers.images.backends.base import Cancelled
from interleavethinker.servers.images.backends.fake import FakeBackend
from interleavethinker.servers.images.main import serve_images
from interleavethinker.tools.tracing.startup import start_tracing

class Endless(FakeBackend):
    async def run(self, jobs, observer):
        Path("began").touch()
        while not observer.cancelled():
            await asyncio.sleep(0.02)
        raise Cancelled

start_tracing("interleavethinker-image-server")
asyncio.run(serve_images(Endless(), Path(sys.argv[1])))
"""
ROOT = "invoke_agent interleavethinker"
BACKEND = "generate_content cells/1"
AGENT, SERVER = "interleavethinker", "interleavethinker-image-server"


@pytest.fixture
def collector() -> Iterator[Collector]:
    with collecting() as found:
        yield found


@pytest.fixture
def folder(home: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The current folder, with the profile `gated.toml`, whose critic judges the second step once `go` exists."""
    monkeypatch.setenv("PYTHONPATH", str(home))
    write_profile(home, '{ model = "fake" }')
    return home


def write_profile(folder: Path, generator: str) -> None:
    write_gated_profile(folder, generator, ["a", "b"])


def program(*words: str, **variables: str) -> "subprocess.Popen[str]":
    command = [sys.executable, "-c", "from interleavethinker.cli import main; main()", *words]
    pipe = subprocess.PIPE
    return subprocess.Popen(command, stdout=pipe, stderr=pipe, text=True, env=os.environ | variables)


def ended(process: "subprocess.Popen[str]", code: int = 0) -> tuple[str, str]:
    out, err = process.communicate(timeout=240)
    assert process.returncode == code, out + err
    return out, err


def test_one_trace_reaches_from_the_trajectory_into_the_backend_of_a_child_process(
    home: Path, collector: Collector
) -> None:
    out, err = ended(program("run", "--profile", "cells.toml", "--json", REQUEST, **collector.variables()))
    assert err.count("OpenTelemetry") == 0
    check_whole_trace(collector, json.loads(out)["id"])
    assert not any(WORD.encode() in body for body in collector.raw), "no prompts"
    assert (home / "server").is_dir()


async def test_one_trace_reaches_into_a_server_over_http(home: Path, collector: Collector) -> None:
    async with http_server(home / "server", port=0, **collector.variables()) as url:
        text = (home / "cells.toml").read_text().replace('model = "cells"', f'url = "{url}"')
        (home / "cells.toml").write_text(text)
        running = program("run", "--profile", "cells.toml", "--json", REQUEST, **collector.variables())
        out, _ = await asyncio.to_thread(ended, running)
        await asyncio.to_thread(collector.wait_for, BACKEND)
        await asyncio.to_thread(collector.wait_for, "tools/call generate_image")
        check_whole_trace(collector, json.loads(out)["id"])


def check_whole_trace(collector: Collector, trajectory: str) -> None:
    (root,) = collector.named(ROOT)
    (backend,) = collector.named(BACKEND)
    assert (backend.trace, backend.service, root.service, root.parent) == (root.trace, SERVER, AGENT, "")
    call = ["tools/call generate_image", "MCP send tools/call generate_image", "execute_tool generate_image"]
    assert collector.ancestors(backend) == [*call, "generate", ROOT]
    assert [one.service for name in call for one in collector.named(name)] == [SERVER, AGENT, AGENT]
    for name in ("plan", "critic", "refine"):
        assert {tuple(collector.ancestors(one)) for one in collector.named(name)} == {(ROOT,)}
    assert collector.ancestors(collector.named("judge")[0]) == ["critic", ROOT]
    assert root.attributes["gen_ai.conversation.id"] == trajectory
    assert root.attributes["interleavethinker.status"] == "done"
    assert root.attributes["interleavethinker.resumed"] is False
    assert backend.attributes["gen_ai.output.type"] == "image"
    # The handshake, which a slow machine repeats, is a trace of its own.
    assert {one.error for one in collector.spans if one.trace == root.trace} == {None}


@pytest.mark.skipif(sys.platform == "win32", reason="needs SIGKILL")
def test_a_resumed_run_is_a_trace_of_its_own_and_linked_to_the_killed_one(folder: Path, collector: Collector) -> None:
    first = program("run", "--profile", "gated.toml", "x", **collector.variables())
    collector.wait_for("generate", 2)
    first.send_signal(signal.SIGKILL)
    first.communicate()
    killed = {(one.trace, one.parent) for one in collector.named("generate")}
    assert len(killed) == 1
    assert collector.named(ROOT) == [], "the killed run's own span never ended"
    (folder / "go").touch()
    ended(program("resume", "last", **collector.variables()))
    (resumed,) = collector.named(ROOT)
    assert set(resumed.links) == {"/".join(one) for one in killed}
    assert resumed.trace not in {trace for trace, _ in killed}
    assert resumed.attributes["interleavethinker.resumed"] is True


def test_a_worker_and_its_image_server_trace_what_waited(folder: Path, collector: Collector) -> None:
    (folder / "go").touch()
    ended(program("run", "--queue", "--profile", "gated.toml", "x"))
    ended(program("worker", "--until-empty", **collector.variables()))
    (root,) = collector.named(ROOT)
    assert (root.service, root.links) == ("interleavethinker-worker", ())
    assert {(one.trace, one.service) for one in collector.named(BACKEND)} == {(root.trace, SERVER)}


def test_a_cancelled_call_is_recorded_as_cancelled_on_both_sides(folder: Path, collector: Collector) -> None:
    (folder / "endless.py").write_text(ENDLESS)
    command = json.dumps([sys.executable, "endless.py", str(folder / "server")])
    write_profile(folder, f"{{ command = {command} }}")
    running = program("run", "--profile", "gated.toml", "x", **collector.variables())
    until((folder / "began").exists)
    ended(program("cancel", "last"))
    running.communicate(timeout=240)
    for name in (ROOT, "execute_tool generate_image", BACKEND):
        failed = [one for one in collector.wait_for(name) if one.error is not None]
        assert [(one.error, one.attributes["error.type"]) for one in failed] == [("cancelled", "cancelled")], name


def until(condition: Callable[[], bool]) -> None:
    end = time.monotonic() + 240
    while not condition():
        assert time.monotonic() < end
        time.sleep(0.05)


def test_a_failed_run_has_the_error_with_its_cause(folder: Path, collector: Collector) -> None:
    with refusing_port() as port:
        write_profile(folder, f'{{ url = "http://127.0.0.1:{port}/mcp", max_resends = 0 }}')
        ended(program("run", "--profile", "gated.toml", "x", **collector.variables()), code=3)
    for name in (ROOT, "generate", "execute_tool generate_image"):
        (failed,) = collector.named(name)
        assert failed.attributes["error.type"] == "unreachable"
        assert failed.error is not None
        assert "Could not start or reach the image server" in failed.error
        ((event, told),) = failed.events
        assert event == "exception"
        assert "ConnectError" in told["exception.stacktrace"]


# What is on the wire, and what is not.


@contextlib.asynccontextmanager
async def raw_client(*words: str, **variables: str) -> AsyncIterator[Callable[..., Awaitable[dict[str, Any]]]]:
    """A client of one of this project's servers over stdio that sends any `_meta`; yields what calls a tool."""
    command = [sys.executable, "-c", "from interleavethinker.cli import main; main()", *words]
    pipe = asyncio.subprocess.PIPE
    environment = os.environ | variables
    server = await asyncio.create_subprocess_exec(*command, stdin=pipe, stdout=pipe, env=environment, limit=2**24)
    write, read = server.stdin, server.stdout
    assert write is not None
    assert read is not None

    async def ask(number: int, method: str, params: object) -> dict[str, Any]:
        message = {"jsonrpc": "2.0", "id": number, "method": method, "params": params}
        write.write(json.dumps(message).encode() + b"\n")
        while True:
            answer: dict[str, Any] = json.loads(await asyncio.wait_for(read.readline(), 240))
            if answer.get("id") == number:
                result: dict[str, Any] = answer["result"]
                return result

    async def call(number: int, tool: str, arguments: object, meta: object) -> dict[str, Any]:
        return await ask(number, "tools/call", {"name": tool, "arguments": arguments, "_meta": meta})

    client = {"protocolVersion": "2025-06-18", "capabilities": {}, "clientInfo": {"name": "raw", "version": "1"}}
    await ask(0, "initialize", client)
    write.write(b'{"jsonrpc":"2.0","method":"notifications/initialized"}\n')
    yield call
    write.close()
    await server.wait()


FOREIGN_TRACE, FOREIGN_SPAN = "0af7651916cd43dd8448eb211c80319c", "b7ad6b7169203331"
FOREIGN = {"traceparent": f"00-{FOREIGN_TRACE}-{FOREIGN_SPAN}-01", "tracestate": "vendor=1"}


async def test_a_run_that_a_chat_assistant_starts_belongs_to_the_assistants_trace(
    folder: Path, collector: Collector
) -> None:
    (folder / "go").touch()
    server = ("trajectory-server", "--profile", "gated.toml")
    async with raw_client(*server, **collector.variables()) as ask:
        assert not (await ask(1, "illustrate", {"request": "x"}, FOREIGN)).get("isError")
        await asyncio.to_thread(collector.wait_for, ROOT)
    (run,) = collector.named(ROOT)
    assert (run.trace, run.service) == (FOREIGN_TRACE, "interleavethinker-trajectory-server")
    assert collector.ancestors(run) == ["tools/call illustrate", "?"]
    assert {one.trace for one in collector.named(BACKEND)} == {FOREIGN_TRACE}
    assert not run.links, "who created the trajectory is its ancestor"


async def test_foreign_contexts_are_accepted_and_malformed_ones_are_ignored(home: Path, collector: Collector) -> None:
    trace, parent = FOREIGN_TRACE, FOREIGN_SPAN
    malformed: list[object] = [
        "", "00", f"00-{trace}-{parent}", f"00-{'0' * 32}-{parent}-01", f"ff-{trace}-{parent}-01", "a" * 100_000,
        7, None, True, [], [7], {}, {"a": [None]}, [[FOREIGN["traceparent"]]], "é\u0000",
    ]  # fmt: skip
    metas: list[object] = [FOREIGN, *({"traceparent": one, "tracestate": one, "baggage": one} for one in malformed)]
    server = ("image-server", "--model", "fake", "--store", str(home / "store"))
    async with raw_client(*server, **collector.variables()) as ask:
        for number, meta in enumerate(metas, 1):
            answer = await ask(number, "generate_image", {"prompt": "a ball", "seed": number}, meta)
            assert not answer["isError"], (meta, answer)
    calls = {one.attributes["jsonrpc.request.id"]: one for one in collector.named("tools/call generate_image")}
    assert (calls["1"].trace, calls["1"].parent) == (trace, parent)
    assert [one.parent for number, one in calls.items() if number != "1"] == [""] * len(malformed)
    assert len({one.trace for one in calls.values()}) == len(metas)
    assert [collector.ancestors(one)[0] for one in collector.named(BACKEND)] == ["tools/call generate_image"] * len(
        metas
    )


MODULES = """
import sys
from interleavethinker.cli import main
try:
    main(sys.argv[1:])
finally:
    # LangSmith imports other parts of the SDK where it is installed.
    unwanted = ("opentelemetry.exporter", "opentelemetry.sdk.trace.export", "google.protobuf")
    print("loaded:", [name for name in sys.modules if name.startswith(unwanted)], file=sys.stderr)
"""


@pytest.mark.skipif(sys.platform == "win32", reason="needs a shell")
@pytest.mark.parametrize(
    ("variables", "on"),
    [
        ({}, False),
        ({"OTEL_EXPORTER_OTLP_ENDPOINT": "URL", "OTEL_SDK_DISABLED": "true"}, False),
        ({"OTEL_EXPORTER_OTLP_ENDPOINT": "URL"}, True),
    ],
    ids=["no variables", "disabled", "on"],
)
def test_without_the_variables_nothing_is_loaded_and_nothing_is_sent(
    folder: Path, collector: Collector, variables: dict[str, str], on: bool
) -> None:
    (folder / "go").touch()
    (folder / "serve.py").write_text(MODULES)
    serving = f"tee wire | {sys.executable} serve.py image-server --model fake --store server 2>server-log"
    write_profile(folder, f"{{ command = {json.dumps(['sh', '-c', serving])} }}")
    given = {name: collector.endpoint if value == "URL" else value for name, value in variables.items()}
    command = [sys.executable, "-c", MODULES, "run", "--profile", "gated.toml", "x"]
    done = subprocess.run(command, env=os.environ | given, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    until(lambda: "loaded:" in (folder / "server-log").read_text())
    wire = (folder / "wire").read_text()
    assert "generate_image" in wire
    for told in (done.stderr, (folder / "server-log").read_text()):
        assert ("loaded: []" in told) != on, told
    assert (("traceparent" in wire), bool(collector.spans)) == (on, on)


def test_the_core_imports_nothing_of_it() -> None:
    # Without LangChain and the MCP library, which import OpenTelemetry themselves.
    script = "import sys, interleavethinker, interleavethinker.cli.app, interleavethinker.tools.tracing.startup; "
    script += "import interleavethinker.tools.mcp.generator, interleavethinker.evaluation.executors.processes; "
    script += "import interleavethinker.servers.images.queue; "
    script += "print([name for name in sys.modules if name.partition('.')[0] == 'opentelemetry'])"
    done = subprocess.run([sys.executable, "-P", "-c", script], capture_output=True, text=True, check=True)
    assert done.stdout == "[]\n"


# A collector that is not there, and packages that are not.


def test_a_collector_that_is_down_is_mentioned_once_by_each_process_and_changes_nothing(folder: Path) -> None:
    (folder / "go").touch()
    with refusing_port() as port:
        variables = {"OTEL_EXPORTER_OTLP_ENDPOINT": f"http://127.0.0.1:{port}", "OTEL_BSP_SCHEDULE_DELAY": "50"}
        out, err = ended(program("run", "--profile", "gated.toml", "--json", "x", **variables))
    assert json.loads(out)["status"] == "done"
    assert err.count("Traces cannot be sent") == 2, "by this process and by its image server"
