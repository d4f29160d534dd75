"""A whole answer of the trajectory server through one client: started, followed, read.

Usage: story.py session|fastmcp|adapters|langchain COMMAND...; prints the tools, the last view and the document.
"""

import asyncio
import contextlib
import json
import sys
import warnings
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any

Call = Callable[[str, dict[str, Any]], Awaitable[tuple[str, list[str]]]]
"""Returns a result's text and the kinds of its blocks."""
REQUEST = "Draw a big red ball on the left. Then make it blue."


@contextlib.asynccontextmanager
async def session(command: str, arguments: list[str]) -> AsyncIterator[tuple[list[str], Call]]:
    """The client of the MCP library itself, at version 1."""
    from mcp import ClientSession, StdioServerParameters
    from mcp.client.stdio import stdio_client

    async with (
        stdio_client(StdioServerParameters(command=command, args=arguments)) as streams,
        ClientSession(*streams) as client,
    ):
        await client.initialize()

        async def call(name: str, given: dict[str, Any]) -> tuple[str, list[str]]:
            result = await client.call_tool(name, given)
            return result.content[0].text, [block.type for block in result.content]

        yield [tool.name for tool in (await client.list_tools()).tools], call


@contextlib.asynccontextmanager
async def fastmcp(command: str, arguments: list[str]) -> AsyncIterator[tuple[list[str], Call]]:
    from fastmcp import Client
    from fastmcp.client.transports import StdioTransport

    async with Client(StdioTransport(command, arguments)) as client:

        async def call(name: str, given: dict[str, Any]) -> tuple[str, list[str]]:
            result = await client.call_tool(name, given, raise_on_error=False)
            return result.content[0].text, [block.type for block in result.content]

        yield [tool.name for tool in await client.list_tools()], call


@contextlib.asynccontextmanager
async def adapters(command: str, arguments: list[str]) -> AsyncIterator[tuple[list[str], Call]]:
    from langchain_mcp_adapters.client import MultiServerMCPClient
    from langchain_mcp_adapters.tools import load_mcp_tools

    server = {"command": command, "args": arguments, "transport": "stdio"}
    async with MultiServerMCPClient({"agent": server}).session("agent") as opened:
        yield with_tools(await load_mcp_tools(opened))


@contextlib.asynccontextmanager
async def langchain(command: str, arguments: list[str]) -> AsyncIterator[tuple[list[str], Call]]:
    warnings.simplefilter("ignore")
    from fastmcp.client.transports import StdioTransport
    from langchain.mcp import MCPAdapter

    async with MCPAdapter(StdioTransport(command, arguments)) as adapter:
        yield with_tools(await adapter.list_tools())


def with_tools(tools: list[Any]) -> tuple[list[str], Call]:
    """A LangChain agent's way to call them."""
    by_name = {tool.name: tool for tool in tools}

    async def call(name: str, given: dict[str, Any]) -> tuple[str, list[str]]:
        try:
            message = await by_name[name].ainvoke({"name": name, "args": given, "id": "1", "type": "tool_call"})
        except Exception as error:  # noqa: BLE001 - one of the adapters raises a tool's error
            return str(error), ["text"]
        if isinstance(message.content, str):
            return message.content, ["text"]
        return message.content[0]["text"], [block["type"] for block in message.content]

    return list(by_name), call


async def main() -> None:
    kind, command, *arguments = sys.argv[1:]
    clients = {"session": session, "fastmcp": fastmcp, "adapters": adapters, "langchain": langchain}
    async with clients[kind](command, arguments) as (tools, call):
        text, _ = await call("illustrate", {"request": REQUEST, "seed": 5})
        name = text.split("Trajectory ", 1)[1].split()[0].strip('":,.')
        while "done" not in text.splitlines()[0]:
            text, _ = await call("follow", {"trajectory": name, "wait": 20})
        document, blocks = await call("get_document", {"trajectory": name})
        error, _ = await call("follow", {"trajectory": "nothing"})
        print(json.dumps({"tools": tools, "last": text, "document": document, "blocks": blocks, "error": error}))


asyncio.run(main())
