"""A LangChain agent with the server's tools, over one of the two adapters, with each provider's own client.

Usage: langchain_agents.py adapters|langchain COMMAND...; prints each provider's requests and the agent's last words.
"""

import asyncio
import json
import sys
import warnings
from typing import Any

from langchain.agents import create_agent
from langchain_anthropic import ChatAnthropic
from langchain_google_genai import ChatGoogleGenerativeAI
from langchain_openai import ChatOpenAI
from provider import provider


def models(url: str) -> dict[str, Any]:
    return {
        "openai": ChatOpenAI(model="gpt-5", base_url=f"{url}/v1", api_key="none", use_responses_api=False),
        "anthropic": ChatAnthropic(model="claude-sonnet-4-5", base_url=url, api_key="none"),
        "google": ChatGoogleGenerativeAI(model="gemini-2.5-pro", base_url=url, api_key="none"),
    }


async def run(tools: list[Any]) -> dict[str, Any]:
    results = {}
    for name in ("openai", "anthropic", "google"):
        with provider() as (url, requests):
            agent = create_agent(models(url)[name], tools)
            answer = await agent.ainvoke({"messages": [("user", "draw a red ball")]})
            results[name] = {"requests": requests, "answer": answer["messages"][-1].text}
    refused = {tool.name: tool for tool in tools}["edit_image"]
    call = {
        "name": "edit_image",
        "args": {"prompt": "x", "image": "image://" + "0" * 64},
        "id": "1",
        "type": "tool_call",
    }
    try:
        message = await refused.ainvoke(call)
        results["error"] = str(message.content)
    except Exception as error:  # noqa: BLE001 - whichever the adapter raises
        results["error"] = str(error)
    return results


async def main() -> None:
    kind, command, *arguments = sys.argv[1:]
    if kind == "adapters":
        from langchain_mcp_adapters.client import MultiServerMCPClient
        from langchain_mcp_adapters.tools import load_mcp_tools

        server = {"command": command, "args": arguments, "transport": "stdio"}
        async with MultiServerMCPClient({"images": server}).session("images") as session:
            results = await run(await load_mcp_tools(session))
    else:
        warnings.simplefilter("ignore")
        from fastmcp.client.transports import StdioTransport
        from langchain.mcp import MCPAdapter

        async with MCPAdapter(StdioTransport(command, arguments)) as adapter:
            results = await run(await adapter.list_tools())
    print(json.dumps(results))


asyncio.run(main())
