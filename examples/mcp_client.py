"""The image server used by the official MCP SDK, without this project's agent."""

import asyncio
import base64
import sys
from pathlib import Path

from mcp import Client, StdioServerParameters
from mcp.types import BlobResourceContents

# `--model fake` needs no model; use `micro`, `klein` or `openai:gpt-image-1` for real images.
SERVER = StdioServerParameters(
    command=sys.executable, args=["-m", "interleavethinker", "image-server", "--model", "fake", "--store", "images"]
)


async def red_then_blue() -> bytes:
    """Generates an image, edits it, and returns the bytes of the result, a PNG file."""
    async with Client(SERVER) as client:
        first = await client.call_tool("generate_image", {"prompt": "a red ball", "seed": 1})
        uri = (first.structured_content or {})["uri"]
        second = await client.call_tool("edit_image", {"prompt": "make it blue", "image": uri, "seed": 1})
        edited = second.structured_content or {}
        print(f"{edited['uri']}: {edited['width']} x {edited['height']}")
        resource = await client.read_resource(edited["uri"])
        return b"".join(
            base64.b64decode(part.blob) for part in resource.contents if isinstance(part, BlobResourceContents)
        )


if __name__ == "__main__":
    Path("edited.png").write_bytes(asyncio.run(red_then_blue()))
