"""What passed through a model while it read one drawing: plain data, without a model."""

import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, fields
from pathlib import Path
from typing import BinaryIO

import numpy as np
from torch import Tensor


@dataclass(frozen=True, eq=False)
class AttentionTrace:
    """One attention of one layer; `queries` are patches or steps, `keys` what they look at.

    Attributes:
        before: (queries, model_dim), the residual stream as it arrives.
        read: (queries, model_dim), what the queries are made from: `before`, normalised (by a model
            that normalises sums instead, `norm_first` false: `before` itself).
        query: (heads, queries, head_dim), what every place asks.
        key, value: (heads, keys, head_dim), what every place offers and hands over.
        weights: (heads, queries, keys), rows sum to 1; exactly 0 where a mask hides the key.
        added: (queries, model_dim), what all heads and the output's bias add to the stream.
        after: (queries, model_dim), the stream as it leaves: `before` + `added` (or that sum,
            normalised).
    """

    before: Tensor
    read: Tensor
    query: Tensor
    key: Tensor
    value: Tensor
    weights: Tensor
    added: Tensor
    after: Tensor

    @property
    def scores(self) -> Tensor:
        """(heads, queries, keys), what the softmax is taken of, without any mask."""
        return self.query @ self.key.transpose(-2, -1) / math.sqrt(self.query.shape[-1])

    @property
    def gathered(self) -> Tensor:
        """(heads, queries, head_dim), the values as weighed and summed: what a head found."""
        return self.weights @ self.value


@dataclass(frozen=True, eq=False)
class MLPTrace:
    """The MLP of one layer; a row is a patch or a step.

    Attributes:
        before, read, added, after: (rows, model_dim), as in `AttentionTrace`.
        hidden: (rows, mlp_dim), the activations between its two maps.
    """

    before: Tensor
    read: Tensor
    hidden: Tensor
    added: Tensor
    after: Tensor


@dataclass(frozen=True, eq=False)
class EncoderLayerTrace:
    """One layer of the encoder: its rows are patches."""

    attention: AttentionTrace
    mlp: MLPTrace


@dataclass(frozen=True, eq=False)
class DecoderLayerTrace:
    """One layer of the decoder: its rows are steps; `cross_attention` has patches as keys."""

    self_attention: AttentionTrace
    cross_attention: AttentionTrace
    mlp: MLPTrace


@dataclass(frozen=True, eq=False)
class Trace:
    """All that one canvas became on its way through the model. Float32, on the CPU.

    Attributes:
        canvas: (height, width), 0 = paper, 1 = ink.
        grid: rows and columns of the patches, which are numbered row by row.
        stages: the feature maps after each stage of the stem, (channels, height, width) each; none
            if patches come from one linear map.
        patches: (patches, model_dim), the stem's vector of every patch, without its place.
        patch_places: (patches, model_dim), the vectors of row and column that are added.
        encoder: its layers.
        memory: (patches, model_dim), the last layer's stream, normalised: what the decoder sees.
        tokens: (steps,), the token that every step was given, START first.
        token_vectors: (steps, model_dim), the embedding of each token, without its place.
        token_places: (steps, model_dim), the vector of the step that is added.
        decoder: its layers.
        final: (steps, model_dim), the residual stream after the last layer.
        normalised: (steps, model_dim), the same after the last normalisation.
        logits: (steps, 11), of 0-9 and the end.
    """

    canvas: Tensor
    grid: tuple[int, int]
    stages: list[Tensor]
    patches: Tensor
    patch_places: Tensor
    encoder: list[EncoderLayerTrace]
    memory: Tensor
    tokens: Tensor
    token_vectors: Tensor
    token_places: Tensor
    decoder: list[DecoderLayerTrace]
    final: Tensor
    normalised: Tensor
    logits: Tensor

    @property
    def steps(self) -> int:
        """How many tokens the decoder was given, and so how many distributions it gave."""
        return len(self.tokens)

    def check_step(self, step: int) -> None:
        """Make sure that a step was taken.

        Raises:
            ValueError: if it was not.
        """
        if not 0 <= step < self.steps:
            raise ValueError(f"step must be 0 to {self.steps - 1}, not {step}")

    def arrays(self) -> dict[str, np.ndarray]:
        """Every tensor by a name that counts from 1, such as "encoder.2.attention.weights"."""
        return {name: tensor.numpy() for name, tensor in _named(self)}

    def save_npz(self, file: str | Path | BinaryIO) -> None:
        """Write `arrays`, and the grid, as NumPy arrays."""
        np.savez_compressed(file, allow_pickle=False, grid=np.array(self.grid), **self.arrays())


def as_lists(arrays: Mapping[str, np.ndarray]) -> dict[str, list]:
    """Arrays, such as those of a trace or a receipt, as lists, which JSON can hold.

    Of every 32-bit float the fewest digits are kept that give it back to the last bit: some 12 MB
    of text for all that passed through the shipped model, and what it paid for.
    """
    return {
        name: (array.astype(str).astype(float) if array.dtype == np.float32 else array).tolist()
        for name, array in arrays.items()
    }


def _named(record: object, above: str = "") -> Iterator[tuple[str, Tensor]]:
    """The tensors of a dataclass, those in its lists and dataclasses among them, by name."""
    for field in fields(record):  # type: ignore[arg-type]
        value, name = getattr(record, field.name), above + field.name
        if isinstance(value, Tensor):
            yield name, value
        elif isinstance(value, list):
            for number, item in enumerate(value, 1):
                if isinstance(item, Tensor):
                    yield f"{name}.{number}", item
                else:
                    yield from _named(item, f"{name}.{number}.")
        elif not isinstance(value, tuple):
            yield from _named(value, f"{name}.")
