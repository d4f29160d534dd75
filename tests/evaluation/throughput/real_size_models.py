"""Random weights of real shape, or tiny ones, and agents that compute real answers but say what was written for them.

Random weights say nothing that can be read, so the texts are replaced after they were generated: reading the prompt and
its images, and as many tokens as a real answer has, take the time that they take with trained weights.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import torch
from langchain_core.messages import AIMessage, BaseMessage
from langchain_core.outputs import ChatGeneration, ChatResult
from PIL import Image

from interleavethinker.evaluation.throughput.product_run import WARM_UP
from interleavethinker.evaluation.throughput.serial_loop import SerialQueue, SerialQwen3VL
from interleavethinker.tools.chat.answers import write_plan, write_verdict
from interleavethinker.tools.qwen3vl.chat_model import Qwen3VL
from interleavethinker.tools.qwen3vl.inference import LocalModel
from interleavethinker.tools.types import Plan, Step, Verdict
from tests.servers.images.backends.tiny_models import byte_tokenizer, tiny_klein

REQUEST = "How to fold a paper boat"
STEPS = ("a sheet of paper on a table", "fold it to a hat", "pull the hat to a boat")
RETRIED = "fold it to a hat"
"""Of this step, the first attempt is rejected."""
_AGAIN = "fold it to a hat, once more"


@dataclass(frozen=True)
class Size:
    """How large models, images and answers are."""

    qwen: str
    """A shape of `tests.training.elsewhere.real_size_steps`."""
    side: int
    """Pixels of an image."""
    plan_tokens: int
    verdict_tokens: int
    trajectories: tuple[tuple[int, int], ...]
    """How many at once, and how many in all."""
    serial: int
    """Trajectories of the serial loop."""


REAL = Size("8b", 1024, 300, 128, ((1, 2), (8, 8)), 2)
TINY = Size("micro", 64, 6, 6, ((1, 1), (2, 2)), 1)


def scripted(result: ChatResult, messages: Sequence[BaseMessage], role: str) -> ChatResult:
    """Returns a chat model's result with a text that can be read."""
    text = " ".join(str(message.content) for message in messages)
    if role == "planner":
        prompts = STEPS[:1] if WARM_UP in text else STEPS
        answer = write_plan(Plan(steps=tuple(Step(prompt=prompt, instruction=prompt) for prompt in prompts)))
    else:
        rejected = RETRIED in text and _AGAIN not in text
        answer = write_verdict(Verdict(success=not rejected, refined_prompt=_AGAIN if rejected else "as it is"))
    usage = getattr(result.generations[0].message, "usage_metadata", None)
    message = AIMessage(content=answer, response_metadata={"finish_reason": "stop"}, usage_metadata=usage)
    return ChatResult(generations=[ChatGeneration(message=message)])


class ScriptedQwen3VL(Qwen3VL):
    """Answers as `scripted` says, after as many tokens as `max_new_tokens`."""

    role: str

    async def _agenerate(self, messages: list[BaseMessage], *arguments: Any, **options: Any) -> ChatResult:
        return scripted(await super()._agenerate(messages, *arguments, **options), messages, self.role)


class SerialScriptedQwen3VL(SerialQwen3VL):
    """The same for the serial loop, with weights that are loaded already."""

    role: str
    local: Any

    @cached_property
    def batcher(self) -> SerialQueue:
        """Completes prompts with the shared weights."""
        assert isinstance(self.local, LocalModel)
        return SerialQueue(self.local)

    async def _agenerate(self, messages: list[BaseMessage], *arguments: Any, **options: Any) -> ChatResult:
        return scripted(await super()._agenerate(messages, *arguments, **options), messages, self.role)


class StockPipeline:
    """The image model in this process, as diffusers' documentation calls it, one image at a time."""

    def __init__(self, folder: Path, size: Size) -> None:
        from diffusers import Flux2KleinPipeline

        on_gpu = torch.cuda.is_available()
        self._pipeline = Flux2KleinPipeline.from_pretrained(folder, dtype=torch.bfloat16 if on_gpu else torch.float32)
        self._pipeline.to("cuda" if on_gpu else "cpu")
        self._pipeline.set_progress_bar_config(disable=True)
        self._arguments: dict[str, Any] = {"num_inference_steps": 4, "guidance_scale": 1.0}
        if size is TINY:
            self._arguments |= {"num_inference_steps": 2, "text_encoder_out_layers": [1, 2]}
        self._arguments |= {"width": size.side, "height": size.side}

    def generate(self, prompts: Sequence[str], seeds: Sequence[int]) -> list[Image.Image]:
        """See `SerialGenerator.generate`."""
        return self._call(prompts[0], seeds[0])

    def edit(self, images: Sequence[Image.Image], prompts: Sequence[str], seeds: Sequence[int]) -> list[Image.Image]:
        """See `SerialGenerator.edit`."""
        return self._call(prompts[0], seeds[0], image=[images[0]])

    def _call(self, prompt: str, seed: int, **images: Any) -> list[Image.Image]:
        generator = torch.Generator("cpu").manual_seed(seed)
        with torch.inference_mode():
            made = self._pipeline(prompt=prompt, generator=generator, **self._arguments, **images).images
        return list(made)


def make_klein(folder: Path, size: Size) -> Path:
    """Writes a FLUX.2-klein pipeline with random weights: of the 4 B model's shape in bfloat16, or a tiny one."""
    if size is TINY:
        return tiny_klein(folder, max_sequence_length=512)
    from diffusers import AutoencoderKLFlux2, FlowMatchEulerDiscreteScheduler, Flux2KleinPipeline
    from diffusers.models import Flux2Transformer2DModel
    from transformers import Qwen3Config, Qwen3ForCausalLM

    torch.set_default_dtype(torch.bfloat16)
    try:
        with torch.device("cuda" if torch.cuda.is_available() else "cpu"):
            pipeline = Flux2KleinPipeline(
                scheduler=FlowMatchEulerDiscreteScheduler(),
                vae=AutoencoderKLFlux2(),
                text_encoder=Qwen3ForCausalLM(Qwen3Config(**TEXT_ENCODER)),
                tokenizer=byte_tokenizer(),
                transformer=Flux2Transformer2DModel(**TRANSFORMER),
                is_distilled=True,
            )
    finally:
        torch.set_default_dtype(torch.float32)
    pipeline.save_pretrained(folder)
    return folder


TRANSFORMER: dict[str, Any] = {
    "num_layers": 5,
    "num_single_layers": 20,
    "num_attention_heads": 24,
    "joint_attention_dim": 7680,
    "guidance_embeds": False,
}
TEXT_ENCODER: dict[str, Any] = {
    "vocab_size": 151_936,
    "hidden_size": 2560,
    "intermediate_size": 9728,
    "num_hidden_layers": 36,
    "num_attention_heads": 32,
    "num_key_value_heads": 8,
    "head_dim": 128,
    "tie_word_embeddings": True,
}
