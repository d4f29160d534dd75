"""Calling a chat model: answers come back, and any provider's exception becomes a model error."""

from collections.abc import Sequence
from typing import Any

import pytest
from langchain_core.callbacks import CallbackManagerForLLMRun
from langchain_core.language_models import BaseChatModel
from langchain_core.messages import AIMessage, BaseMessage, HumanMessage
from langchain_core.outputs import ChatGeneration, ChatResult

from interleavethinker.tools.chat.invocation import invoke
from interleavethinker.tools.errors import InterleaveError, ModelError, ProfileError


class ProviderError(Exception):
    """Stands for a client library's exception, which knows nothing of this project."""


class OneAnswer(BaseChatModel):
    answer: Any

    @property
    def _llm_type(self) -> str:
        return "one-answer"

    def _generate(
        self,
        messages: list[BaseMessage],
        stop: list[str] | None = None,  # noqa: ARG002 - LangChain's signature
        run_manager: CallbackManagerForLLMRun | None = None,  # noqa: ARG002
        **kwargs: object,  # noqa: ARG002
    ) -> ChatResult:
        if isinstance(self.answer, Exception):
            raise self.answer
        return ChatResult(generations=[ChatGeneration(message=AIMessage(content=f"{self.answer} {len(messages)}"))])


CONVERSATION: Sequence[BaseMessage] = (HumanMessage(content="hello"), HumanMessage(content="again"))


async def test_the_answer_to_the_whole_conversation_comes_back() -> None:
    assert (await invoke(OneAnswer(answer="read"), CONVERSATION)).text == "read 2"


async def test_any_exception_of_a_provider_becomes_a_model_error_that_names_the_role() -> None:
    with pytest.raises(ModelError, match="The judge's model failed: ProviderError: quota") as caught:
        await invoke(OneAnswer(answer=ProviderError("quota")), CONVERSATION, role="judge's model")
    assert isinstance(caught.value.__cause__, ProviderError)


async def test_the_cause_behind_a_providers_exception_is_told() -> None:
    error = ProviderError("Connection error.")
    error.__cause__ = OSError("Name or service not known")
    with pytest.raises(ModelError, match=r"ProviderError: Connection error\. \(OSError: Name or service not known\)"):
        await invoke(OneAnswer(answer=error), CONVERSATION)


@pytest.mark.parametrize("error", [ModelError("no weights", code="no_checkpoint"), ProfileError("no key")])
async def test_an_error_of_this_project_passes_unchanged(error: InterleaveError) -> None:
    with pytest.raises(InterleaveError) as caught:
        await invoke(OneAnswer(answer=error), CONVERSATION)
    assert caught.value is error
