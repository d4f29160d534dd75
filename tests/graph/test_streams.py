"""Tokens of planner and critic in `messages` streams: left out, unless the context asks for them."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from langchain_core.language_models.fake_chat_models import GenericFakeChatModel
from langchain_core.messages import AIMessage, AIMessageChunk, HumanMessage

from interleavethinker.graph import Components, make_graph
from interleavethinker.graph.context import GraphContext
from interleavethinker.tools.chat.agents import ChatCritic, ChatPlanner
from interleavethinker.tools.images.store import ImageStore
from interleavethinker.tools.testing.generator import MemoryGenerator

PLAN = """<think>a plan</think><answer>{"execution_plan": [{"step_number": 1, "step_name": "s", "instruction": "i",
"prompt": "make it blue", "auxiliary_text": null}]}</answer>"""
VERDICT = (
    """<think>a verdict</think><answer>{"previous_step_success": true, "refine_prompt": "make it blue"}</answer>"""
)


def repeated(answer: str) -> Iterator[AIMessage]:
    while True:
        yield AIMessage(answer)


def graph_of(folder: Path) -> Any:
    store = ImageStore(folder)
    planner = ChatPlanner(GenericFakeChatModel(messages=repeated(PLAN)), store)
    critic = ChatCritic(GenericFakeChatModel(messages=repeated(VERDICT)), store)
    return make_graph(components=Components(planner, critic, MemoryGenerator(store), store=store))


@pytest.mark.parametrize("shown", [False, True])
async def test_tokens_of_planner_and_critic_are_streamed_only_if_the_context_asks_for_them(
    tmp_path: Path, shown: bool
) -> None:
    events = graph_of(tmp_path).astream(
        {"messages": [HumanMessage("blue")]}, context=GraphContext(stream_models=shown), stream_mode="messages"
    )
    tokens: dict[str, list[str]] = {}
    async for message, origin in events:
        if isinstance(message, AIMessageChunk):
            tokens.setdefault(origin["langgraph_node"], []).append(str(message.content))
    if shown:
        assert {node: "".join(words) for node, words in tokens.items()} == {"plan": PLAN, "critic": VERDICT}
        assert all(len(words) > 5 for words in tokens.values()), "in pieces, as they come"
    else:
        assert tokens == {}


async def test_the_answer_itself_is_in_the_stream_of_messages(tmp_path: Path) -> None:
    stream = graph_of(tmp_path).astream({"messages": [HumanMessage("blue")]}, stream_mode="messages")
    texts = [message.text async for message, _ in stream if isinstance(message, AIMessage)]
    assert len(texts) == 1
    assert "](image://" in texts[0]
