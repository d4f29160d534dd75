"""Continuous batching for a loaded Qwen3-VL: sequences join and leave between two tokens.

The model itself reads each prompt alone, so a prompt's keys and values are those of `generate`; from then on one step
computes the next token of every active sequence, whatever their settings, and further ones if they were guessed right.
Images that were seen lately are not encoded again: a step's source is an earlier step's result, and retries have the
same source.

Samples as transformers does: temperature, then top-p. A sequence has a random generator of its own, so its tokens do
not depend on the other sequences; with a seed they are those of `generate` after `torch.manual_seed`.
"""

import hashlib
from collections import OrderedDict
from collections.abc import Iterable
from dataclasses import dataclass, field
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

from interleavethinker.tools.errors import InputError

from .batching import Completion, Prompt, SamplingParams
from .completion_text import CompletionReader
from .literal_text import literal_conversation
from .text_decoder import TextDecoder
from .token_memory import TokenMemory

if TYPE_CHECKING:
    from PIL.Image import Image
    from torch import Generator, Tensor

__all__ = ["TOP_LOGPROBS", "ContinuousEngine"]

TOP_LOGPROBS = 10
"""Alternatives reported for each token."""
_IMAGE_BYTES = 256 * 2**20
"""Memory for encoded images."""
_STEP_TOKENS = 16
"""A step reads at most this many tokens, guessed ones included; each sequence may have one guess in any case."""
_LONGEST_GUESS = 7
_NO_GUESS = 0
"""Fills up shorter guesses; any token will do."""


@dataclass(eq=False)
class _Sequence:
    prompt: Prompt
    text: list[int]
    """The tokens of the prompt and the generated ones."""
    prompt_tokens: int
    offset: int
    """Rotary position of a generated token minus its position in the cache."""
    generator: "Generator | None"
    """None: greedy."""
    tops: list[tuple["Tensor", "Tensor"]] = field(default_factory=list)
    """Log-probabilities and numbers of the likeliest tokens at each position, if they are wanted."""
    ended: bool = False
    """An end token or a stop string was generated."""

    @property
    def ids(self) -> list[int]:
        """The generated tokens."""
        return self.text[self.prompt_tokens :]

    @property
    def cached(self) -> int:
        """Positions in the cache: all but the newest token, which the next step reads."""
        return len(self.text) - 1

    @property
    def remaining(self) -> int:
        """How many tokens may still be generated."""
        return self.prompt_tokens + self.prompt.sampling.max_new_tokens - len(self.text)

    @property
    def is_complete(self) -> bool:
        return self.ended or self.remaining <= 0


@dataclass(frozen=True)
class _EncodedImage:
    grid: "Tensor"
    features: "Tensor"
    deepstack: tuple["Tensor", ...]

    @property
    def size(self) -> int:
        return sum(each.numel() * each.element_size() for each in (self.features, *self.deepstack))


class ContinuousEngine:
    """Generates one or more tokens of every active prompt per step. Not thread-safe.

    Args:
        model: A loaded `Qwen3VLForConditionalGeneration` for which `text_decoder.can_decode` is true.
        processor: Its processor, with a `LiteralTokenizer`.
        decoder: The model's text layers; None: a `TextDecoder`.
    """

    def __init__(self, model: Any, processor: Any, decoder: TextDecoder | None = None) -> None:
        self._model = model
        self._processor = processor
        self._reader = CompletionReader(model, processor.tokenizer)
        self._decoder = decoder or TextDecoder(model)
        self._memory = TokenMemory()
        self._sequences: list[_Sequence] = []
        """The active ones, by row."""
        self._images: OrderedDict[str, _EncodedImage] = OrderedDict()
        """Encoded images by digest, least recently used first."""

    def complete(self, prompts: Iterable[Prompt], rows: int) -> list[Completion]:
        """Completes prompts, up to `rows` of them at a time. No other prompt may be active.

        Args:
            prompts: The prompts, of any settings.
            rows: Most active prompts.
        """
        waiting = list(enumerate(prompts))[::-1]
        numbers: dict[object, int] = {}
        completions: dict[int, Completion] = {}
        try:
            while waiting or self._sequences:
                while waiting and len(self._sequences) < rows:
                    number, prompt = waiting.pop()
                    numbers[self.start(prompt)] = number
                completions.update((numbers[key], completion) for key, completion in self.step())
        finally:
            self._sequences.clear()
        return [completions[number] for number in range(len(completions))]

    def start(self, prompt: Prompt) -> object:
        """Reads a prompt and generates its first token.

        Returns:
            A key for `step` and `drop`.
        """
        import torch

        with torch.inference_mode():
            return self._start(prompt)

    def step(self) -> list[tuple[object, Completion]]:
        """Generates one or more tokens of every active prompt.

        Returns:
            The keys and completions of those that are complete now, which are no longer active.
        """
        import torch

        with torch.inference_mode():
            complete = [sequence for sequence in self._sequences if sequence.is_complete]
            for sequence in complete:
                self._drop(sequence)
            if not complete and self._sequences:
                active = self._sequences
                guesses = self._guesses_for(active)
                logits = self._decoder.next_logits(
                    [[sequence.text[-1], *guess] for sequence, guess in zip(active, guesses, strict=True)],
                    [sequence.cached for sequence in active],
                    [sequence.offset for sequence in active],
                )
                for sequence, guess, after in zip(active, guesses, logits, strict=True):
                    self._append_tokens(sequence, guess, after)
                complete = [sequence for sequence in active if sequence.is_complete]
                for sequence in complete:
                    self._drop(sequence)
            return [(sequence, self._completion(sequence)) for sequence in complete]

    def drop(self, key: object) -> None:
        """Makes a prompt inactive; does nothing if it is not active."""
        import torch

        with torch.inference_mode():  # The cache was made in it, and moving a row writes to it.
            self._drop(key)

    def _drop(self, key: object) -> None:
        row = next((row for row, sequence in enumerate(self._sequences) if sequence is key), None)
        if row is None:
            return
        last = self._sequences.pop()
        if row < len(self._sequences):
            self._decoder.move(len(self._sequences), row, last.cached)
            self._sequences[row] = last

    def _start(self, prompt: Prompt) -> _Sequence:
        import torch
        from transformers import DynamicCache

        inputs = self._inputs(prompt)
        cache = DynamicCache(config=self._model.config.text_config)
        output = self._model(**inputs, past_key_values=cache, use_cache=True, logits_to_keep=1)
        offset = 0 if "position_ids" not in inputs else int(inputs["position_ids"].max()) + 1 - cache.get_seq_length()
        generator = None
        if prompt.sampling.temperature > 0:
            generator = torch.Generator(self._model.device)
            seed = prompt.sampling.seed
            generator.manual_seed(int(torch.randint(2**62, ())) if seed is None else seed)
        text = inputs["input_ids"][0].tolist()
        self._memory.learn(text)
        sequence = _Sequence(prompt, text, cache.get_seq_length(), offset, generator)
        row = len(self._sequences)
        self._decoder.reserve(row + 1, sequence.prompt_tokens)
        self._decoder.store_prefix(row, [(layer.keys, layer.values) for layer in cache.layers])
        self._append_tokens(sequence, [], output.logits[:, -1].float())
        self._sequences.append(sequence)
        return sequence

    def _guesses_for(self, sequences: list[_Sequence]) -> list[list[int]]:
        """Returns equally many tokens for each sequence that may come after its newest one, or none."""
        if not self._decoder.reads_several:
            return [[] for _ in sequences]
        most = min(_LONGEST_GUESS, max(1, _STEP_TOKENS // len(sequences) - 1))
        guesses = [self._memory.guess(sequence.text, min(most, sequence.remaining - 1)) for sequence in sequences]
        longest = max(map(len, guesses))
        return [[*guess, *[_NO_GUESS] * (longest - len(guess))] for guess in guesses]

    def _append_tokens(self, sequence: _Sequence, guess: list[int], logits: "Tensor") -> None:
        """Appends the next token of a sequence, and further ones as long as they are the guessed ones.

        Args:
            sequence: The sequence.
            guess: The tokens that the model has read after its newest one.
            logits: After the newest and each guessed token, of shape (1 + guessed tokens, vocabulary).
        """
        sampling = sequence.prompt.sampling
        known = len(sequence.text)
        likeliest = logits.argmax(-1).tolist()
        for at, expected in enumerate([*guess, None]):
            token = likeliest[at]
            if sequence.generator is not None:
                token = _sampled(logits[at : at + 1], sampling, sequence.generator)
            sequence.text.append(token)
            sequence.ended = self._reader.ends(sequence.ids, sampling.stop)
            if token != expected or sequence.is_complete:
                break
        if sampling.logprobs:
            new = logits[: len(sequence.text) - known]
            tops = new.log_softmax(-1).topk(min(TOP_LOGPROBS, logits.shape[-1]))
            sequence.tops.extend(zip(tops.values, tops.indices, strict=True))
        self._memory.learn(sequence.text, known)

    def _completion(self, sequence: _Sequence) -> Completion:
        import torch

        steps: list[list[tuple[int, float]]] | None = None
        if sequence.prompt.sampling.logprobs:
            values, numbers = (torch.stack(each).tolist() for each in zip(*sequence.tops, strict=True))
            steps = [list(zip(*position, strict=True)) for position in zip(numbers, values, strict=True)]
        return self._reader.read(sequence.ids, steps, sequence.prompt_tokens, sequence.prompt.sampling.stop)

    def _inputs(self, prompt: Prompt) -> dict[str, Any]:
        """Returns the model's inputs for one prompt, with its images already encoded."""
        import torch

        tokenizer, image_token = self._processor.tokenizer, self._processor.image_token
        text = self._processor.apply_chat_template(
            literal_conversation(prompt.conversation, tokenizer.control_tokens),
            tokenize=False,
            add_generation_prompt=True,
        )
        images = [self._encoded(image) for image in prompt.images]
        parts = text.split(image_token)
        if len(parts) != len(images) + 1:
            raise InputError(f"The conversation mentions {len(parts) - 1} images, but {len(images)} were given.")
        expanded = [part + image_token * len(image.features) for part, image in zip(parts, images, strict=False)]
        (numbers,) = tokenizer(["".join([*expanded, parts[-1]])])["input_ids"]
        ids = torch.tensor([numbers], device=self._model.device)
        if not images:
            return {"input_ids": ids}
        grids = torch.cat([image.grid for image in images])
        types = (ids == self._processor.image_token_id).int()
        positions, _ = self._model.model.get_rope_index(ids, types, grids)
        encoded = SimpleNamespace(
            pooler_output=[image.features for image in images],
            deepstack_features=[list(each) for each in zip(*(image.deepstack for image in images), strict=True)],
        )
        return {
            "input_ids": ids,
            "position_ids": positions,
            "image_grid_thw": grids,
            "mm_encoder_outputs": {"image": encoded},
        }

    def _encoded(self, image: "Image") -> _EncodedImage:
        digest = hashlib.sha256(repr((image.mode, image.size)).encode() + image.tobytes()).hexdigest()
        if digest not in self._images:
            inputs = self._processor.image_processor(images=[image], return_tensors="pt").to(self._model.device)
            output = self._model.model.get_image_features(
                inputs["pixel_values"], inputs["image_grid_thw"], return_dict=True
            )
            deepstack = tuple(layer[0] for layer in output.deepstack_features)
            self._images[digest] = _EncodedImage(inputs["image_grid_thw"], output.pooler_output[0], deepstack)
            while sum(each.size for each in self._images.values()) > _IMAGE_BYTES and len(self._images) > 1:
                self._images.popitem(last=False)
        self._images.move_to_end(digest)
        return self._images[digest]


def _sampled(logits: "Tensor", sampling: SamplingParams, generator: "Generator") -> int:
    """Samples one token from logits of shape (1, vocabulary)."""
    import torch
    from transformers import TemperatureLogitsWarper, TopPLogitsWarper

    scores = TemperatureLogitsWarper(sampling.temperature)(None, logits)
    if sampling.top_p < 1:
        scores = TopPLogitsWarper(sampling.top_p)(None, scores)
    return int(torch.multinomial(scores.softmax(-1), 1, generator=generator))
