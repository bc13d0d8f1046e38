"""What cleaning a photographed page may leave on a canvas beside the digits."""

import torch
from torch import Tensor

_PIECE = 8  # pixels, in which a ruled line is there or not


def add_remains(canvases: Tensor, share: float, generator: torch.Generator | None) -> Tensor:
    """The canvases with remains on some of them.

    Pieces of a ruled line, the gap of a rule that was taken out together with what it crossed,
    specks, and a frame's side at the edge, from top to bottom.

    Args:
        canvases: (count, height, width) in [0, 1].
        share: of the canvases that get each of the four.
        generator: all randomness comes from it; None means PyTorch's own.
    """
    count, height, width = canvases.shape
    canvases = canvases.clone()
    x, y = torch.arange(width) + 0.5, torch.arange(height)[:, None] + 0.5

    def uniform(low: float, high: float, *shape: int) -> Tensor:
        return torch.rand(shape, generator=generator) * (high - low) + low

    def chosen() -> Tensor:
        return (uniform(0, 1, count) < share).nonzero().flatten()

    def rules(n: int) -> Tensor:
        middle = uniform(2, height - 2, n, 1, 1) + uniform(-1.5, 1.5, n, 1, 1) * (x / width - 0.5)
        rule = (uniform(0.9, 1.5, n, 1, 1) / 2 + 0.5 - (y - middle).abs()).clamp(0, 1)
        pieces = uniform(0, 1, n, 1, -(-width // _PIECE)) < uniform(0.3, 1, n, 1, 1)
        there = pieces.repeat_interleave(_PIECE, 2)[..., :width]
        return rule * there * uniform(0.3, 1, n, 1, 1)

    def specks(n: int) -> Tensor:
        distance = torch.hypot(x - uniform(0, width, n, 1, 1), y - uniform(0, height, n, 1, 1))
        return (uniform(0.3, 1.7, n, 1, 1) + 0.5 - distance).clamp(0, 1)

    def frames(n: int) -> Tensor:
        edge = uniform(0, 4, n, 1, 1)
        edge = torch.where(uniform(0, 1, n, 1, 1) < 0.5, edge, width - edge)
        side = (uniform(0.9, 1.6, n, 1, 1) / 2 + 0.5 - (x - edge).abs()).clamp(0, 1)
        return side.expand(-1, height, -1)

    lines = chosen()
    canvases[lines] = torch.maximum(canvases[lines], rules(len(lines)))
    lines = chosen()
    canvases[lines] *= 1 - rules(len(lines))
    lines = chosen()
    for _ in range(3):
        canvases[lines] = torch.maximum(canvases[lines], specks(len(lines)))
    lines = chosen()
    canvases[lines] = torch.maximum(canvases[lines], frames(len(lines)))
    return canvases
