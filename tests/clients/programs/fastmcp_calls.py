"""Calls of FastMCP's client. Usage: fastmcp_calls.py COMMAND..."""

import asyncio
import json
import sys

from fastmcp import Client
from fastmcp.client.transports import StdioTransport
from fastmcp.exceptions import ToolError


async def main() -> None:
    command, *arguments = sys.argv[1:]
    async with Client(StdioTransport(command, arguments)) as client:
        made = await client.call_tool("generate_image", {"prompt": "a ball", "seed": 2**53 - 1})
        resource = await client.read_resource(made.data.uri)
        errors = []
        for call in ({"prompt": "x", "image": "image://" + "0" * 64}, {"prompt": "x", "with": 512, "image": "y"}):
            try:
                await client.call_tool("edit_image", call)
            except ToolError as error:
                errors.append(str(error))
        print(
            json.dumps(
                {
                    "seed": made.data.seed,
                    "bytes": made.data.bytes,
                    "read": len(resource[0].blob) * 3 // 4,
                    "blocks": [block.type for block in made.content],
                    "errors": errors,
                }
            )
        )


asyncio.run(main())
