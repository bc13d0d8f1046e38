"""What each head does, over many lines: names that hold.

One drawing's map tempts one to see a habit that the next drawing does not have. Here every head is
watched on many lines: which share of its attention goes to what, how often that is its largest
share, and where it does so most.

Where a digit stands is not asked of attention itself, or a head would be named by itself: a digit
stands where the receipt says that its answer was paid for, and every patch with ink belongs to the
nearest digit.
"""

from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn import functional as F

from ..config import INK
from ..reading import Reading
from ..transformer import Transformer
from .activations import Trace
from .attribution import attribute
from .heads import Head, all_heads
from .trace import trace

# What a head may look at; every key belongs to exactly one. For cross-attention the query is the
# step of a digit, for the decoder's own heads a step after the first, for the encoder's a patch
# with ink.
PLACES = {
    "cross": ["the digit it reads", "the digit before", "the digit after", "other digits", "paper"],
    "decoder": ["the start", "the last token", "the token before that", "older tokens"],
    "encoder": ["itself", "its neighbours", "the same digit", "other digits", "paper"],
}
NO_HABIT = "no habit"
MOST = 0.6  # a head has a habit if so much of its attention goes to one of these


@dataclass(frozen=True, eq=False)
class Habit:
    """What one head does on average.

    Attributes:
        shares: of its attention, by what it goes to (`PLACES`); they sum to 1.
        name: what it looks at, if most of its attention goes there in either half of the lines, so
            that other lines would give the same name; else "no habit".
        holds: how often that, or else its largest share, is the largest: 0 to 1 of all queries.
        entropy: in bits, the mean over queries; 0 for one key alone, 6.8 for 112 alike.
        width: how far its attention is spread across, as a standard deviation in columns of patches
            (for the decoder's own heads, in tokens).
        example: the line and the query (a step, or a patch) at which most of its attention goes
            there, both counted from 0.
    """

    shares: dict[str, float]
    name: str
    holds: float
    entropy: float
    width: float
    example: tuple[int, int]


@torch.no_grad()
def head_habits(model: Transformer, canvases: Tensor) -> dict[Head, Habit]:
    """Watch every head on many lines, such as `make_lines` writes with a generator of its own seed.

    Args:
        model: in evaluation mode.
        canvases: (lines, height, width), 0 = paper, 1 = ink; those in which no digit is read are
            left out.

    Raises:
        ValueError: if fewer than two digits are read in every line, the canvases do not fit the
            model, or the model is in training mode.
    """
    seen: dict[str, list[Tensor]] = {}  # kind -> of every line (layers, heads, queries, what)
    queries: dict[str, list[tuple[int, int]]] = {kind: [] for kind in PLACES}
    for number, reading in enumerate(model.read_canvases(canvases)):
        if len(reading.digits) < 2:
            continue
        traced = trace(model, reading)
        for kind, (weights, places, across, own) in _looks(model, reading, traced).items():
            seen.setdefault(kind, []).append(
                _measured(weights, F.one_hot(places, len(PLACES[kind])).float(), across)
            )
            queries[kind] += [(number, query) for query in own]
    if not seen:
        raise ValueError("habits take lines of at least two digits; none was read")
    measured = {kind: torch.cat(lines, 2) for kind, lines in seen.items()}
    return {
        head: _habit(
            PLACES[head.attention],
            measured[head.attention][head.layer, head.head],
            queries[head.attention],
        )
        for head in all_heads(model.config)
    }


def _habit(names: list[str], measured: Tensor, queries: list[tuple[int, int]]) -> Habit:
    """One head's habit, from (queries, places + 2): shares, entropy and width of every query."""
    shares, (entropy, width) = measured[:, : len(names)], measured[:, len(names) :].mean(0).tolist()
    means = shares.mean(0)
    most = int(means.argmax())
    odd = torch.tensor([line % 2 == 1 for line, _ in queries])
    halves = [half[:, most].mean() for half in (shares[odd], shares[~odd]) if len(half)]
    return Habit(
        shares=dict(zip(names, means.tolist(), strict=True)),
        name=names[most] if min(halves) >= MOST else NO_HABIT,
        holds=float((shares.argmax(1) == most).float().mean()),
        entropy=entropy,
        width=width,
        example=queries[int(shares[:, most].argmax())],
    )


def _measured(weights: Tensor, places: Tensor, across: Tensor) -> Tensor:
    """(layers, heads, queries, places + 2): the shares, the entropy in bits, the width.

    Args:
        weights: (layers, heads, queries, keys).
        places: (queries, keys, places), 1 for what each key is to each query, else 0.
        across: (keys,), where each key stands across the drawing or in the line.
    """
    shares = torch.einsum("lhqk,qkp->lhqp", weights, places)
    entropy = torch.special.entr(weights).sum(-1, keepdim=True) / torch.log(torch.tensor(2.0))
    middle = weights @ across
    width = (weights @ across**2 - middle**2).clamp(min=0).sqrt().unsqueeze(-1)
    return torch.cat([shares, entropy, width], -1)


def _looks(
    model: Transformer, reading: Reading, traced: Trace
) -> dict[str, tuple[Tensor, Tensor, Tensor, list[int]]]:
    """By kind: weights, what each key is, where it stands (see `_measured`), and the queries."""
    rows, columns = traced.grid
    digits = len(reading.digits)
    row, column = torch.meshgrid(torch.arange(rows), torch.arange(columns), indexing="ij")
    where = torch.stack([row.flatten(), column.flatten()], 1).float()  # (patches, 2)
    pixels = traced.canvas.unflatten(0, (rows, -1)).unflatten(2, (columns, -1))
    has_ink = (pixels.amax((1, 3)) > INK).flatten()

    chosen = reading.distributions.argmax(-1)[:digits]
    paid = attribute(model, traced).patches[torch.arange(digits), chosen].sum((1, 2)).clamp(min=0)
    middles = (paid @ where) / paid.sum(1, keepdim=True).clamp(min=1e-9)  # (digits, 2)
    digit_of = torch.cdist(where, middles).argmin(1)  # of every patch

    ahead = digit_of - torch.arange(digits)[:, None]  # (steps, patches): how many digits on
    cross = torch.full_like(ahead, 3)
    for place, distance in enumerate((0, -1, 1)):
        cross[ahead == distance] = place
    cross[:, ~has_ink] = 4

    steps = torch.arange(1, traced.steps)
    tokens = torch.arange(traced.steps)
    back = (steps[:, None] - tokens).clamp(min=0)  # masked keys have no weight
    own = (back + 1).clamp(max=3)
    own[:, 0] = 0

    inked = has_ink.nonzero().flatten()
    far = (where[inked, None] - where).abs().amax(2)  # (inked, patches), as a king walks
    within = torch.where(digit_of[inked, None] == digit_of, 2, 3)
    within[far <= 1] = 1
    within[:, ~has_ink] = 4
    within[far == 0] = 0

    def weights(name: str, stack: list) -> Tensor:
        return torch.stack([getattr(layer, name).weights for layer in stack])

    return {
        "cross": (
            weights("cross_attention", traced.decoder)[:, :, :digits],
            cross,
            where[:, 1],
            list(range(digits)),
        ),
        "decoder": (
            weights("self_attention", traced.decoder)[:, :, 1:],
            own,
            tokens.float(),
            steps.tolist(),
        ),
        "encoder": (
            weights("attention", traced.encoder)[:, :, inked],
            within,
            where[:, 1],
            inked.tolist(),
        ),
    }
