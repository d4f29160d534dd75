"""An agent of the OpenAI Agents SDK with the server's tools and the SDK's own timeout.

Usage: openai_agent.py COMMAND...
"""

import asyncio
import json
import sys

from agents import Agent, OpenAIChatCompletionsModel, Runner, set_tracing_disabled
from agents.mcp import MCPServerStdio
from openai import AsyncOpenAI
from provider import provider


async def main() -> None:
    set_tracing_disabled(True)
    command, *arguments = sys.argv[1:]
    with provider() as (url, requests):
        model = OpenAIChatCompletionsModel("gpt-5", AsyncOpenAI(base_url=f"{url}/v1", api_key="none"))
        async with MCPServerStdio({"command": command, "args": arguments}) as server:
            agent = Agent(name="artist", model=model, mcp_servers=[server])
            result = await Runner.run(agent, "draw a red ball", max_turns=20)
            print(json.dumps({"requests": requests, "answer": result.final_output}))


asyncio.run(main())
