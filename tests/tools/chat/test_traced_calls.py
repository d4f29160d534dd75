"""Spans of chat model calls: what they name, and what they never show unless they are asked to."""

import base64
import json
from collections.abc import Iterator
from typing import Any

import pytest
from langchain_core.callbacks import CallbackManagerForLLMRun
from langchain_core.language_models import BaseChatModel
from langchain_core.messages import AIMessage, BaseMessage, HumanMessage, SystemMessage
from langchain_core.messages.ai import UsageMetadata
from langchain_core.outputs import ChatGeneration, ChatResult
from langchain_openai import ChatOpenAI
from opentelemetry.trace import SpanKind

from interleavethinker.tools.chat.invocation import invoke
from interleavethinker.tools.chat.traced_calls import model_span
from interleavethinker.tools.chat.waiting import CallPolicy
from interleavethinker.tools.errors import ModelError
from interleavethinker.tools.images.store import sha256_of

from ...recorded_spans import RecordedSpans, recorded

CAPTURE = "OTEL_INSTRUMENTATION_GENAI_CAPTURE_MESSAGE_CONTENT"
IMAGE = b"no real image"
CONVERSATION: list[BaseMessage] = [
    SystemMessage("You judge."),
    HumanMessage(content=[
        {"type": "text", "text": "Is it the SECRET garden?"},
        {"type": "image", "base64": base64.b64encode(IMAGE).decode(), "mime_type": "image/png"},
    ]),
]  # fmt: skip


class Scripted(BaseChatModel):
    model: str = "scripted-1"
    temperature: float = 0.5
    max_tokens: int = 99
    answers: list[Any]

    @property
    def _llm_type(self) -> str:
        return "scripted"

    def _generate(
        self,
        messages: list[BaseMessage],  # noqa: ARG002 - LangChain's signature
        stop: list[str] | None = None,  # noqa: ARG002
        run_manager: CallbackManagerForLLMRun | None = None,  # noqa: ARG002
        **kwargs: object,  # noqa: ARG002
    ) -> ChatResult:
        answer = self.answers.pop(0)
        if isinstance(answer, Exception):
            raise answer
        usage = UsageMetadata(input_tokens=7, output_tokens=3, total_tokens=10)
        metadata = {"finish_reason": "stop", "model_name": "scripted-1-of-may"}
        message = AIMessage(content=answer, id="answer-1", usage_metadata=usage, response_metadata=metadata)
        return ChatResult(generations=[ChatGeneration(message=message)])


@pytest.fixture
def spans(monkeypatch: pytest.MonkeyPatch) -> Iterator[RecordedSpans]:
    monkeypatch.delenv(CAPTURE, raising=False)
    with recorded() as found:
        yield found


async def test_a_call_has_the_conventions_attributes_and_no_content(spans: RecordedSpans) -> None:
    await invoke(Scripted(answers=["A SECRET answer"]), CONVERSATION)
    call = spans.one("chat scripted-1")
    assert call.kind is SpanKind.CLIENT
    assert call.attributes == {
        "gen_ai.operation.name": "chat",
        "gen_ai.provider.name": __name__.partition(".")[0],
        "gen_ai.request.max_tokens": 99,
        "gen_ai.request.model": "scripted-1",
        "gen_ai.request.temperature": 0.5,
        "gen_ai.response.finish_reasons": ("stop",),
        "gen_ai.response.id": "answer-1",
        "gen_ai.response.model": "scripted-1-of-may",
        "gen_ai.usage.input_tokens": 7,
        "gen_ai.usage.output_tokens": 3,
    }
    assert "SECRET" not in spans.text()


async def test_prompts_and_answers_are_recorded_if_they_are_captured_and_images_by_their_hash(
    spans: RecordedSpans, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(CAPTURE, "SPAN_ONLY")
    await invoke(Scripted(answers=["A SECRET answer"]), CONVERSATION)
    attributes = spans.one("chat scripted-1").attributes
    assert attributes is not None
    image = {"type": "uri", "modality": "image", "uri": f"image://{sha256_of(IMAGE)}"}
    assert json.loads(str(attributes["gen_ai.input.messages"])) == [
        {"role": "system", "parts": [{"type": "text", "content": "You judge."}]},
        {"role": "user", "parts": [{"type": "text", "content": "Is it the SECRET garden?"}, image]},
    ]
    assert json.loads(str(attributes["gen_ai.output.messages"])) == [
        {"role": "assistant", "parts": [{"type": "text", "content": "A SECRET answer"}]}
    ]
    assert base64.b64encode(IMAGE).decode() not in spans.text()


async def test_each_try_of_an_overloaded_provider_is_a_span(
    spans: RecordedSpans, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("asyncio.sleep", lambda _: _nothing())

    class OverloadedError(Exception):
        status_code = 529

    failing = Scripted(answers=[OverloadedError("SECRET words"), "read"])
    assert (await invoke(failing, CONVERSATION, policy=CallPolicy(max_retries=1))).text == "read"
    first, second = spans.named("chat scripted-1")
    assert first.attributes is not None
    assert str(first.attributes["error.type"]).endswith("OverloadedError")
    assert not first.status.is_ok
    assert second.status.is_unset
    assert "SECRET" not in spans.text()


async def _nothing() -> None:
    return


async def test_an_answer_that_takes_too_long_is_a_timeout(spans: RecordedSpans) -> None:
    class Endless(Scripted):
        async def _agenerate(self, *_: Any, **__: Any) -> ChatResult:
            import asyncio

            await asyncio.Event().wait()
            raise AssertionError

    with pytest.raises(ModelError):
        await invoke(Endless(answers=[]), CONVERSATION, policy=CallPolicy(timeout=0.001, max_retries=0))
    attributes = spans.one("chat scripted-1").attributes
    assert attributes is not None
    assert attributes["error.type"] == "TimeoutError"


def test_a_provider_is_named_by_the_conventions_name_with_its_address(spans: RecordedSpans) -> None:
    model = ChatOpenAI(model="gpt-x", api_key="key", base_url="http://127.0.0.1:8000/v1", seed=4)
    for one in (model, model.bind_tools([])):
        with model_span(one, CONVERSATION):  # type: ignore[arg-type]
            pass
    for call in spans.named("chat gpt-x"):
        assert call.attributes is not None
        assert call.attributes["gen_ai.provider.name"] == "openai"
        assert call.attributes["gen_ai.request.seed"] == 4
        assert (call.attributes["server.address"], call.attributes["server.port"]) == ("127.0.0.1", 8000)
    assert len(spans.named("chat gpt-x")) == 2
