"""MCP over standard input and output: through real pipes, in separate processes."""

import asyncio
import json
import subprocess
import sys
import textwrap
from pathlib import Path

ECHO = textwrap.dedent(
    """
    import asyncio, os, subprocess, sys
    from interleavethinker.servers.transport.stdio import are_pipes, standard_streams

    async def main():
        async with standard_streams() as (reader, writer):
            print("a library's output", flush=True)
            subprocess.run(["cat"], check=True)
            async for line in reader:
                await writer.write(line.upper())
                await writer.flush()

    if are_pipes():
        asyncio.run(main())
        print("after", os.get_blocking(1), flush=True)
    else:
        print("no pipes")
    """
)


ONE_MESSAGE = textwrap.dedent(
    """
    import asyncio
    from interleavethinker.servers.transport.stdio import message_streams

    async def main():
        async with message_streams() as (read, write):
            await read.receive()
            await asyncio.sleep(0.2)  # the next message is read and waits for a receiver
            await read.aclose()

    asyncio.run(main())
    """
)


async def echo(sent: bytes) -> tuple[bytes, bytes]:
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-c", ECHO), stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE
    )
    async with asyncio.timeout(180):
        received = await process.communicate(sent)
    assert process.returncode == 0
    return received


async def test_stdout_carries_only_answers_and_only_the_server_reads_stdin() -> None:
    output, errors = await echo(b"one\ntwo\nlast")
    assert output == b"ONE\nTWO\nLAST" + b"after True\n"
    assert errors == b"a library's output\n"


async def test_lines_longer_than_any_buffer_pass_in_both_directions() -> None:
    long = b"x" * 5_000_000
    output, _ = await echo(long + b"\n" + long + b"\n")
    assert output.removesuffix(b"after True\n") == (long.upper() + b"\n") * 2


async def test_undecodable_bytes_affect_only_their_own_line() -> None:
    output, _ = await echo(b"\xff\nnext\n")
    assert output.splitlines()[1:] == [b"NEXT", b"after True"]


def test_a_file_as_stdin_is_handled_by_the_library(tmp_path: Path) -> None:
    requests = tmp_path / "requests"
    requests.write_bytes(b"one\n")
    with requests.open("rb") as source:
        done = subprocess.run([sys.executable, "-c", ECHO], stdin=source, capture_output=True, check=True)
    assert done.stdout == b"no pipes\n"


async def test_a_message_that_arrives_as_the_server_ends_is_no_error() -> None:
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-c", ONE_MESSAGE), stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE
    )
    ping = b'{"jsonrpc": "2.0", "id": 1, "method": "ping"}\n'
    async with asyncio.timeout(180):
        _, errors = await process.communicate(ping * 2)
    assert (process.returncode, errors) == (0, b"")


async def test_a_line_that_is_no_message_is_answered(tmp_path: Path) -> None:
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "interleavethinker.cli", "image-server", "--model", "fake", "--store", str(tmp_path)),
        stdin=asyncio.subprocess.PIPE, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE,
    )  # fmt: skip
    assert process.stdin is not None
    assert process.stdout is not None
    lone = b'{"jsonrpc":"2.0","id":2,"method":"tools/call","params":{"name":"x","arguments":{"prompt":"\\ud83d"}}}\n'
    async with asyncio.timeout(180):
        for line, number in (
            (lone, 2),
            (b'{"id": "a", "method"\n', "a"),
            (b"\xff\n", None),
            (b'{"jsonrpc": "2.0", "id": null, "method": "tools/list"}\n', None),
            (b'{"jsonrpc": "2.0", "id": 3, "method": "tools/list", "params": [1]}\n', 3),
            (b'{"jsonrpc": "2.0", "id": 4, "methd": "tools/list"}\n', 4),
            (b"[]\n", None),
        ):
            process.stdin.write(line)
            answer = json.loads(await process.stdout.readline())
            assert (answer["id"], answer["error"]["code"]) in {(number, -32700), (number, -32600)}
        process.stdin.close()
        await process.wait()
