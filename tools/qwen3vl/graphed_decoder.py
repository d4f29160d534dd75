"""Decoding with CUDA graphs: a step's operations are recorded once and then started all at once.

On a GPU, a step of a model with 36 layers is some thousand small operations, and starting each of them from Python
takes longer than computing it. A graph has fixed shapes, so a step is recorded for each number of rows, rounded up to
a power of two, and for each 512 cached positions; the tokens, their positions and the cache are at fixed addresses.
The operations are those of `TextDecoder`.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol

from .text_decoder import TextDecoder

if TYPE_CHECKING:
    import torch
    from torch import Tensor

__all__ = ["CudaGraphs", "GraphedDecoder", "StepRecorder"]

_LEAST_ROWS = 4
_WIDTH = 512
"""Cached positions are attended to in multiples of this number: fewer graphs, for a little more reading."""
_ROOM = 2 * _WIDTH
"""The cache grows by this many positions; every growth discards the graphs."""
_WARM_UPS = 2
"""How often a step runs before it is recorded: libraries allocate what they need at their first calls."""


class StepRecorder(Protocol):
    """Records a function that works on tensors at fixed addresses."""

    def record(self, step: "Callable[[], Tensor]") -> "tuple[Callable[[], None], Tensor]":
        """Returns what repeats the function, and the tensor that its result is in afterwards."""
        ...


class CudaGraphs:
    """Records CUDA graphs, which share their temporary memory, so that one may run at a time.

    Args:
        device: The device that the steps run on.
    """

    def __init__(self, device: "torch.device") -> None:
        self._device = device
        self._pool: Any = None

    def record(self, step: "Callable[[], Tensor]") -> "tuple[Callable[[], None], Tensor]":
        """See `StepRecorder.record`. The function must not wait for the device."""
        import torch

        with torch.cuda.device(self._device):
            stream = torch.cuda.Stream()
            stream.wait_stream(torch.cuda.current_stream())
            with torch.cuda.stream(stream):
                for _ in range(_WARM_UPS):
                    step()
            torch.cuda.current_stream().wait_stream(stream)
            graph = torch.cuda.CUDAGraph()
            # Other threads of this process may use the GPU meanwhile.
            with torch.cuda.graph(graph, pool=self._pool, capture_error_mode="thread_local"):
                result = step()
        self._pool = self._pool or graph.pool()
        return graph.replay, result


@dataclass(frozen=True)
class _RecordedStep:
    inputs: "Tensor"
    repeat: Callable[[], None]
    logits: "Tensor"


class GraphedDecoder(TextDecoder):
    """A `TextDecoder` whose steps are recorded.

    Args:
        model: As for `TextDecoder`.
        recorder: Records a step.
    """

    reads_several = False  # A graph has one token for each row.

    def __init__(self, model: Any, recorder: StepRecorder) -> None:
        super().__init__(model)
        self._recorder = recorder
        self._recorded: dict[tuple[int, int], _RecordedStep] = {}
        """By number of rows and of attended positions; all of them read and write the present cache."""

    def reserve(self, rows: int, positions: int) -> None:
        """See `TextDecoder.reserve`."""
        before = self._cache
        super().reserve(rows, positions)
        if self._cache is not before:
            self._recorded.clear()

    def _rounded(self, rows: int, positions: int) -> tuple[int, int]:
        return _rows_for(rows), -(-positions // _ROOM) * _ROOM

    def next_logits(self, tokens: Sequence[Sequence[int]], lengths: Sequence[int], offsets: Sequence[int]) -> "Tensor":
        """See `TextDecoder.next_logits`."""
        rows = _rows_for(len(tokens))
        width = -(-(max(lengths) + 1) // _WIDTH) * _WIDTH
        self.reserve(rows, width)
        inputs = self._inputs(tokens, lengths, offsets, rows, "cpu")
        step = self._recorded.get((rows, width))
        if step is None:
            step = self._recorded[rows, width] = self._record(inputs, rows, width)
        # Rows without a sequence write to the first position of theirs, which a new sequence overwrites.
        step.inputs.copy_(inputs)
        step.repeat()
        return step.logits[: len(tokens)].clone()

    def _record(self, inputs: "Tensor", rows: int, width: int) -> _RecordedStep:
        fixed = inputs.to(self._everywhere.device, copy=True)
        repeat, logits = self._recorder.record(lambda: self._compute(fixed, rows, 1, width))
        return _RecordedStep(fixed, repeat, logits)


def _rows_for(rows: int) -> int:
    return max(_LEAST_ROWS, 1 << (rows - 1).bit_length())
