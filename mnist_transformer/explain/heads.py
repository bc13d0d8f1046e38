"""The attention heads of a model by name, and the numbers of one: plain data, without a model."""

from dataclasses import dataclass

from torch import Tensor

from ..config import Config

# What people call each kind of attention; layers and heads are named from 1.
NAMES = {"encoder": "encoder", "decoder": "self", "cross": "cross"}


@dataclass(frozen=True, order=True)
class Head:
    """One attention head: `attention` is "encoder", "decoder" or "cross"; the rest count from 0."""

    attention: str
    layer: int
    head: int

    @property
    def name(self) -> str:
        """What people call it, e.g. "encoder 2, head 3", "self 1, head 1" or "cross 1, head 4"."""
        return f"{NAMES[self.attention]} {self.layer + 1}, head {self.head + 1}"

    @property
    def group(self) -> str:
        """It and its neighbours in the same attention, e.g. "cross 1, all heads"."""
        return f"{NAMES[self.attention]} {self.layer + 1}, all heads"

    @property
    def layer_name(self) -> str:
        """The layer it is a part of, e.g. "decoder 1"."""
        stack = "encoder" if self.attention == "encoder" else "decoder"
        return f"{stack} {self.layer + 1}"

    def dimensions(self, config: Config) -> slice:
        """Which of a token's dimensions are the head's."""
        size = config.model_dim // config.num_heads
        return slice(self.head * size, (self.head + 1) * size)


def all_heads(config: Config) -> list[Head]:
    """Every head of a model: the encoder's, the decoder's own, those of cross-attention."""
    layers = {
        "encoder": config.encoder_layers,
        "decoder": config.decoder_layers,
        "cross": config.decoder_layers,
    }
    return [
        Head(attention, layer, head)
        for attention, count in layers.items()
        for layer in range(count)
        for head in range(config.num_heads)
    ]


@dataclass(frozen=True, eq=False)
class HeadStep:
    """The numbers of one head for one query and one key, in the order of the formula.

    Attributes:
        query, key, value: (head_dim,) what is asked, what the place offers, what it hands over.
        products: (head_dim,) query * key.
        score: the products' sum, divided by sqrt(head_dim).
        scores: (keys,) the scores of all keys that may be seen.
        weights: (keys,) the softmax of the scores; they sum to 1.
        weight: that of this key.
        output: (head_dim,) what comes out of the head: the values of all keys, by their weights.
    """

    query: Tensor
    key: Tensor
    value: Tensor
    products: Tensor
    score: float
    scores: Tensor
    weights: Tensor
    weight: float
    output: Tensor
