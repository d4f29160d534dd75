"""The example for deepagents, with a scripted chat model; `make deepagents-test` installs deepagents and runs this."""

import re
import runpy
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest
from langchain_core.language_models import BaseChatModel
from langchain_core.messages import AIMessage, BaseMessage, ToolMessage
from langchain_core.outputs import ChatGeneration, ChatResult

import interleavethinker as it

pytest.importorskip("deepagents", reason="`make deepagents-test` installs deepagents in an environment of its own")
EXAMPLE = Path(__file__).resolve().parents[2] / "examples" / "deep_agent.py"


class Delegating(BaseChatModel):
    """Gives what the user wrote to the sub-agent, then repeats the sub-agent's answer."""

    @property
    def _llm_type(self) -> str:
        return "delegating"

    def bind_tools(self, tools: Sequence[Any], **_: Any) -> Any:
        (task,) = [tool for tool in tools if getattr(tool, "name", "") == "task"]
        assert "illustrator" in task.description
        return self

    def _generate(self, messages: list[BaseMessage], *_: Any, **__: Any) -> ChatResult:
        if isinstance(messages[-1], ToolMessage):
            message = AIMessage(content=messages[-1].text)
        else:
            arguments = {"description": messages[-1].text, "subagent_type": "illustrator"}
            message = AIMessage(
                content="", tool_calls=[{"name": "task", "args": arguments, "id": "1", "type": "tool_call"}]
            )
        return ChatResult(generations=[ChatGeneration(message=message)])


@pytest.mark.usefixtures("own_folders", "fake_micro")
@pytest.mark.filterwarnings("default")
def test_a_deep_agent_delegates_a_request_and_is_given_text_and_images(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("langchain.chat_models.init_chat_model", lambda _: Delegating())
    runpy.run_path(str(EXAMPLE), run_name="__main__")
    images = re.findall(r"!\[[^\]]*\]\(image://([0-9a-f]{64})\)", capsys.readouterr().out)
    assert len(images) == 2
    assert all(it.shared_store().get(sha256).startswith(b"\x89PNG") for sha256 in images)
