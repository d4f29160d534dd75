"""The agent as a sub-agent of deepagents: the main agent delegates illustrations to it, and gets Markdown back."""

from typing import Any

from deepagents import CompiledSubAgent, create_deep_agent
from langchain_core.language_models import BaseChatModel

import interleavethinker as it

illustrator = CompiledSubAgent(
    name="illustrator",
    description="Answers a request with a series of images and texts. Give it the request in one message.",
    runnable=it.make_graph(profile="micro"),
)


def agent_with(model: BaseChatModel) -> Any:
    """Returns an agent that can delegate to the illustrator; `model` is any chat model that calls tools."""
    return create_deep_agent(model=model, subagents=[illustrator])


if __name__ == "__main__":
    from langchain.chat_models import init_chat_model

    agent = agent_with(init_chat_model("openai:gpt-5-mini"))
    answer = agent.invoke({"messages": [("user", "Show me a big red ball on the left, then make it blue.")]})
    print(answer["messages"][-1].text)
