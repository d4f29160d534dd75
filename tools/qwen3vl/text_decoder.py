"""The text layers of a loaded Qwen3-VL, some tokens at a time for many sequences, with preallocated keys and values.

Computes the same function as the model's own `forward` with fewer and larger operations, because for small models most
of a token's time is the overhead of each operation. The weights are those of the loaded model: the fused matrices
replace the separate ones, which become views of them, so no memory is added. The prompt itself is read by the model.

A token's result does not depend on the others: all products have the same number of rows, and cached positions are
padded, because the CPU's linear algebra takes other code paths for other sizes. Knows neither prompts nor sampling.
Needs all weights on one device.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from torch import Tensor

__all__ = ["TextDecoder", "can_decode"]

_PRODUCT_ROWS = 8
"""Every product has so many rows: with other numbers of rows, results differ in their last bits."""
_BLOCK = 64
"""Cached positions are attended to in multiples of this number, for the same reason."""
_ROOM = 4 * _BLOCK
"""The cache grows by this many positions."""
_ROWS = 4
"""The cache grows by this many rows."""
_FIXED_ROPE = ("default", "linear", "yarn", "llama3")
"""Rotary embeddings that do not change with the length of a sequence."""


def can_decode(model: Any) -> bool:
    """Returns whether `TextDecoder` supports a loaded model: unquantized weights, all on one device."""
    import torch

    if len({parameter.device for parameter in model.parameters()}) != 1 or next(model.parameters()).is_meta:
        return False
    language = model.model.language_model
    linear = (
        getattr(part, name)
        for layer in language.layers
        for part, names in (
            (layer.self_attn, ("q_proj", "k_proj", "v_proj", "o_proj")),
            (layer.mlp, ("gate_proj", "up_proj", "down_proj")),
        )
        for name in names
    )
    return language.rotary_emb.rope_type in _FIXED_ROPE and all(type(each) is torch.nn.Linear for each in linear)


class TextDecoder:
    """Caches keys and values of some sequences, and computes their next logits.

    Sequences occupy the rows 0, 1, … without gaps.

    Attributes:
        reads_several: Whether `next_logits` takes more than one token of a sequence.

    Args:
        model: A loaded `Qwen3VLForConditionalGeneration` for which `can_decode` is true. Its weights are fused.
    """

    reads_several = True

    def __init__(self, model: Any) -> None:
        language = model.model.language_model
        self._rotary = language.rotary_emb
        self._embedding, self._norm, self._head = language.embed_tokens, language.norm, model.lm_head
        self._layers = [_fused(layer) for layer in language.layers]
        attention = language.layers[0].self_attn
        self._head_dim: int = attention.head_dim
        self._heads: int = attention.q_proj.out_features // self._head_dim
        self._kv_heads: int = attention.k_proj.out_features // self._head_dim
        self._scaling: float = attention.scaling
        # The heads that share keys attend as if they were positions of one head: GPUs have fast kernels for that.
        self._folds_groups = self._embedding.weight.device.type != "cpu"
        self._rows = self._positions = 0
        self._cache: Tensor | None = None
        self._views: tuple[tuple[int, int], list[tuple[Tensor, Tensor]]] = ((0, 0), [])

    def reserve(self, rows: int, positions: int) -> None:
        """Makes room for sequences, and keeps what is cached. Other methods except `next_logits` rely on it."""
        import torch

        if rows <= self._rows and positions <= self._positions:
            return
        rows, positions = map(max, (self._rows, self._positions), self._rounded(rows, positions))
        weight = self._embedding.weight
        # Zeros, because masked positions count as weight zero, and zero times an arbitrary value may not be zero.
        cache = torch.zeros(
            len(self._layers), 2, rows, self._kv_heads, positions, self._head_dim,
            dtype=weight.dtype, device=weight.device,
        )  # fmt: skip
        if self._cache is not None:
            cache[:, :, : self._rows, :, : self._positions] = self._cache
        everywhere = torch.arange(positions, device=weight.device)
        cos, sin = self._rotary(weight, everywhere.view(1, 1, -1).expand(3, 1, -1))
        half = self._head_dim // 2
        self._cos, self._signed_sin = cos[0], torch.cat((-sin[0, :, :half], sin[0, :, half:]), -1)
        self._everywhere = everywhere
        self._cache, self._rows, self._positions, self._views = cache, rows, positions, ((0, 0), [])

    def _rounded(self, rows: int, positions: int) -> tuple[int, int]:
        """Returns for how many sequences and positions to make room when these are needed."""
        return -(-rows // _ROWS) * _ROWS, -(-positions // _ROOM) * _ROOM

    def store_prefix(self, row: int, layers: Sequence[tuple["Tensor", "Tensor"]]) -> None:
        """Stores the keys and values of a prompt.

        Args:
            row: The sequence's row.
            layers: For each layer keys and values, of shape (1, key-value heads, positions, head size).
        """
        assert self._cache is not None  # noqa: S101 - reserve() comes first
        for cached, (keys, values) in zip(self._cache, layers, strict=True):
            cached[0, row, :, : keys.shape[2]] = keys[0]
            cached[1, row, :, : keys.shape[2]] = values[0]

    def move(self, source: int, target: int, length: int) -> None:
        """Moves a sequence of `length` positions to another row."""
        assert self._cache is not None  # noqa: S101
        self._cache[:, :, target, :, :length] = self._cache[:, :, source, :, :length]

    def next_logits(self, tokens: Sequence[Sequence[int]], lengths: Sequence[int], offsets: Sequence[int]) -> "Tensor":
        """Appends tokens to each sequence.

        Args:
            tokens: For each row its tokens, as many as for any other row.
            lengths: How many positions of each row are cached; its tokens come after them, and replace what is there.
            offsets: A token's rotary position minus its cache position, for each row.

        Returns:
            The logits after each token, of shape (rows, tokens, vocabulary), in float32.
        """
        rows, each = len(tokens), len(tokens[0])
        needed = max(lengths) + each
        self.reserve(rows, needed)
        width = -(-needed // _BLOCK) * _BLOCK
        padded = -(-rows * each // _PRODUCT_ROWS) * _PRODUCT_ROWS
        return self._compute(self._inputs(tokens, lengths, offsets, padded), rows, each, width)

    def _inputs(
        self,
        tokens: Sequence[Sequence[int]],
        lengths: Sequence[int],
        offsets: Sequence[int],
        count: int,
        device: Any = None,
    ) -> "Tensor":
        """Returns each token with its rotary and cache position, of shape (3, count), padded with zeros."""
        import torch

        inputs = torch.zeros((3, count), dtype=torch.long)
        at = torch.tensor(lengths)[:, None] + torch.arange(len(tokens[0]))
        inputs[:, : at.numel()] = torch.stack([torch.tensor(tokens), at + torch.tensor(offsets)[:, None], at]).flatten(
            1
        )
        return inputs.to(device or self._everywhere.device)

    def _compute(self, inputs: "Tensor", rows: int, each: int, width: int) -> "Tensor":
        """Returns the logits after the first `rows * each` tokens, which attend to `width` cached positions."""
        import torch
        from torch.nn.functional import pad, rms_norm, scaled_dot_product_attention, silu

        count = rows * each
        ids, rotary, at = inputs.unbind()
        at = at[:count]
        of = self._everywhere[:rows, None].expand(-1, each).reshape(-1)
        hidden = self._embedding(ids)
        mask = torch.zeros((count, width), dtype=hidden.dtype, device=hidden.device)
        mask = mask.masked_fill_(self._everywhere[:width] > at[:, None], -torch.inf).view(rows, 1, each, width)
        cos, sin = self._cos[rotary].unsqueeze(1), self._signed_sin[rotary].unsqueeze(1)
        shape = (len(ids), -1, self._head_dim)
        rotated = self._heads + self._kv_heads
        half = self._head_dim // 2
        # A sequence's tokens share its keys as heads do. On a CPU each attends alone, for the same bits; GPUs have fast
        # kernels for one head with many positions.
        folded = (rows, self._kv_heads, self._heads // self._kv_heads, each, self._head_dim)
        if self._folds_groups:
            grouped = False
            queries_shape = (rows, self._kv_heads, self._heads // self._kv_heads * each, self._head_dim)
            mask = mask.expand(-1, self._heads // self._kv_heads, -1, -1).reshape(rows, 1, -1, width)
        else:
            grouped = self._heads != self._kv_heads or each > 1
            queries_shape = (rows, self._heads * each, 1, self._head_dim)
            mask = mask.expand(-1, self._heads, -1, -1).reshape(rows, -1, 1, width)
        for layer, (keys, values) in zip(self._layers, self._views_of(rows, width), strict=True):
            normed = rms_norm(hidden, hidden.shape[-1:], layer.input_norm, layer.epsilon)
            states = _product(normed, layer.qkv, layer.qkv_bias).view(shape)
            turning = rms_norm(states[:, :rotated], (self._head_dim,), None, layer.epsilon) * layer.head_norm
            turning = turning * cos + turning.roll(half, -1) * sin
            keys[of, :, at] = turning[:count, self._heads :]
            values[of, :, at] = states[:count, rotated:]
            queries = turning[:count, : self._heads].view(rows, each, *folded[1:3], -1).permute(0, 2, 3, 1, 4)
            attended = scaled_dot_product_attention(
                queries.reshape(queries_shape), keys, values, mask, scale=self._scaling, enable_gqa=grouped
            )
            attended = attended.view(folded).permute(0, 3, 1, 2, 4).reshape(count, -1)
            if len(ids) > count:
                attended = pad(attended, (0, 0, 0, len(ids) - count))
            hidden = hidden + _product(attended, layer.output, layer.output_bias)
            normed = rms_norm(hidden, hidden.shape[-1:], layer.mlp_norm, layer.epsilon)
            gate, up = _product(normed, layer.gate_up).chunk(2, -1)
            gated = silu(gate) if layer.activation is None else layer.activation(gate)
            hidden = hidden + _product(gated * up, layer.down)
        return _product(self._norm(hidden), self._head.weight)[:count].float().view(rows, each, -1)

    def _views_of(self, rows: int, positions: int) -> list[tuple["Tensor", "Tensor"]]:
        if self._views[0] != (rows, positions):
            assert self._cache is not None  # noqa: S101
            views = [(cached[0, :rows, :, :positions], cached[1, :rows, :, :positions]) for cached in self._cache]
            self._views = (rows, positions), views
        return self._views[1]


@dataclass(frozen=True)
class _Layer:
    input_norm: Any
    qkv: Any
    qkv_bias: Any
    head_norm: Any
    """Scale of each query and key head, of shape (query heads + key heads, head size)."""
    output: Any
    output_bias: Any
    mlp_norm: Any
    gate_up: Any
    down: Any
    epsilon: float
    activation: Any
    """None: SiLU."""


def _product(rows: "Tensor", weight: "Tensor", bias: "Tensor | None" = None) -> "Tensor":
    import torch
    from torch.nn.functional import linear

    if len(rows) <= _PRODUCT_ROWS or rows.device.type != "cpu":
        return linear(rows, weight, bias)
    return torch.cat([linear(block, weight, bias) for block in rows.split(_PRODUCT_ROWS)])


def _fused(layer: Any) -> _Layer:
    import torch

    attention, mlp = layer.self_attn, layer.mlp
    projections = attention.q_proj, attention.k_proj, attention.v_proj
    bias = None if attention.q_proj.bias is None else torch.cat([each.bias.detach() for each in projections])
    head_dim = attention.head_dim
    scales = [
        norm.weight.detach().expand(projection.out_features // head_dim, -1)
        for norm, projection in ((attention.q_norm, attention.q_proj), (attention.k_norm, attention.k_proj))
    ]
    return _Layer(
        layer.input_layernorm.weight.detach(),
        _fuse(*projections),
        bias,
        torch.cat(scales),
        attention.o_proj.weight.detach(),
        None if attention.o_proj.bias is None else attention.o_proj.bias.detach(),
        layer.post_attention_layernorm.weight.detach(),
        _fuse(mlp.gate_proj, mlp.up_proj),
        mlp.down_proj.weight.detach(),
        layer.input_layernorm.variance_epsilon,
        None if mlp.config.hidden_act in {"silu", "swish"} else mlp.act_fn,
    )


def _fuse(*modules: Any) -> "Tensor":
    """Returns the modules' weights in one matrix, of which they become views; they may have been before."""
    import torch

    weights = [module.weight.detach() for module in modules]
    fused = _adjacent(weights)
    if fused is not None:
        return fused
    fused = torch.cat(weights)
    start = 0
    for module in modules:
        end = start + module.out_features
        module.weight = torch.nn.Parameter(fused[start:end], requires_grad=False)
        start = end
    return fused


def _adjacent(weights: Sequence["Tensor"]) -> "Tensor | None":
    """Returns matrices that follow each other in memory as one; None if they do not."""
    first = weights[0]
    end = first.storage_offset()
    for weight in weights:
        same = weight.untyped_storage().data_ptr() == first.untyped_storage().data_ptr()
        if not (same and weight.is_contiguous() and weight.storage_offset() == end and weight.dtype == first.dtype):
            return None
        end += weight.numel()
    rows, columns = sum(weight.shape[0] for weight in weights), first.shape[1]
    return first.as_strided((rows, columns), (columns, 1), first.storage_offset())
