"""A LangChain chat model, `qwen3-vl:…`, that runs Qwen3-VL in this process, concurrent calls side by side.

Importing this module loads neither torch nor weights. Messages may hold text, and images as base64 blocks.
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

from .batching import Completion, Prompt, SamplingParams
from .device_options import Attention, Decoding
from .inference import ModelIdentity, shared_batcher, unload_models
from .scheduling import PromptQueue

__all__ = ["Qwen3VL"]

_ROLES = {"ai": "assistant", "human": "user", "system": "system"}


class Qwen3VL(BaseChatModel):
    """Qwen3-VL as a chat model. Answers carry log-probabilities in OpenAI's shape.

    All instances with the same `model`, `adapter`, `dtype`, `device_map`, `attention` and `decoding` share one set of
    weights, regardless of their other options. `unload` frees it.
    """

    model_config = ConfigDict(extra="forbid")

    model: str
    """Folder, `package:folder`, or repository."""
    adapter: str | None = None
    """Folder of a LoRA adapter."""
    dtype: str = "auto"
    """Name of a torch dtype, or `auto` for the one the weights were saved in; on a GPU, `auto` loads large models of
    32-bit weights in bfloat16."""
    device_map: str | None = None
    """As transformers takes it; None: the GPU if there is one, else the CPU."""
    attention: Attention = "sdpa"
    """Kernels that read prompts and images; `flash_attention_2` needs flash-attn and an NVIDIA GPU."""
    decoding: Decoding = "eager"
    """`graphs` computes tokens with CUDA graphs, for answers one or few at a time on an NVIDIA GPU."""
    max_batch: int = Field(default=8, ge=1)
    """Most prompts answered side by side. On a CPU, an answer does not depend on the others, to the last bit."""
    max_new_tokens: int = Field(default=1024, ge=1)
    temperature: float = Field(default=0.0, ge=0.0)
    """0 is greedy."""
    top_p: float = Field(default=1.0, gt=0.0, le=1.0)
    seed: int | None = None
    """For sampling; None: a new one for every call."""
    logprobs: bool = True
    """Whether answers carry log-probabilities, from which a critic's confidence is read."""

    @property
    def _llm_type(self) -> str:
        return "qwen3-vl"

    @property
    def _identifying_params(self) -> Mapping[str, Any]:
        return {"model": self.model, "adapter": self.adapter, "dtype": self.dtype}

    @property
    def batcher(self) -> PromptQueue:
        """The queue that all models with these weights share in this process."""
        return shared_batcher(self.identity)

    @property
    def identity(self) -> ModelIdentity:
        """What decides which weights are loaded."""
        return ModelIdentity(self.model, self.dtype, self.device_map, self.adapter, self.attention, self.decoding)

    def unload(self) -> None:
        """Frees the weights for every model that shares them, as `unload_models` does; the next call reloads."""
        unload_models(self.identity)

    def _generate(
        self,
        messages: list[BaseMessage],
        stop: list[str] | None = None,
        run_manager: CallbackManagerForLLMRun | None = None,  # noqa: ARG002 - LangChain's signature
        **kwargs: Any,  # noqa: ARG002
    ) -> ChatResult:
        return self._result(self.batcher.submit(self._prompt(messages, stop), self.max_batch).result())

    async def _agenerate(
        self,
        messages: list[BaseMessage],
        stop: list[str] | None = None,
        run_manager: AsyncCallbackManagerForLLMRun | None = None,  # noqa: ARG002 - LangChain's signature
        **kwargs: Any,  # noqa: ARG002
    ) -> ChatResult:
        future = self.batcher.submit(self._prompt(messages, stop), self.max_batch)
        return self._result(await asyncio.wrap_future(future))

    def _prompt(self, messages: Sequence[BaseMessage], stop: list[str] | None) -> Prompt:
        images: list[Any] = []
        conversation = tuple(
            {"role": _ROLES.get(message.type, "user"), "content": _content(message, images)} for message in messages
        )
        sampling = SamplingParams(
            self.max_new_tokens, self.temperature, self.top_p, tuple(stop or ()), self.seed, self.logprobs
        )
        return Prompt(conversation, tuple(images), sampling)

    def _result(self, completion: Completion) -> ChatResult:
        metadata: dict[str, Any] = {
            "finish_reason": "stop" if completion.finished else "length",
            "model_name": self.model,
        }
        if self.logprobs:
            metadata["logprobs"] = {
                "content": [
                    {
                        "token": token.text,
                        "logprob": token.logprob,
                        "top_logprobs": [{"token": text, "logprob": value} for text, value in token.top],
                    }
                    for token in completion.tokens
                ]
            }
        generated = completion.completion_tokens
        usage = UsageMetadata(
            input_tokens=completion.prompt_tokens,
            output_tokens=generated,
            total_tokens=completion.prompt_tokens + generated,
        )
        message = AIMessage(content=completion.text, response_metadata=metadata, usage_metadata=usage)
        return ChatResult(generations=[ChatGeneration(message=message)])


def _content(message: BaseMessage, images: list[Any]) -> list[dict[str, str]]:
    """Returns a message's content in the chat template's shape, and appends its images to `images`."""
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
            raise InputError(
                f"A message may hold text and base64 images; this one has a block of type {block.get('type')!r}."
            )
    return content
