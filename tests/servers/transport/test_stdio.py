"""Standard input and output as a wire: through real pipes, in processes of their own."""

import asyncio
import subprocess
import sys
import textwrap
from pathlib import Path

ECHO = textwrap.dedent(
    """
    import asyncio, os, subprocess, sys
    from interleavethinker.servers.transport.stdio import are_pipes, standard_streams

    async def main():
        async with standard_streams() as (lines, answers):
            print("a library's chatter", flush=True)
            subprocess.run(["cat"], check=True)
            async for line in lines:
                await answers.write(line.upper())
                await answers.flush()

    if are_pipes():
        asyncio.run(main())
        print("after", os.get_blocking(1), flush=True)
    else:
        print("no pipes")
    """
)


async def echo(sent: bytes) -> tuple[bytes, bytes]:
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-c", ECHO), stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE
    )
    async with asyncio.timeout(60):
        received = await process.communicate(sent)
    assert process.returncode == 0
    return received


async def test_only_answers_reach_the_wire_and_only_the_server_reads_it() -> None:
    output, errors = await echo(b"one\ntwo\nlast")
    assert output == b"ONE\nTWO\nLAST" + b"after True\n"
    assert errors == b"a library's chatter\n"


async def test_lines_longer_than_any_buffer_pass_both_ways() -> None:
    long = b"x" * 5_000_000
    output, _ = await echo(long + b"\n" + long + b"\n")
    assert output.removesuffix(b"after True\n") == (long.upper() + b"\n") * 2


async def test_bytes_that_are_no_text_cost_their_line_only() -> None:
    output, _ = await echo(b"\xff\nnext\n")
    assert output.splitlines()[1:] == [b"NEXT", b"after True"]


def test_a_file_is_left_to_the_library(tmp_path: Path) -> None:
    requests = tmp_path / "requests"
    requests.write_bytes(b"one\n")
    with requests.open("rb") as source:
        done = subprocess.run([sys.executable, "-c", ECHO], stdin=source, capture_output=True, check=True)
    assert done.stdout == b"no pipes\n"
