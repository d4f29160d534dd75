"""The agent as a tool of a LangChain agent. The tool returns text and images, so that the chat model sees both."""

import base64
from typing import Any

from langchain.agents import create_agent
from langchain_core.language_models import BaseChatModel
from langchain_core.runnables import RunnableConfig
from langchain_core.tools import tool

import interleavethinker as it

graph = it.make_graph(profile="micro")


@tool
def illustrate(request: str, config: RunnableConfig) -> list[dict[str, Any]]:
    """Answer a request with a series of images and texts."""
    answer = graph.invoke({"request": request}, {**config, "recursion_limit": 10_000})
    blocks: list[dict[str, Any]] = []
    for block in answer["document"].blocks:
        if block.sha256 is None:
            blocks.append({"type": "text", "text": block.text})
        else:
            data = base64.b64encode(it.shared_store().get(block.sha256)).decode()
            blocks.append({"type": "image", "base64": data, "mime_type": "image/png"})
    return blocks


def agent_with(model: BaseChatModel) -> Any:
    """Returns an agent that can illustrate; `model` is any chat model that calls tools and reads images."""
    return create_agent(model, [illustrate])


if __name__ == "__main__":
    from langchain.chat_models import init_chat_model

    agent = agent_with(init_chat_model("openai:gpt-5-mini"))
    print(agent.invoke({"messages": [("user", "Show me a big red ball on the left, then make it blue.")]}))
