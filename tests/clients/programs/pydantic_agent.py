"""An agent of Pydantic AI with the server's tools. Usage: pydantic_agent.py TOOL ARGUMENTS COMMAND..."""

import asyncio
import json
import sys

from fastmcp.client.transports import StdioTransport
from provider import provider
from pydantic_ai import Agent
from pydantic_ai.mcp import MCPToolset
from pydantic_ai.models.openai import OpenAIChatModel
from pydantic_ai.providers.openai import OpenAIProvider


async def main() -> None:
    tool, given, command, *arguments = sys.argv[1:]
    with provider(tool=(tool, json.loads(given))) as (url, requests):
        model = OpenAIChatModel("gpt-5", provider=OpenAIProvider(base_url=f"{url}/v1", api_key="none"))
        agent = Agent(model, toolsets=[MCPToolset(StdioTransport(command, arguments), init_timeout=60)])
        async with agent:
            result = await agent.run("draw a red ball")
        print(json.dumps({"requests": requests, "answer": result.output}))


asyncio.run(main())
