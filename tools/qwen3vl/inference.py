"""Qwen3-VL in this process: loads weights, completes conversations, and reports each token's log-probability.

The same code runs a 5 M-parameter micro model on a CPU and the 8 B models on a GPU. Log-probabilities come from the raw
logits, regardless of the sampling parameters. torch and transformers are imported when weights are loaded.

Loaded models are shared by the whole process: `shared_batcher` returns one batcher, with one set of weights, for each
`ModelIdentity`. They stay in memory until `unload_models` is called or the process ends.
"""

import gc
import sys
import threading
import warnings
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from importlib.resources import files
from typing import Any

from interleavethinker.tools.errors import ModelError
from interleavethinker.tools.local_extra import require_local
from interleavethinker.tools.moved_names import present_name

from .batching import Batcher, Completion, Prompt, SamplingParams, Token
from .literal_text import LiteralTokenizer, literal_conversation

__all__ = ["LocalModel", "ModelIdentity", "resolve_folder", "shared_batcher", "unload_models"]

_TOP_LOGPROBS = 10
"""Alternatives reported for each token."""
_LOADING = threading.Lock()
"""One model loads at a time: importing from transformers, and building under a default dtype, are not thread-safe."""
_BATCHERS: dict["ModelIdentity", Batcher] = {}
_BATCHERS_LOCK = threading.Lock()


@dataclass(frozen=True)
class ModelIdentity:
    """What decides which weights are loaded, and how; batching and sampling do not."""

    model: str
    """Folder, `package:folder`, or repository."""
    dtype: str = "auto"
    """Name of a torch dtype, or `auto` for the one the weights were saved in."""
    device_map: str | None = None
    """As transformers takes it; None: the GPU if there is one, else the CPU."""
    adapter: str | None = None
    """Folder of a LoRA adapter to merge into the weights."""


def shared_batcher(identity: ModelIdentity) -> Batcher:
    """Returns this process's batcher for these weights, which are loaded when the first prompt is completed."""
    with _BATCHERS_LOCK:
        if identity not in _BATCHERS:
            _BATCHERS[identity] = Batcher(LocalModel(identity).complete)
        return _BATCHERS[identity]


def unload_models(identity: ModelIdentity | None = None) -> None:
    """Frees the memory of shared models, GPU memory included; the next prompt loads them again.

    Prompts that were already submitted are completed first, so this call may block for as long as that takes. Do not
    call it on an event loop's thread.

    Args:
        identity: The model to free; None frees every model of this process.
    """
    with _BATCHERS_LOCK:
        identities = list(_BATCHERS) if identity is None else [identity]
        batchers = [_BATCHERS.pop(each) for each in identities if each in _BATCHERS]
    for batcher in batchers:
        batcher.close()
    if not batchers:
        return
    del batcher, batchers  # They hold the weights.
    gc.collect()
    torch = sys.modules.get("torch")
    if torch is not None and torch.cuda.is_available():
        torch.cuda.empty_cache()


def resolve_folder(name: str) -> str:
    """Returns the path that a `package:folder` name means; any other name is returned unchanged.

    Raises:
        ModelError: The package is not installed.
    """
    package, colon, folder = present_name(name).partition(":")
    if not colon or not package.replace(".", "").replace("_", "").isalnum() or len(package) == 1:
        return name
    try:
        return str(files(package) / folder)
    except ModuleNotFoundError as error:
        raise ModelError(f"The weights {name!r} cannot be found: the package {package} is not installed.") from error


class LocalModel:
    """One set of weights, which `complete` loads when it is first called. Not thread-safe: a `Batcher` calls it.

    Args:
        identity: Which weights, and how to load them.
    """

    def __init__(self, identity: ModelIdentity) -> None:
        self._identity = identity
        self._model: Any = None
        self._processor: Any = None
        self._token_texts: dict[int, str] = {}
        """Text of every token met so far: decoding each alternative again takes longer than running a small model."""

    def complete(self, prompts: Sequence[Prompt]) -> list[Completion]:
        """Completes prompts with equal sampling parameters in one batch.

        Raises:
            ModelError: The weights cannot be loaded.
            ProfileError: torch or transformers is not installed.
        """
        require_local("Local models", ("torch", "transformers"))
        import torch

        self._load()
        texts = [
            self._processor.apply_chat_template(
                literal_conversation(prompt.conversation, self._processor.tokenizer.control_tokens),
                tokenize=False,
                add_generation_prompt=True,
            )
            for prompt in prompts
        ]
        images = [list(prompt.images) for prompt in prompts]
        inputs = self._processor(
            text=texts, images=images if any(images) else None, padding=True, return_tensors="pt"
        ).to(self._model.device)
        sampling = prompts[0].sampling
        with self._recording() as steps, torch.inference_mode():
            output = self._model.generate(**inputs, **self._arguments(sampling))
        width = inputs["input_ids"].shape[1]
        lengths = inputs["attention_mask"].sum(1).tolist()
        return [
            self._read(output[row, width:].tolist(), [step[row] for step in steps], int(lengths[row]), sampling.stop)
            for row in range(len(prompts))
        ]

    def _load(self) -> None:
        if self._model is None:  # A loaded model must not wait while another one loads.
            with _LOADING:
                self._load_once()

    def _load_once(self) -> None:
        if self._model is not None:
            return
        import torch
        from transformers import Qwen3VLForConditionalGeneration
        from transformers.utils import logging as transformers_logging

        from .processor import load_processor

        path = resolve_folder(self._identity.model)
        device = self._identity.device_map or ("cuda" if torch.cuda.is_available() else "cpu")
        dtype = self._identity.dtype if self._identity.dtype == "auto" else getattr(torch, self._identity.dtype)
        if path != self._identity.model:
            # Weights inside a package are small and local: a progress bar would only clutter the caller's output.
            transformers_logging.disable_progress_bar()
        try:
            processor = load_processor(path)
            model = Qwen3VLForConditionalGeneration.from_pretrained(path, dtype=dtype, device_map=device)
            if self._identity.adapter is not None:
                from peft import PeftModel

                with warnings.catch_warnings():  # peft 0.21 uses the old name
                    warnings.filterwarnings("ignore", "`is_gradient_checkpointing`", FutureWarning)
                    model = PeftModel.from_pretrained(model, resolve_folder(self._identity.adapter)).merge_and_unload()
        except (ImportError, OSError, ValueError) as error:
            raise ModelError(f"The model {self._identity.model!r} cannot be loaded: {error}") from error
        processor.tokenizer.padding_side = "left"
        processor.tokenizer = LiteralTokenizer(processor.tokenizer)
        self._processor, self._model = processor, model.eval()

    @contextmanager
    def _recording(self) -> Iterator[list[list[list[tuple[int, float]]]]]:
        """Records the likeliest tokens and their log-probabilities: a list over steps of lists over rows."""
        steps: list[list[list[tuple[int, float]]]] = []

        def record(_module: object, _inputs: object, logits: Any) -> None:
            top = logits[:, -1].float().log_softmax(-1).topk(min(_TOP_LOGPROBS, logits.shape[-1]))
            rows = zip(top.indices.tolist(), top.values.tolist(), strict=True)
            steps.append([list(zip(ids, values, strict=True)) for ids, values in rows])

        hook = self._model.get_output_embeddings().register_forward_hook(record)
        try:
            yield steps
        finally:
            hook.remove()

    def _arguments(self, sampling: SamplingParams) -> dict[str, Any]:
        tokenizer = self._processor.tokenizer
        arguments: dict[str, Any] = {
            "max_new_tokens": sampling.max_new_tokens,
            "pad_token_id": tokenizer.pad_token_id if tokenizer.pad_token_id is not None else tokenizer.eos_token_id,
            # A saved generation config may sample by default; these values override it.
            "do_sample": sampling.temperature > 0,
            "temperature": sampling.temperature or 1.0,
            "top_p": sampling.top_p,
            "top_k": 0 if sampling.temperature > 0 else 50,
            "repetition_penalty": 1.0,
        }
        if sampling.stop:
            arguments |= {"stop_strings": list(sampling.stop), "tokenizer": tokenizer.wrapped}
        return arguments

    def _read(
        self, ids: list[int], steps: list[list[tuple[int, float]]], prompt_tokens: int, stop: Sequence[str]
    ) -> Completion:
        """Cuts a completion off at its end token and decodes its tokens.

        Args:
            ids: The generated tokens, padded after the end.
            steps: For each generated token, the likeliest ones with their log-probabilities.
            prompt_tokens: Length of the prompt.
            stop: Strings that end a completion, too.
        """
        tokenizer = self._processor.tokenizer
        ends = self._model.generation_config.eos_token_id
        ends = set(ends) if isinstance(ends, list) else {ends}
        length = next((place for place, token in enumerate(ids) if token in ends), len(ids))
        tokens = []
        for token, top in zip(ids[:length], steps, strict=False):
            alternatives = tuple((self._text_of(other), value) for other, value in top)
            # A sampled token outside the likeliest gets the lowest of their log-probabilities, which bounds its own.
            logprob = dict(top).get(token, top[-1][1])
            tokens.append(Token(self._text_of(token), logprob, alternatives))
        text = tokenizer.decode(ids[:length], skip_special_tokens=True)
        finished = length < len(ids) or any(each in text for each in stop)
        return Completion(text, tuple(tokens), prompt_tokens, finished)

    def _text_of(self, token: int) -> str:
        if token not in self._token_texts:
            self._token_texts[token] = self._processor.tokenizer.decode([token])
        return self._token_texts[token]
