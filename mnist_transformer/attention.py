"""Multi-head attention, and a way to watch it (Vaswani et al. 2017, "Attention Is All You Need").

One class serves all three places: encoder self-attention (every patch looks at every patch),
masked decoder self-attention (every token looks at itself and the tokens before it) and
cross-attention (every token looks at the patches).
"""

import math
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from typing import NamedTuple

from torch import Tensor, nn
from torch.nn import functional as F


class MultiHeadAttention(nn.Module):
    """softmax(Q K^T / sqrt(head_dim)) V, in `num_heads` subspaces at once.

    Args:
        model_dim: width of a token; divisible by `num_heads`.
        num_heads: number of heads; each works in `model_dim // num_heads` dimensions.
        dropout: share of attention weights dropped in training, in [0, 1).
    """

    def __init__(self, model_dim: int, num_heads: int, dropout: float = 0.0):
        super().__init__()
        if model_dim % num_heads:
            raise ValueError(f"model_dim {model_dim} is not divisible by num_heads {num_heads}")
        self.num_heads = num_heads
        self.dropout = dropout
        self.query = nn.Linear(model_dim, model_dim)
        self.key = nn.Linear(model_dim, model_dim)
        self.value = nn.Linear(model_dim, model_dim)
        self.output = nn.Linear(model_dim, model_dim)

    def forward(
        self, x: Tensor, memory: Tensor | None = None, mask: Tensor | None = None
    ) -> Tensor:
        """Let every position of `x` attend to `memory`, or to `x` itself.

        Args:
            x: (batch, queries, model_dim).
            memory: (batch, keys, model_dim); None means self-attention.
            mask: boolean, broadcastable to (batch, heads, queries, keys); True = may look.

        Returns:
            (batch, queries, model_dim).
        """
        return self.attend(x, *self.project(x if memory is None else memory), mask)

    def project(self, memory: Tensor) -> tuple[Tensor, Tensor]:
        """Keys and values of `memory`, each (batch, heads, keys, head_dim).

        Apart from `forward` so that decoding can compute them once and keep them.
        """
        return self._split_heads(self.key(memory)), self._split_heads(self.value(memory))

    def attend(
        self, x: Tensor, key: Tensor, value: Tensor, mask: Tensor | None = None, first: int = 0
    ) -> Tensor:
        """As `forward`, with keys and values that `project` already made.

        Args:
            x, mask: as in `forward`.
            key, value: (batch, heads, keys, head_dim).
            first: the place of `x`'s first token in its line, for whoever replaces weights.
        """
        query = self._split_heads(self.query(x))  # (batch, heads, queries, head_dim)
        dropout = self.dropout if self.training else 0.0
        records = [record for record in _records.get() if self in record]
        changes = [change[self] for change in _changes.get() if self in change]
        if records or changes:
            weights = attention_weights(query, key, mask)
            for change in changes:
                weights = change(weights, first)
            for record in records:
                record.add(self, AttentionCall(query, key, value, weights))
            heads = F.dropout(weights, dropout) @ value  # (batch, heads, queries, head_dim)
        else:
            # The same formula in one fused kernel, which never holds the weights in memory.
            heads = F.scaled_dot_product_attention(query, key, value, mask, dropout)
        # (batch, heads, queries, head_dim) -> (batch, queries, model_dim): heads side by side.
        return self.output(heads.transpose(1, 2).flatten(2))

    def _split_heads(self, x: Tensor) -> Tensor:
        """(batch, length, model_dim) -> (batch, heads, length, head_dim)."""
        return x.unflatten(2, (self.num_heads, -1)).transpose(1, 2)


def attention_weights(query: Tensor, key: Tensor, mask: Tensor | None = None) -> Tensor:
    """softmax(Q K^T / sqrt(head_dim)), (batch, heads, queries, keys).

    Every row sums to 1; where `mask` is False the weight is exactly 0.
    """
    # (batch, heads, queries, head_dim) @ (batch, heads, head_dim, keys)
    scores = query @ key.transpose(-2, -1) / math.sqrt(query.shape[-1])
    if mask is not None:
        scores = scores.masked_fill(~mask, -math.inf)
    return scores.softmax(dim=-1)


class AttentionCall(NamedTuple):
    """All that one call of an attention module worked with.

    Attributes:
        query: (batch, heads, queries, head_dim), what every position asks.
        key, value: (batch, heads, keys, head_dim), what every place offers and hands over.
        weights: (batch, heads, queries, keys), how much each query takes from each key.
    """

    query: Tensor
    key: Tensor
    value: Tensor
    weights: Tensor


class AttentionRecord(dict[MultiHeadAttention, list[AttentionCall]]):
    """The calls of every recorded module, in order: one for a layer of the encoder, and for one of
    the decoder one per decoding step, or one for all steps together in teacher forcing.
    """

    def __init__(self, modules: Iterable[MultiHeadAttention], keep_graph: bool = False):
        super().__init__((module, []) for module in modules)
        self._keep_graph = keep_graph

    def add(self, module: MultiHeadAttention, call: AttentionCall) -> None:
        """Keep one call of a module that is recorded."""
        if not self._keep_graph:
            call = AttentionCall(*(tensor.detach() for tensor in call))
        self[module].append(call)


# A context variable, not an attribute of the modules: every thread has its own, so two people may
# read with one shared model at the same time and each record sees only its own reading.
_records: ContextVar[tuple[AttentionRecord, ...]] = ContextVar("records", default=())


@contextmanager
def record_attention(*parts: nn.Module, keep_graph: bool = False) -> Iterator[AttentionRecord]:
    """Keep what every attention in `parts` works with, call by call, inside the `with` block.

    Args:
        *parts: a model, or parts of one. Only the attentions in them are recorded and pay for it:
            `record_attention(*(layer.cross_attention for layer in model.decoder.layers))`.
        keep_graph: whether what is kept stays part of the computation, so that gradients reach it.

    >>> with record_attention(model) as record:
    ...     model.read_canvases(canvases)
    >>> record[model.encoder.layers[0].attention][0].weights.shape
    torch.Size([1, 4, 112, 112])
    """
    modules = [module for part in parts for module in part.modules()]
    attentions = [module for module in modules if isinstance(module, MultiHeadAttention)]
    record = AttentionRecord(attentions, keep_graph)
    token = _records.set((*_records.get(), record))
    try:
        yield record
    finally:
        _records.reset(token)


# Given the weights, (batch, heads, queries, keys), and the place of the first query in its line:
# the weights that are taken instead.
WeightChange = Callable[[Tensor, int], Tensor]

_changes: ContextVar[tuple[Mapping[MultiHeadAttention, WeightChange], ...]] = ContextVar(
    "changes", default=()
)


@contextmanager
def replace_weights(changes: Mapping[MultiHeadAttention, WeightChange]) -> Iterator[None]:
    """Put other weights in the place of the softmax of some attentions, inside the `with` block.

    Like a record, the change is this thread's alone and leaves nothing on the model. Records keep
    the weights that were taken. Of nested blocks, the inner one has the last word.
    """
    token = _changes.set((*_changes.get(), changes))
    try:
        yield
    finally:
        _changes.reset(token)
