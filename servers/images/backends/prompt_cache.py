"""Keeps the embeddings of the prompts that a pipeline encoded last, so that equal prompts are encoded once.

Variants of a step, retries with another seed, and a model's fixed negative prompt repeat their prompts. A prompt is
encoded by the pipeline itself, in the call in which it would be encoded anyway, so an image that is generated alone is
the same to the last bit with and without. In a batch, a prompt may have the embedding that it has alone, which differs
in the last bits where the device's arithmetic depends on the size of a batch.

Embeddings are kept in main memory: those of FLUX.2-klein-4B have 8 MB a prompt.
"""

import functools
import inspect
from collections import OrderedDict
from collections.abc import Callable, Mapping, Sequence
from typing import Any

__all__ = ["PromptCache"]

_SIMPLE = (str, int, float, bool, type(None))
_TEXTS = ("prompt", "negative_prompt")
"""What the names of arguments begin with that have one entry for each prompt of a batch."""


class PromptCache:
    """Remembers what `encode_prompt` of pipelines returned. Not thread-safe: the model's thread uses it.

    Attributes:
        hits: How many embeddings were taken from memory.
        misses: How many calls encoded prompts.

    Args:
        capacity: How many calls of `encode_prompt` are remembered, most of which have one prompt.
    """

    def __init__(self, capacity: int) -> None:
        self._capacity = capacity
        self._results: OrderedDict[object, tuple[Any, ...]] = OrderedDict()
        """The least recently used one first."""
        self._opaque: set[int] = set()
        """Pipelines whose `encode_prompt` returns something else than tensors."""
        self.hits = self.misses = 0

    def __len__(self) -> int:
        return len(self._results)

    def attach(self, pipeline: Any) -> None:
        """Replaces `encode_prompt` on this one pipeline object; does nothing if the pipeline has none.

        Calls with arguments besides texts and numbers, such as the source image of Qwen-Image-Edit, are passed on.
        """
        stock: Callable[..., Any] | None = getattr(pipeline, "encode_prompt", None)
        if stock is None:
            return
        signature = inspect.signature(stock)
        device = str(getattr(pipeline, "_execution_device", "cpu"))

        @functools.wraps(stock)
        def encode_prompt(*arguments: Any, **options: Any) -> Any:
            bound = signature.bind(*arguments, **options)
            bound.apply_defaults()
            given = dict(bound.arguments)
            key = _key_of(given)
            if key is None or id(pipeline) in self._opaque:
                return stock(*arguments, **options)
            return self._encode(stock, (id(pipeline), key), given, str(given.get("device") or device))

        pipeline.encode_prompt = encode_prompt

    def _encode(self, stock: Callable[..., Any], key: tuple[int, object], given: Mapping[str, Any], device: str) -> Any:
        known = self._known(key, device)
        if known is None:
            known = self._from_single_prompts(stock, key[0], given, device)
        if known is not None:
            return known
        self.misses += 1
        result = stock(**given)
        self._remember(key, result)
        return result

    def _from_single_prompts(
        self, stock: Callable[..., Any], pipeline: int, given: Mapping[str, Any], device: str
    ) -> tuple[Any, ...] | None:
        """Returns the embeddings of a batch from those of its prompts.

        None unless all of them are known, or all are equal, and then encoded once.
        """
        prompts = given.get("prompt")
        if not isinstance(prompts, list) or len(prompts) < 2 or given.get("num_images_per_prompt", 1) != 1:
            return None
        singles = [_single(given, row, len(prompts)) for row in range(len(prompts))]
        keys = [(pipeline, _key_of(single)) for single in singles]
        if len(set(keys)) > 1 and any(key not in self._results for key in keys):
            return None
        if keys[0] not in self._results:
            self.misses += 1
            self._remember(keys[0], stock(**singles[0]))
        rows = [self._known(key, device) for key in keys]
        return _joined([row for row in rows if row is not None]) if None not in rows else None

    def _known(self, key: object, device: str) -> tuple[Any, ...] | None:
        result = self._results.get(key)
        if result is None:
            return None
        self.hits += 1
        self._results.move_to_end(key)
        # Copies: a pipeline may change what it was given.
        return tuple(None if each is None else each.to(device, copy=True) for each in result)

    def _remember(self, key: tuple[int, object], result: Any) -> None:
        import torch

        if not isinstance(result, tuple) or not all(each is None or isinstance(each, torch.Tensor) for each in result):
            self._opaque.add(key[0])
            return
        self._results[key] = tuple(None if each is None else each.to("cpu", copy=True) for each in result)
        while len(self._results) > self._capacity:
            self._results.popitem(last=False)


def _key_of(value: Any) -> object:
    """Returns something hashable for arguments that consist of texts and numbers; None for any others."""
    import torch

    if isinstance(value, Mapping):
        parts = {name: _key_of(each) for name, each in value.items()}
        return None if None in parts.values() else tuple(parts.items())
    if isinstance(value, list | tuple):
        entries = tuple(_key_of(each) for each in value)
        return None if None in entries else entries
    if isinstance(value, torch.device | torch.dtype):
        return str(value)
    return (type(value), value) if isinstance(value, _SIMPLE) else None


def _single(given: Mapping[str, Any], row: int, batch: int) -> dict[str, Any]:
    """Returns the arguments of the call for one prompt of a batch."""
    return {
        name: value[row] if name.startswith(_TEXTS) and isinstance(value, list) and len(value) == batch else value
        for name, value in given.items()
    }


def _joined(rows: Sequence[tuple[Any, ...]]) -> tuple[Any, ...] | None:
    """Returns the tensors of a batch; None if they cannot be put together, as where their lengths differ."""
    import torch

    tensors: list[Any] = []
    for parts in zip(*rows, strict=True):
        first = parts[0]
        if first is None:
            tensors.append(None)
        elif all(part.shape == first.shape for part in parts) and first.shape[0] == 1:
            tensors.append(torch.cat(parts))
        elif all(torch.equal(part, first) for part in parts):
            tensors.append(first)  # Positions, which FLUX.1's pipelines share among the rows.
        else:
            return None
    return tuple(tensors)
