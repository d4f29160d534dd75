"""A Qwen3-VL in this process: loads weights, answers conversations, and reads each token's log-probability.

The same code runs a 5 M-parameter micro model on a CPU and the 8 B ones on a GPU. Log-probabilities come from the raw
logits, whatever the sampling settings. torch and transformers are imported when weights are loaded.
"""

import threading
import warnings
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from functools import cache
from importlib.resources import files
from typing import Any

from interleavethinker.tools.errors import ModelError
from interleavethinker.tools.local_extra import require_local
from interleavethinker.tools.moved_names import present_name

from .batching import Batcher, Completion, Prompt, SamplingParams, Token

__all__ = ["LocalModel", "batcher_for", "resolve_folder"]

_TOP = 10
"""Alternatives read for each token."""
_LOADING = threading.Lock()
"""One model loads at a time: importing from transformers, and building under a default dtype, are not thread-safe."""


@cache
def batcher_for(model: str, dtype: str, device_map: str | None, adapter: str | None, max_batch: int) -> Batcher:
    """Returns the process's batcher for these weights; planner and critic with the same options share one."""
    return Batcher(LocalModel(model, dtype, device_map, adapter).answer, max_batch)


def resolve_folder(name: str) -> str:
    """Returns a path for `package:folder` names, and anything else as it is.

    Raises:
        ModelError: The package is not installed.
    """
    package, colon, folder = present_name(name).partition(":")
    if not colon or not package.replace(".", "").replace("_", "").isalnum() or len(package) == 1:
        return name
    try:
        return str(files(package) / folder)
    except ModuleNotFoundError as error:
        raise ModelError(f"{name!r} must lie in an installed package; {package} is none.") from error


class LocalModel:
    """Loads at the first question.

    Args:
        model: Folder, `package:folder`, or repository.
        dtype: torch dtype's name, or `auto`.
        device_map: As transformers takes it; None: the GPU if there is one, else the CPU.
        adapter: Folder of a LoRA adapter to merge into the weights.
    """

    def __init__(
        self, model: str, dtype: str = "auto", device_map: str | None = None, adapter: str | None = None
    ) -> None:
        self._name = model
        self._dtype = dtype
        self._device_map = device_map
        self._adapter = adapter
        self._model: Any = None
        self._processor: Any = None
        self._names: dict[int, str] = {}
        """Texts of the tokens met so far: naming them anew for every alternative takes longer than a small model."""

    def answer(self, questions: Sequence[Prompt]) -> list[Completion]:
        """Answers questions with equal settings in one batch.

        Raises:
            ModelError: The weights cannot be loaded.
            ProfileError: torch or transformers is not installed.
        """
        require_local("Local models", ("torch", "transformers"))
        import torch

        self._load()
        texts = [
            self._processor.apply_chat_template(list(one.conversation), tokenize=False, add_generation_prompt=True)
            for one in questions
        ]
        images = [list(one.images) for one in questions]
        inputs = self._processor(
            text=texts, images=images if any(images) else None, padding=True, return_tensors="pt"
        ).to(self._model.device)
        settings = questions[0].settings
        with self._recording() as steps, torch.inference_mode():
            output = self._model.generate(**inputs, **self._arguments(settings))
        width = inputs["input_ids"].shape[1]
        lengths = inputs["attention_mask"].sum(1).tolist()
        return [
            self._read(output[row, width:].tolist(), [step[row] for step in steps], int(lengths[row]))
            for row in range(len(questions))
        ]

    def _load(self) -> None:
        if self._model is None:  # nobody who has a model waits for another to load
            with _LOADING:
                self._load_once()

    def _load_once(self) -> None:
        if self._model is not None:
            return
        import torch
        from transformers import Qwen3VLForConditionalGeneration
        from transformers.utils import logging as transformers_logging

        from .processor import load_processor

        path = resolve_folder(self._name)
        device = self._device_map or ("cuda" if torch.cuda.is_available() else "cpu")
        dtype = self._dtype if self._dtype == "auto" else getattr(torch, self._dtype)
        if path != self._name:
            # Weights of a package are small and there: a bar would only tear the caller's output.
            transformers_logging.disable_progress_bar()
        try:
            processor = load_processor(path)
            model = Qwen3VLForConditionalGeneration.from_pretrained(path, dtype=dtype, device_map=device)
            if self._adapter is not None:
                from peft import PeftModel

                with warnings.catch_warnings():  # peft 0.21 asks by an old name
                    warnings.filterwarnings("ignore", "`is_gradient_checkpointing`", FutureWarning)
                    model = PeftModel.from_pretrained(model, resolve_folder(self._adapter)).merge_and_unload()
        except (ImportError, OSError, ValueError) as error:
            raise ModelError(f"The model {self._name!r} cannot be loaded: {error}") from error
        processor.tokenizer.padding_side = "left"
        self._processor, self._model = processor, model.eval()

    @contextmanager
    def _recording(self) -> Iterator[list[list[list[tuple[int, float]]]]]:
        """Collects, for each step and row, the likeliest tokens and their log-probabilities."""
        steps: list[list[list[tuple[int, float]]]] = []

        def record(_module: object, _inputs: object, logits: Any) -> None:
            top = logits[:, -1].float().log_softmax(-1).topk(min(_TOP, logits.shape[-1]))
            rows = zip(top.indices.tolist(), top.values.tolist(), strict=True)
            steps.append([list(zip(ids, values, strict=True)) for ids, values in rows])

        hook = self._model.get_output_embeddings().register_forward_hook(record)
        try:
            yield steps
        finally:
            hook.remove()

    def _arguments(self, settings: SamplingParams) -> dict[str, Any]:
        tokenizer = self._processor.tokenizer
        arguments: dict[str, Any] = {
            "max_new_tokens": settings.max_new_tokens,
            "pad_token_id": tokenizer.pad_token_id if tokenizer.pad_token_id is not None else tokenizer.eos_token_id,
            # A saved generation config may sample by default; what is asked here decides.
            "do_sample": settings.temperature > 0,
            "temperature": settings.temperature or 1.0,
            "top_p": settings.top_p,
            "top_k": 0 if settings.temperature > 0 else 50,
            "repetition_penalty": 1.0,
        }
        if settings.stop:
            arguments |= {"stop_strings": list(settings.stop), "tokenizer": tokenizer}
        return arguments

    def _read(self, ids: list[int], steps: list[list[tuple[int, float]]], prompt_tokens: int) -> Completion:
        """Cuts an answer off at its end token and names its tokens.

        Args:
            ids: What was generated, padded after the end.
            steps: For each generated token, the likeliest ones.
            prompt_tokens: Length of the question.
        """
        tokenizer = self._processor.tokenizer
        ends = self._model.generation_config.eos_token_id
        ends = set(ends) if isinstance(ends, list) else {ends}
        length = next((place for place, token in enumerate(ids) if token in ends), len(ids))
        tokens = []
        for token, top in zip(ids[:length], steps, strict=False):
            named = tuple((self._name_of(other), value) for other, value in top)
            # A sampled token may be none of the likeliest; it is then less likely than all of them.
            logprob = dict(top).get(token, top[-1][1])
            tokens.append(Token(self._name_of(token), logprob, named))
        text = tokenizer.decode(ids[:length], skip_special_tokens=True)
        return Completion(text, tuple(tokens), prompt_tokens, length < len(ids))

    def _name_of(self, token: int) -> str:
        if token not in self._names:
            self._names[token] = self._processor.tokenizer.decode([token])
        return self._names[token]
