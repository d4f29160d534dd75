"""`qwen3-vl:`, a LangChain chat model that runs a Qwen3-VL in this process, and batches what is asked at the same time.

Importing it loads neither torch nor weights. Messages may hold text and images, as base64 blocks.
"""

import asyncio
import base64
from collections.abc import Mapping, Sequence
from typing import Any

from langchain_core.callbacks import AsyncCallbackManagerForLLMRun, CallbackManagerForLLMRun
from langchain_core.language_models import BaseChatModel
from langchain_core.messages import AIMessage, BaseMessage
from langchain_core.messages.ai import UsageMetadata
from langchain_core.outputs import ChatGeneration, ChatResult
from pydantic import ConfigDict, Field

from interleavethinker.tools.errors import InputError
from interleavethinker.tools.images.png import open_rgb

from .batching import Batcher, Completion, Prompt, SamplingParams
from .inference import batcher_for

__all__ = ["Qwen3VL"]

_ROLES = {"ai": "assistant", "human": "user", "system": "system"}


class Qwen3VL(BaseChatModel):
    """A Qwen3-VL as a chat model. Answers carry log-probabilities in OpenAI's shape."""

    model_config = ConfigDict(extra="forbid")

    model: str
    """Folder, `package:folder`, or repository."""
    adapter: str | None = None
    """Folder of a LoRA adapter."""
    dtype: str = "auto"
    device_map: str | None = None
    max_batch: int = Field(default=8, ge=1)
    """Most questions answered together; 1 makes answers independent of company to the last bit."""
    max_new_tokens: int = Field(default=1024, ge=1)
    temperature: float = Field(default=0.0, ge=0.0)
    """0 is greedy."""
    top_p: float = Field(default=1.0, gt=0.0, le=1.0)
    logprobs: bool = True
    """Whether answers carry log-probabilities, and a critic therefore confidences."""

    @property
    def _llm_type(self) -> str:
        return "qwen3-vl"

    @property
    def _identifying_params(self) -> Mapping[str, Any]:
        return {"model": self.model, "adapter": self.adapter, "dtype": self.dtype}

    @property
    def batcher(self) -> Batcher:
        """The batcher that these weights share in this process."""
        return batcher_for(self.model, self.dtype, self.device_map, self.adapter, self.max_batch)

    def _generate(
        self,
        messages: list[BaseMessage],
        stop: list[str] | None = None,
        run_manager: CallbackManagerForLLMRun | None = None,  # noqa: ARG002 - LangChain's signature
        **kwargs: Any,  # noqa: ARG002
    ) -> ChatResult:
        return self._result(self.batcher.ask(self._question(messages, stop)).result())

    async def _agenerate(
        self,
        messages: list[BaseMessage],
        stop: list[str] | None = None,
        run_manager: AsyncCallbackManagerForLLMRun | None = None,  # noqa: ARG002 - LangChain's signature
        **kwargs: Any,  # noqa: ARG002
    ) -> ChatResult:
        return self._result(await asyncio.wrap_future(self.batcher.ask(self._question(messages, stop))))

    def _question(self, messages: Sequence[BaseMessage], stop: list[str] | None) -> Prompt:
        images: list[Any] = []
        conversation = tuple(
            {"role": _ROLES.get(message.type, "user"), "content": _content(message, images)} for message in messages
        )
        settings = SamplingParams(self.max_new_tokens, self.temperature, self.top_p, tuple(stop or ()))
        return Prompt(conversation, tuple(images), settings)

    def _result(self, answer: Completion) -> ChatResult:
        metadata: dict[str, Any] = {"finish_reason": "stop" if answer.finished else "length", "model_name": self.model}
        if self.logprobs:
            metadata["logprobs"] = {
                "content": [
                    {
                        "token": token.text,
                        "logprob": token.logprob,
                        "top_logprobs": [{"token": text, "logprob": value} for text, value in token.top],
                    }
                    for token in answer.tokens
                ]
            }
        said = len(answer.tokens)
        usage = UsageMetadata(
            input_tokens=answer.prompt_tokens, output_tokens=said, total_tokens=answer.prompt_tokens + said
        )
        message = AIMessage(content=answer.text, response_metadata=metadata, usage_metadata=usage)
        return ChatResult(generations=[ChatGeneration(message=message)])


def _content(message: BaseMessage, images: list[Any]) -> list[dict[str, str]]:
    """Returns a message in the chat template's shape; its pictures go to the end of `images`."""
    if isinstance(message.content, str):
        return [{"type": "text", "text": message.content}]
    content = []
    for block in message.content:
        if isinstance(block, str):
            content.append({"type": "text", "text": block})
        elif block.get("type") == "text":
            content.append({"type": "text", "text": str(block["text"])})
        elif block.get("type") == "image" and block.get("base64"):
            images.append(open_rgb(base64.b64decode(str(block["base64"]))))
            content.append({"type": "image"})
        else:
            raise InputError(f"A message may hold text and base64 images; found a block of type {block.get('type')!r}.")
    return content
