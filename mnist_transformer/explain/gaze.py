"""Take the decoder by the hand: say where it is to look, and see what it reads.

At one step the softmax of chosen cross-attention heads gives way to a given map; all else goes on
as always, the next steps included. Attention maps show where a head looks, this shows what comes of
it: on the shipped weights, the last layer alone reads whatever digit it is pointed at, and the
first layer alone changes almost nothing.
"""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass

import torch
from torch import Tensor

from ..attention import MultiHeadAttention, WeightChange, replace_weights
from ..config import INK, Config
from ..reading import Reading
from ..transformer import Transformer
from .heads import Head, all_heads
from .interventions import Intervention, edited, without_silent_heads


@dataclass(frozen=True, eq=False)
class Gaze:
    """Where cross-attention is to look at one step.

    Attributes:
        step: from 0.
        weights: (patches,) for all heads alike, or (layers, heads, patches): at least 0, and every
            row sums to 1. `spread` makes them of what was painted.
        heads: which heads of cross-attention; None is all of them.
    """

    step: int
    weights: Tensor
    heads: frozenset[Head] | None = None


@contextmanager
def painted(model: Transformer, *gazes: Gaze) -> Iterator[None]:
    """Let `model` look where the gazes say, inside the `with` block and in this thread alone.

    Whatever reads, traces or attributes in the block does so with the gaze, a whole batch with the
    same. Where two gazes are of one head and step, the later has the last word.

    Raises:
        ValueError: if a step, a head or the size of a map is not this model's, or a map's numbers
            are below 0 or do not sum to 1.

    >>> with painted(model, Gaze(0, where_it_looked(reading, 2))):
    ...     model.read_canvases(reading.canvas[None])[0].digits[0] == reading.digits[2]
    True
    """
    config = model.config
    whole = [(gaze, _every_head(gaze, config)) for gaze in gazes]
    cross = (head for head in all_heads(config) if head.attention == "cross")
    modules = {layer: module for kind, layer, module in model.attentions() if kind == "cross"}
    # By module, and in it by step, the heads' maps.
    maps: dict[MultiHeadAttention, dict[int, dict[int, Tensor]]] = {}
    for head in cross:
        for gaze, weights in whole:
            if gaze.heads is None or head in gaze.heads:
                steps = maps.setdefault(modules[head.layer], {})
                steps.setdefault(gaze.step, {})[head.head] = weights[head.layer, head.head]
    with replace_weights({module: _looking(steps) for module, steps in maps.items()}):
        yield


def read_painted(
    model: Transformer,
    canvas: Tensor,
    gazes: Sequence[Gaze],
    change: Intervention | None = None,
) -> Reading:
    """Read one canvas, (height, width), looking where the gazes say, with all maps recorded.

    Args:
        model: in evaluation mode.
        canvas: such as `reading.canvas`.
        gazes: as in `painted`.
        change: what else is changed in the model. A head that is off adds nothing, wherever it is
            made to look.

    Raises:
        ValueError: as `painted` and `edited`; if the reading ends before a step that was painted;
            or if the model is in training mode.
    """
    change = change or Intervention()
    changed = edited(model, change)
    with painted(changed, *gazes):
        reading = changed.read_canvases(canvas[None], attention=True)[0]
    last = max((gaze.step for gaze in gazes), default=-1)
    if reading.steps and last >= reading.steps:
        raise ValueError(
            f"the reading ends with step {reading.steps - 1}, so that step {last}, for which a "
            "gaze was given, is never taken"
        )
    return without_silent_heads(reading, change)


def spread(paint: Tensor, grid: tuple[int, int]) -> Tensor:
    """What was painted on a drawing as shares of attention: (patches,), summing to 1.

    Args:
        paint: (height, width), at least 0, of which 0 is left out; a number for every patch or, as
            a brush leaves it, for every pixel, of which each patch takes the mean.
        grid: rows and columns of the patches, such as `reading.maps.grid`.

    Raises:
        ValueError: if the paint is of another size than the grid or a multiple of it, holds
            numbers below 0, or nothing is painted.
    """
    rows, columns = grid
    fits = paint.dim() == 2 and all(
        n and n % m == 0 for n, m in zip(paint.shape, grid, strict=True)
    )
    if not fits:
        raise ValueError(
            f"paint must be {rows} x {columns} patches, or a multiple of it in pixels, not "
            f"{' x '.join(map(str, paint.shape))}"
        )
    if not (paint.isfinite() & (paint >= 0)).all():
        raise ValueError("paint must be at least 0 everywhere")
    patches = paint.float().unflatten(0, (rows, -1)).unflatten(2, (columns, -1)).mean((1, 3))
    if not patches.any():
        raise ValueError("nothing is painted: there is no place to look at")
    return (patches / patches.sum()).flatten()


def where_it_looked(reading: Reading, step: int) -> Tensor:
    """The maps of another step, head by head: (layers, heads, patches).

    Raises:
        ValueError: if the reading has no maps or no such step.
    """
    maps = reading.maps.cross
    reading.check_step(step)
    return maps[:, :, step]


def all_digits(reading: Reading) -> Tensor:
    """All digits at once: the mean of the maps of their steps, (layers, heads, patches).

    Raises:
        ValueError: if the reading has no maps or no digits.
    """
    maps = reading.maps.cross
    if not reading.digits:
        raise ValueError("no digit was read, so there is none to look at")
    return maps[:, :, : len(reading.digits)].mean(2)


def between_digits(reading: Reading, step: int) -> Tensor:
    """The gap after a digit: one column of patches, (patches,), midway between two steps' gazes.

    Args:
        reading: with maps.
        step: of the digit before the gap.

    Raises:
        ValueError: if the reading has no maps, or no digit follows that step.
    """
    if not 0 <= step < len(reading.digits) - 1:
        raise ValueError(f"no two digits were read at steps {step} and {step + 1}")
    rows, columns = grid = reading.maps.grid
    looked = reading.maps.cross[:, :, step : step + 2].mean((0, 1))  # (2, patches)
    across = looked.unflatten(1, grid).sum(1)  # (2, columns)
    middle = (across @ torch.arange(columns).float()).mean()
    paint = torch.zeros(rows, columns)
    paint[:, int(middle.round())] = 1
    return spread(paint, grid)


def blank_paper(reading: Reading) -> Tensor:
    """All patches without ink alike: (patches,).

    Raises:
        ValueError: if the reading has no maps, or every patch has ink.
    """
    rows, columns = grid = reading.maps.grid
    pixels = reading.canvas.unflatten(0, (rows, -1)).unflatten(2, (columns, -1))
    return spread((pixels.amax((1, 3)) < INK).float(), grid)


def _every_head(gaze: Gaze, config: Config) -> Tensor:
    """The gaze's weights as (layers, heads, patches), once it is sure that they fit the model."""
    if not 0 <= gaze.step < config.max_steps:
        raise ValueError(f"step must be 0 to {config.max_steps - 1}, not {gaze.step}")
    for head in gaze.heads or ():
        if head.attention != "cross" or head not in all_heads(config):
            raise ValueError(f"a gaze is of this model's cross-attention heads, not of {head}")
    weights, size = gaze.weights, (config.decoder_layers, config.num_heads, config.num_patches)
    if weights.shape not in (size, size[-1:]):
        raise ValueError(
            f"a gaze's weights must be ({size[-1]},) or {size}, not {tuple(weights.shape)}"
        )
    sums = weights.sum(-1)
    if not (weights >= 0).all() or not torch.allclose(sums, torch.ones_like(sums), atol=1e-4):
        raise ValueError("a gaze's weights must be at least 0, and every row must sum to 1")
    return weights.expand(size)


def _looking(steps: dict[int, dict[int, Tensor]]) -> WeightChange:
    """What puts the heads' maps in the place of the softmax at their steps."""

    def look(weights: Tensor, first: int) -> Tensor:
        weights = weights.clone()  # (batch, heads, queries, patches)
        for step, heads in steps.items():
            if 0 <= step - first < weights.shape[2]:
                for head, given in heads.items():
                    weights[:, head, step - first] = given.to(weights)
        return weights

    return look
