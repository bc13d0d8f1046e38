"""A hand: all in which one person's way of writing a line differs from another's."""

from dataclasses import dataclass

import torch
from torch import Tensor

ODD_SHARE = 0.4  # of the lines at full augmentation: those with wide gaps, slopes and the like
CLUMP_SHARE = 0.8  # of the lines of two digits at full augmentation: written over each other
WIDE_GAP_DIGITS = 5  # lines of more digits have no room for gaps wider than a digit


@dataclass(frozen=True, eq=False)
class Hand:
    """The hands of a batch of lines, one a line, and how each digit departs from its line's.

    What a line shares is (lines, 1), what every digit has of its own (lines, slots). Lengths are
    in line heights, if nothing else is said.

    Attributes:
        slant: pixels to the right for each pixel up.
        turn: radians, clockwise.
        aspect: width : height, 1 as the digit's source wrote it.
        evenness: 0 for digits of one height, 1 for digits of the heights their source gave them.
        gap: paper before each digit.
        cell: above 0, the share of a cell of one width that narrow digits leave empty.
        least_gap: what `gap` is at least, whatever `cell` adds; far apart in some lines.
        is_clump: (lines, 1) bool, two digits written over each other, at any height.
        step: in clumps, how far a digit's middle lies to the right of the one before.
        height: of the line, in canvas heights, where it fits.
        shrinking: what is left of that height where sizes or slope need room; else 1.
        size: of each digit.
        baseline: how far each digit lies below the line's middle.
        offset: how far the line lies below the canvas's middle, in pixels.
        stroke: -1 to 1, strokes thinner or thicker.
        stroke_limits: 1 where `stroke` holds for thin and thick strokes alike, 0 where thick ones
            do not grow and thin ones do not shrink.
        bend: (digits that are there, 2, 4, 4), displacements of a coarse net over each digit, in
            pixels of its image.
        sharpness: contrast of the strokes' edges, from 1.
        start: 0 to 1, from the leftmost to the rightmost place of the line on its canvas.
    """

    slant: Tensor
    turn: Tensor
    aspect: Tensor
    evenness: Tensor
    gap: Tensor
    cell: Tensor
    least_gap: Tensor
    is_clump: Tensor
    step: Tensor
    height: Tensor
    shrinking: Tensor
    size: Tensor
    baseline: Tensor
    offset: Tensor
    stroke: Tensor
    stroke_limits: float
    bend: Tensor
    sharpness: Tensor
    start: Tensor

    @classmethod
    def sample(
        cls,
        present: Tensor,
        *,
        augmentation: float = 1.0,
        generator: torch.Generator | None = None,
        clump_share: float | None = None,
    ) -> "Hand":
        """Hands for lines whose digits are where `present`, (lines, slots) bool, is True.

        Args:
            present: which slots hold a digit.
            augmentation: from 0, what a person might write, to 1 (see `make_lines`).
            generator: all randomness comes from it; None means PyTorch's own.
            clump_share: as in `make_lines`.
        """
        lines, slots = present.shape
        length = present.sum(1, keepdim=True)

        def uniform(low: float, high: float, *shape: int) -> Tensor:
            return torch.rand(shape, generator=generator) * (high - low) + low

        def normal(spread: float, *shape: int) -> Tensor:
            return torch.randn(shape, generator=generator) * spread

        more = 1 + 0.4 * augmentation
        slant = normal(0.16 * more, lines, 1) + normal(0.05 * more, lines, slots)
        turn = normal(0.06 * more, lines, 1) + normal(0.06 * more, lines, slots)
        aspect = torch.exp(normal(0.15 * more, lines, 1) + normal(0.07 * more, lines, slots))
        evenness = uniform(0, 1, lines, 1)
        # Most leave tight or wide gaps between the digits; some give every digit a cell of one
        # width.
        gap = 0.8 * uniform(0, 1, lines, 1) ** 2 - 0.04 + normal(0.04, lines, slots)
        gap = gap.clamp(min=-0.05 - 0.2 * augmentation)
        cell = uniform(-1, 1, lines, 1).clamp(min=0)
        odd = ODD_SHARE * augmentation
        least_gap = torch.full_like(gap, -1)
        if odd:
            far = (uniform(0, 1, lines, 1) < odd) & (length <= WIDE_GAP_DIGITS)
            width = uniform(0.2, 1.5, lines, 1) * uniform(0.6, 1, lines, slots)
            here = uniform(0, 1, lines, slots) < uniform(0.3, 1.5, lines, 1)
            least_gap = torch.where(far & here, width, least_gap)
        height = uniform(0.5, 0.86 + 0.08 * augmentation, lines, 1)
        size = torch.exp(normal(0.07, lines, slots)).clamp(0.8, 1.1)
        drift = normal(0.03, lines, 1)
        baseline = drift * torch.arange(slots) + normal(0.06, lines, slots)
        shrinking = torch.ones(lines, 1)
        if odd:
            slopes, mixed = uniform(0, 1, 2, lines, 1) < odd / 2
            shrinking = torch.where(slopes | mixed, uniform(0.6, 0.9, lines, 1), shrinking)
            size = torch.where(mixed, torch.exp(normal(0.25, lines, slots)), size)
            baseline = baseline + slopes * uniform(-0.2, 0.2, lines, 1) * torch.arange(slots)
        is_clump, step = torch.zeros(lines, 1, dtype=torch.bool), torch.zeros(lines, slots)
        if odd:
            if clump_share is None:
                clump_share = CLUMP_SHARE * augmentation
            is_clump = (uniform(0, 1, lines, 1) < clump_share) & (length == 2)
            step = uniform(0.05, 1, lines, slots)
            fall = uniform(-1, 1, lines, 1)
            baseline = torch.where(is_clump, fall * torch.arange(slots), baseline)
            whole = uniform(0.6, 0.95, lines, 1)
            height = torch.where(is_clump, whole / (1 + fall.abs()), height)
        middle = (baseline * present).sum(1, keepdim=True) / length
        offset = uniform(-1, 1, lines, 1) * 2
        stroke = uniform(-0.4 - 0.2 * augmentation, 0.6 + 0.3 * augmentation, lines, 1)
        if odd:
            # A clump reaches the model with strokes that are fit for one digit of its size.
            stroke = torch.where(is_clump, uniform(-0.1, 1.1, lines, 1), stroke)
        return cls(
            slant=slant,
            turn=turn,
            aspect=aspect,
            evenness=evenness,
            gap=gap,
            cell=cell,
            least_gap=least_gap,
            is_clump=is_clump,
            step=step,
            height=height,
            shrinking=shrinking,
            size=size,
            baseline=baseline - middle,
            offset=offset,
            stroke=stroke,
            stroke_limits=augmentation,
            bend=normal(0.8 * augmentation, int(present.sum()), 2, 4, 4),
            sharpness=uniform(-1.0, 3.0, lines, 1).clamp(min=1),
            start=uniform(0, 1, lines, 1),
        )
