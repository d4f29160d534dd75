"""No call blocks the event loop, which LangGraph's server refuses. Chat models, images in messages, files, checks."""

import base64
from pathlib import Path
from typing import Any

from blockbuster import blockbuster_ctx
from langchain_core.language_models.fake_chat_models import FakeListChatModel
from langchain_core.messages import HumanMessage

from interleavethinker.graph import Components, make_graph
from interleavethinker.tools.chat.agents import ChatCritic, ChatPlanner
from interleavethinker.tools.images.store import ImageStore
from interleavethinker.tools.testing.generator import MemoryGenerator, fake_image
from interleavethinker.tools.types import GenerationRequest

PNG = fake_image(GenerationRequest(prompt="theirs", seed=0))
PLAN = """<think>t</think><answer>{"execution_plan": [{"step_number": 1, "step_name": "s", "instruction": "i",
"prompt": "make it blue", "auxiliary_text": null}]}</answer>"""
VERDICT = """<think>t</think><answer>{"previous_step_success": true, "refine_prompt": "make it blue"}</answer>"""


async def test_a_run_with_chat_models_and_images_does_not_block_the_event_loop(tmp_path: Path) -> None:
    store = ImageStore(tmp_path)
    components = Components(
        ChatPlanner(FakeListChatModel(responses=[PLAN]), store),
        ChatCritic(FakeListChatModel(responses=[VERDICT]), store),
        MemoryGenerator(store),
        store=store,
    )
    block = {"type": "image", "base64": base64.b64encode(PNG).decode(), "mime_type": "image/png"}
    graph: Any = make_graph(components=components)
    with blockbuster_ctx():
        answer = await graph.ainvoke({"messages": [HumanMessage([{"type": "text", "text": "blue"}, block])]})
    assert answer["document"].complete
    assert len(answer["document"].images) == 1
