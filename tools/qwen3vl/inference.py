"""Qwen3-VL in this process: loads weights, completes conversations, and reports each token's log-probability.

The same code runs a 5 M-parameter micro model on a CPU and the 8 B models on a GPU. Log-probabilities come from the raw
logits, regardless of the sampling parameters. torch and transformers are imported when weights are loaded.

Loaded models are shared by the whole process: `shared_batcher` returns one queue, with one set of weights, for each
`ModelIdentity`. They stay in memory until `unload_models` is called or the process ends.
"""

import gc
import re
import sys
import threading
import warnings
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from importlib.resources import files
from pathlib import Path
from typing import Any

from interleavethinker.tools.errors import ModelError
from interleavethinker.tools.files import is_folder
from interleavethinker.tools.local_extra import require_local
from interleavethinker.tools.model_catalog import pinned, without_commit
from interleavethinker.tools.moved_names import present_name
from interleavethinker.tools.weights import damaged_weights

from .batching import Completion, Prompt, SamplingParams
from .completion_text import CompletionReader
from .device_options import Attention, Decoding, check_options, dtype_for
from .engine import TOP_LOGPROBS, ContinuousEngine
from .graphed_decoder import CudaGraphs, GraphedDecoder
from .literal_text import LiteralTokenizer, literal_conversation
from .scheduling import DecodingEngine, Scheduler
from .text_decoder import can_decode

__all__ = [
    "LocalModel",
    "ModelIdentity",
    "missing_folder",
    "present_path",
    "resolve_folder",
    "shared_batcher",
    "unload_models",
]

_SMALL = 50_000_000
"""Models with fewer parameters gain nothing from several threads on a CPU, and lose much where cores are busy."""
_LOADING = threading.Lock()
"""One model loads at a time: importing from transformers, and building under a default dtype, are not thread-safe."""
_BATCHERS: dict["ModelIdentity", Scheduler] = {}
_BATCHERS_LOCK = threading.Lock()


@dataclass(frozen=True)
class ModelIdentity:
    """What decides which weights are loaded, and how; batching and sampling do not."""

    model: str
    """Folder, `package:folder`, repository, or `repository@commit`."""
    dtype: str = "auto"
    """Name of a torch dtype, or `auto` for the one the weights were saved in."""
    device_map: str | None = None
    """As transformers takes it; None: the GPU if there is one, else the CPU."""
    adapter: str | None = None
    """Folder of a LoRA adapter to merge into the weights."""
    attention: Attention = "sdpa"
    """Kernels that read the prompt and its images."""
    decoding: Decoding = "eager"
    """How the tokens of an answer are computed."""


def shared_batcher(identity: ModelIdentity) -> Scheduler:
    """Returns this process's queue for these weights, which are loaded when the first prompt is completed."""
    with _BATCHERS_LOCK:
        if identity not in _BATCHERS:
            _BATCHERS[identity] = Scheduler(LocalModel(identity).engine)
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


def missing_folder(path: str) -> bool:
    """Returns whether a name can only be a folder and there is none: it is too long or has signs no repository has.

    Args:
        path: What `resolve_folder` returned.
    """
    repository = re.fullmatch(r"[\w-][\w.-]*(/[\w-][\w.-]*)?", without_commit(path))
    return repository is None and not Path(path).exists()


def present_path(name: str) -> str:
    """Returns the folder or repository that a model's or an adapter's name means.

    Raises:
        ModelError: The name means a folder that does not exist, or a package that is not installed.
    """
    path = resolve_folder(name)
    if missing_folder(path):
        raise ModelError(
            f"There is no folder {Path(path).absolute()} to load {name!r} from. Check the path; relative ones start "
            "in the folder where the command runs."
        )
    return path


class LocalModel:
    """One set of weights, loaded when they are first needed. Not thread-safe: one thread calls it.

    Args:
        identity: Which weights, and how to load them.
    """

    def __init__(self, identity: ModelIdentity) -> None:
        self._identity = identity
        self._model: Any = None
        self._processor: Any = None
        self._engine: ContinuousEngine | None = None
        """None: not loaded, or `generate` has to serve these weights."""

    def engine(self) -> DecodingEngine:
        """Returns what completes prompts with these weights, loaded first. Call it on the thread that uses it.

        Raises:
            ModelError: The weights cannot be loaded.
            ProfileError: torch or transformers is not installed.
        """
        self.load()
        if self._model.device.type == "cpu" and self._model.num_parameters() < _SMALL:
            _use_one_thread()
        return self._engine or _GroupedEngine(self.complete)

    def complete(self, prompts: Sequence[Prompt]) -> list[Completion]:
        """Completes prompts with equal sampling parameters side by side.

        Samples without a seed come from torch's global random generator and depend on the other prompts of the batch.

        Raises:
            ModelError: The weights cannot be loaded.
            ProfileError: torch or transformers is not installed.
        """
        self.load()
        sampling = prompts[0].sampling
        if self._engine is not None and (sampling.temperature == 0 or sampling.seed is not None):
            return self._engine.complete(prompts, len(prompts))
        return self.generate(prompts)

    def generate(self, prompts: Sequence[Prompt]) -> list[Completion]:
        """Completes prompts as `complete` does, in one batch by transformers' `generate`."""
        import torch

        self.load()
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
        reader = CompletionReader(self._model, self._processor.tokenizer)
        return [
            reader.read(
                output[row, width:].tolist(),
                [step[row] for step in steps] if sampling.logprobs else None,
                int(lengths[row]),
                sampling.stop,
            )
            for row in range(len(prompts))
        ]

    def load(self) -> None:
        """Loads the model unless it is loaded. Blocks; see `complete` for the errors."""
        require_local("Local models", ("torch", "transformers"))
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

        adapter = None if self._identity.adapter is None else present_path(self._identity.adapter)
        path, commit = pinned(present_path(self._identity.model))
        device = self._identity.device_map or ("cuda" if torch.cuda.is_available() else "cpu")
        check_options(self._identity.attention, self._identity.decoding, device)
        if path != without_commit(self._identity.model):
            # Weights inside a package are small and local: a progress bar would only clutter the caller's output.
            transformers_logging.disable_progress_bar()
        problem = damaged_weights(Path(path)) if is_folder(path) else None
        if problem is not None:
            raise ModelError(f"The model {self._identity.model!r} cannot be loaded: {problem}")
        try:
            processor = load_processor(path, commit)
            model = Qwen3VLForConditionalGeneration.from_pretrained(
                path,
                revision=commit or "main",
                dtype=dtype_for(path, commit, self._identity.dtype, device),
                device_map=device,
                use_safetensors=True,
                attn_implementation=self._identity.attention,
            )
            if adapter is not None:
                from peft import PeftModel

                with warnings.catch_warnings():  # peft 0.21 uses the old name
                    warnings.filterwarnings("ignore", "`is_gradient_checkpointing`", FutureWarning)
                    model = PeftModel.from_pretrained(model, adapter).merge_and_unload()
        except (ImportError, OSError, ValueError) as error:
            raise ModelError(f"The model {self._identity.model!r} cannot be loaded: {error}") from error
        decoder = None
        if self._identity.decoding == "graphs":
            if not can_decode(model):
                raise ModelError(
                    f"The model {self._identity.model!r} cannot be decoded with graphs: its weights are quantized or "
                    "on several devices. Omit the option decoding."
                )
            decoder = GraphedDecoder(model, CudaGraphs(model.device))
        processor.tokenizer.padding_side = "left"
        processor.tokenizer = LiteralTokenizer(processor.tokenizer)
        self._processor, self._model = processor, model.eval()
        if can_decode(model):
            self._engine = ContinuousEngine(model, processor, decoder)

    @contextmanager
    def _recording(self) -> Iterator[list[list[list[tuple[int, float]]]]]:
        """Records the likeliest tokens and their log-probabilities: a list over steps of lists over rows."""
        steps: list[list[list[tuple[int, float]]]] = []

        def record(_module: object, _inputs: object, logits: Any) -> None:
            top = logits[:, -1].float().log_softmax(-1).topk(min(TOP_LOGPROBS, logits.shape[-1]))
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


def _use_one_thread() -> None:
    """Lets torch use one core for the operations of the calling thread, and leaves all other threads as they are."""
    import torch

    before = torch.get_num_threads()
    torch.set_num_threads(1)
    # It is also the default of threads that start later, which is set back by a thread that ends at once.
    thread = threading.Thread(target=torch.set_num_threads, args=(before,))
    thread.start()
    thread.join()


class _GroupedEngine:
    """An engine for weights that `TextDecoder` does not support: each step completes a group of prompts.

    Args:
        complete: Completes prompts with equal sampling parameters.
    """

    def __init__(self, complete: Callable[[Sequence[Prompt]], list[Completion]]) -> None:
        self._complete = complete
        self._active: dict[object, Prompt] = {}

    def start(self, prompt: Prompt) -> object:
        """See `DecodingEngine.start`."""
        key = object()
        self._active[key] = prompt
        return key

    def step(self) -> list[tuple[object, Completion]]:
        """See `DecodingEngine.step`. Completes all prompts with the oldest one's sampling parameters."""
        sampling = next(iter(self._active.values())).sampling
        group = [key for key, prompt in self._active.items() if prompt.sampling == sampling]
        completions = self._complete([self._active[key] for key in group])
        for key in group:
            del self._active[key]
        return list(zip(group, completions, strict=True))

    def drop(self, key: object) -> None:
        """See `DecodingEngine.drop`."""
        self._active.pop(key, None)
