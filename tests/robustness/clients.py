"""Hostile clients against a real image server over HTTP, with an honest client beside them.

Each hostile client does one thing that no honest one does; after each, the honest client must get its image. Then some
thousand connections send half a request and stay, while the honest client goes on calling. Run by `make robustness`,
and with few connections by the tests. Prints figures as JSON; a failure names the client.
"""

import argparse
import asyncio
import contextlib
import json
import os
import re
import sys
import tempfile
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path
from urllib.parse import urlsplit

from interleavethinker.servers.transport.connections import raise_file_limit
from interleavethinker.tools.images.store import ImageStore
from interleavethinker.tools.mcp.config import GeneratorConfig
from interleavethinker.tools.mcp.generator import McpImageGenerator
from interleavethinker.tools.types import GenerationRequest

__all__ = ["HOSTILE", "attack", "main"]

TOKEN = "a-secret-of-sufficient-length"  # noqa: S105 - of a server that lives for a minute
SLOWEST = 20.0
"""Seconds that an honest call may take."""
_TOKEN_VARIABLE = "ROBUSTNESS_TOKEN"  # noqa: S105 - a name
_JSON = "application/json, text/event-stream"


def request(body: bytes, *, token: str = TOKEN, method: str = "POST", path: str = "/mcp", **headers: str) -> bytes:
    """Returns a whole HTTP request; further headers replace the usual ones."""
    usual = {"host": "127.0.0.1", "content-type": "application/json", "accept": _JSON, "connection": "close"}
    usual |= {"authorization": f"Bearer {token}", "content-length": str(len(body))}
    usual |= {name.replace("_", "-"): value for name, value in headers.items()}
    lines = [f"{method} {path} HTTP/1.1", *(f"{name}: {value}" for name, value in usual.items() if value)]
    return "\r\n".join(lines).encode("latin-1") + b"\r\n\r\n" + body


def call(method: str, **parameters: object) -> bytes:
    """Returns a JSON-RPC call."""
    return json.dumps({"jsonrpc": "2.0", "id": 1, "method": method, "params": parameters}).encode()


_CLIENT = {"name": "x", "version": "1"}
_INITIALIZE = call("initialize", protocolVersion="2025-06-18", capabilities={}, clientInfo=_CLIENT)
_DATA = "data:image/png;base64,"

HOSTILE: dict[str, bytes] = {
    "garbage": bytes(range(256)) * 40,
    "a TLS handshake": bytes.fromhex("16030100c8010000c40303") + b"\0" * 200,
    "an endless header": b"GET /mcp HTTP/1.1\r\nhost: " + b"a" * 300_000,
    "thousands of headers": b"GET /mcp HTTP/1.1\r\n" + b"x: y\r\n" * 20_000 + b"\r\n",
    "a negative length": request(b"{}", content_length="-5"),
    "a length of many digits": request(b"{}", content_length="9" * 400),
    "two lengths": request(b"{}").replace(b"content-length: 2", b"content-length: 2\r\ncontent-length: 200"),
    "a length and chunks": request(b"5\r\nhello\r\n0\r\n\r\n", transfer_encoding="chunked"),
    "a chunk of exabytes": request(b"FFFFFFFFFFFFFFF\r\nx", content_length="", transfer_encoding="chunked"),
    "a body that never comes": request(b"", content_length="1000000"),
    "a compressed bomb's header": request(b"\x1f\x8b" + b"\0" * 100, content_encoding="gzip"),
    "another host": request(_INITIALIZE, host="evil.example"),
    "another origin": request(_INITIALIZE, origin="https://evil.example"),
    "no token": request(_INITIALIZE, token="x" * 29),
    "a token of other characters": request(_INITIALIZE, authorization="Bearer \xff\xfe"),
    "a path upwards": request(b"", method="GET", path="/../../etc/passwd"),
    "another method": request(b"", method="TRACE"),
    "not JSON": request(b"{" * 10_000),
    "deep JSON": request(b"[" * 100_000),
    "an endless number": request(b'{"jsonrpc":"2.0","id":' + b"9" * 100_000 + b',"method":"ping"}'),
    "no Unicode": request(b'{"jsonrpc":"2.0","id":1,"method":"\xff\xfe"}'),
    "half a character": request(b'{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"\\ud83d"}}'),
    "a batch": request(b"[" + b",".join([_INITIALIZE] * 200) + b"]"),
    "a session that does not exist": request(call("tools/list"), mcp_session_id="0" * 32),
    "a session of strange characters": request(call("tools/list"), mcp_session_id="\x7f" * 2000),
    "an unknown version": request(_INITIALIZE, mcp_protocol_version="3000-01-01"),
    "an unknown tool": request(call("tools/call", name="rm -rf", arguments={})),
    "strange arguments": request(call("tools/call", name="generate_image", arguments={"prompt": ["a"], "seed": "x"})),
    "an image from a file": request(call("tools/call", name="put_image", arguments={"image": "file:///etc/passwd"})),
    "an image from the web": request(call("tools/call", name="put_image", arguments={"image": "http://127.0.0.1/"})),
    "an image of nothing": request(call("tools/call", name="put_image", arguments={"image": _DATA})),
    "a large image of nothing": request(call("tools/call", name="put_image", arguments={"image": _DATA + "A" * 10**7})),
    "a body over the bound": request(b" " * 60_000_000),
    "a resource upwards": request(call("resources/read", uri="image://../../etc/passwd")),
    "a resource of huge bounds": request(call("resources/read", uri=f"image://{'a' * 64}/0/{'9' * 5000}")),
    "a stream that is never read": request(b"", method="GET", accept="text/event-stream"),
}
"""What hostile clients send, by what is wrong with it."""


@contextlib.asynccontextmanager
async def image_server(store: Path) -> AsyncIterator[tuple[str, asyncio.subprocess.Process]]:
    """A server on a free port; yields its address and its process."""
    command = ("-P", "-m", "interleavethinker", "image-server", "--model", "fake", "--transport", "http", "--port", "0")
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        *command,
        "--store",
        str(store),
        env=os.environ | {"INTERLEAVETHINKER_TOKEN": TOKEN},
        stderr=asyncio.subprocess.PIPE,
        limit=2**20,
    )
    assert process.stderr is not None
    try:
        while (found := re.search(rb"listening on (http://\S+)", await process.stderr.readline())) is None:
            if process.returncode is not None:
                raise SystemExit("the server did not start")
        reading = asyncio.create_task(process.stderr.read())  # A full pipe would stop the server.
        yield found.group(1).decode(), process
        reading.cancel()
    finally:
        if process.returncode is None:
            process.kill()
        await process.wait()


async def send(address: str, data: bytes) -> bytes:
    """Sends bytes on a connection of its own, and returns the first bytes of the answer."""
    parts = urlsplit(address)
    reader, writer = await asyncio.open_connection(parts.hostname, parts.port)
    try:
        writer.write(data)
        async with asyncio.timeout(0.5):
            await writer.drain()
            return await reader.read(1000)
    except (ConnectionError, TimeoutError):
        return b""
    finally:
        writer.close()


async def sessions(address: str) -> None:
    """Begins more sessions than the server keeps."""
    for _ in range(60):
        await asyncio.gather(*(send(address, request(_INITIALIZE)) for _ in range(20)))


async def attack(connections: int, seconds: float) -> dict[str, object]:
    """Runs all hostile clients one after the other, then the idle connections, and returns figures.

    Args:
        connections: Idle connections to open in the end.
        seconds: How long the honest client calls meanwhile.
    """
    raise_file_limit(connections + 500)
    os.environ[_TOKEN_VARIABLE] = TOKEN
    with tempfile.TemporaryDirectory() as folder:
        async with image_server(Path(folder) / "server") as (address, process):
            config = GeneratorConfig(url=address, token_variable=_TOKEN_VARIABLE, max_resends=1)
            async with McpImageGenerator(config, ImageStore(Path(folder) / "mine")) as generator:
                slowest = 0.0

                async def honest(after: str, number: int) -> None:
                    nonlocal slowest
                    started = time.monotonic()
                    try:
                        await asyncio.wait_for(generator.generate(GenerationRequest(prompt="a", seed=number)), SLOWEST)
                    except Exception as error:
                        raise SystemExit(
                            f"after {after}: {error!r}; the server's code: {process.returncode}"
                        ) from error
                    slowest = max(slowest, time.monotonic() - started)

                await honest("the start", 0)
                for number, (name, data) in enumerate(HOSTILE.items(), 1):
                    await send(address, data)
                    await honest(name, number)
                await sessions(address)
                await honest("many sessions", 900)
                opened, calls = await _besiege(address, connections, seconds, honest)
                if process.returncode is not None:
                    raise SystemExit(f"the server ended with {process.returncode}")
    return {"clients": len(HOSTILE) + 1, "idle": opened, "calls_meanwhile": calls, "slowest_call": round(slowest, 2)}


async def _besiege(
    address: str, connections: int, seconds: float, honest: Callable[[str, int], Awaitable[None]]
) -> tuple[int, int]:
    parts = urlsplit(address)
    writers: list[asyncio.StreamWriter] = []

    async def open_all() -> None:
        for _ in range(connections):
            with contextlib.suppress(OSError):
                _, writer = await asyncio.open_connection(parts.hostname, parts.port)
                writer.write(b"POST /mcp HTTP/1.1\r\nHost: loc")
                writers.append(writer)

    opening = asyncio.create_task(open_all())
    end, calls = time.monotonic() + seconds, 0
    while time.monotonic() < end or not opening.done():
        calls += 1
        await honest("idle connections", 1000 + calls)
    await opening
    for writer in writers:
        writer.close()
    return len(writers), calls


def main() -> None:
    """Runs the attack."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--connections", type=int, default=5000)
    parser.add_argument("--seconds", type=float, default=20.0)
    options = parser.parse_args()
    sys.stdout.write(json.dumps(asyncio.run(attack(options.connections, options.seconds))) + "\n")


if __name__ == "__main__":
    main()
