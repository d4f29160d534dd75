"""Real server processes for tests."""

import asyncio
import contextlib
import os
import re
import sys
from collections.abc import AsyncIterator
from pathlib import Path

PROGRAM = (sys.executable, "-m", "interleavethinker.cli")


@contextlib.asynccontextmanager
async def http_server(store: Path, *options: str, port: int = 0, **variables: str) -> AsyncIterator[str]:
    """An image server on a free port; yields its URL."""
    process = await asyncio.create_subprocess_exec(
        *PROGRAM,
        *("image-server", "--transport", "http", "--port", str(port), "--store", str(store)),
        *(options or ("--model", "fake")),
        env=os.environ | variables,
        stderr=asyncio.subprocess.PIPE,
        limit=2**20,
    )
    try:
        async with asyncio.timeout(60):
            assert process.stderr is not None
            while True:
                line = (await process.stderr.readline()).decode()
                assert line, "the server ended before it listened"
                found = re.search(r"listening on (http://\S+)", line)
                if found is not None:
                    yield found.group(1)
                    break
    finally:
        if process.returncode is None:
            process.kill()
        await process.wait()
