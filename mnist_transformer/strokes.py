"""DigitSet as pens write them, drawn by code: forms that MNIST hardly has, and marks that are none.

MNIST's writers left out much that people write elsewhere: a 1 with flag and foot, a crossed 7, an
open 4, a 9 with a hooked tail. `synthetic_digits` draws such forms; `scribbles` draws letters and
scrawls, so that a model learns to be unsure of what is no digit.
"""

import numpy as np
import torch
from torch import Tensor

from .dataset import DigitSet
from .ink import set_stroke_width

# Every form is a list of pen strokes, every stroke the points that a smooth curve runs through, in
# a box of width and height 1, y down. A point written twice is a corner.
_Form = list[list[tuple[float, float]]]


def _form(*strokes: str) -> _Form:
    """Read points written as two-digit percentages: "5000 0060" is (0.50, 0.00), (0.00, 0.60)."""
    return [
        [(int(point[:2]) / 99, int(point[2:]) / 99) for point in stroke.split()]
        for stroke in strokes
    ]


DIGIT_FORMS: dict[int, list[_Form]] = {
    0: [
        _form("5000 1712 0045 1085 5099 9085 9945 8312 5000"),
        _form("6502 2510 0048 1288 5099 9080 9940 8010 4500 3010"),
        _form("4500 8510 9950 8588 5099 1085 0050 1510 5500"),
    ],
    1: [
        _form("5000 5099"),
        _form("6000 5050 4599"),
        _form("1030 4018 6500 6500 6550 6599"),
        _form("0045 3525 6500 6500 6050 6099"),
        _form("1028 3515 5000 5000 5099", "1599 8599"),
        _form("0035 3020 5500 5500 5599", "2099 9099"),
        _form("5000 5099", "2099 8099"),
        _form("2012 5000 5000 5050 4599"),
        _form("0055 3028 7000 7000 6550 6099"),
        _form("0050 7500 7500 7599"),
    ],
    2: [
        _form("0525 2005 5000 8508 9030 7055 3580 0099 0099 5097 9999"),
        _form("0530 1508 5000 8510 9035 6570 2095 0090 1075 3080 6095 9992"),
        _form("0010 4000 8505 9025 6555 0099 0099 9999"),
        _form("1020 4502 8015 7545 4075 1099 1099 4590 9099"),
    ],
    3: [
        _form("0512 4000 8010 8530 7042 3548 3548 7052 9572 8092 4599 0588"),
        _form("0500 8500 8500 4042 4042 8050 9972 8095 4099 0588"),
        _form("1005 5500 8015 7535 4045 7555 9075 7595 4099 1095"),
    ],
    4: [
        _form("2500 1030 0060 0060 5060 9958", "7020 7099"),
        _form("0500 0550 0550 4552 9548", "9000 9099"),
        _form("7099 7050 7000 7000 3535 0065 0065 5065 9965"),
        _form("7500 4035 0068 0068 5065 9965", "7035 6599"),
        _form("1000 0535 1552 5050 9040", "9500 8850 8599"),
        _form("3000 1535 0055 0055 9955", "5530 5099"),
    ],
    5: [
        _form("1500 1045 1045 5038 9055 9578 6098 0590", "1500 9500"),
        _form("9500 2002 2002 1545 1545 5538 9060 9080 6098 0590"),
        _form("9005 4505 1515 1540 6050 9070 8092 4599 0592"),
        _form("9000 2000 2000 1042 5038 9062 7095 3099 0085"),
    ],
    6: [
        _form("7500 3520 0860 1588 5099 8590 9070 7055 3560 1078"),
        _form("5000 2030 0570 2095 6099 9580 8560 5552 2065 1080"),
        _form("9005 5005 1540 0575 3099 7595 9075 7055 3055 0870"),
        _form("4500 2550 1580 4099 7090 7070 4565 2580"),
    ],
    7: [
        _form("0005 5003 9500 9500 7040 4575 3599"),
        _form("0005 5003 9500 9500 6550 4099", "3050 8548"),
        _form("0520 0503 0503 5003 9500 9500 6545 4599"),
        _form("0520 0505 0505 9500 9500 6050 4099", "2548 8545"),
        _form("0008 3000 6008 9500 9500 7050 6099"),
        _form("0500 9500 9500 7035 5099", "4055 9550"),
    ],
    8: [
        _form("8515 5000 1515 2540 7058 8880 5099 1280 3055 7538 8515"),
        _form("5048 2035 2010 5000 8010 8035 5048 1565 1590 5099 8590 8565 5048"),
        _form("7510 4000 1520 4545 8070 7595 4099 1580 4050 8025 8008"),
    ],
    9: [
        _form("8525 5500 1512 1240 4552 8530 8530 8260 7099"),
        _form("9010 5000 1015 1045 5050 8530 9005 9005 8560 7599"),
        _form("8520 5000 1515 1245 5050 8528 9020 9070 7095 3099 0588"),
        _form("8520 5000 1515 1245 5050 8528 9020 8070 5095 1599"),
        _form("9010 5500 2015 2045 6045 8825 9205 9205 9299"),
        _form("6548 3550 1530 3505 7002 9025 8560 6088 2599"),
        _form("8505 4000 1220 3042 7038 8808 8808 8565 5098 0588"),
    ],
}

# Capitals and small letters of straight strokes and few curves, none of them the form of a digit.
LETTER_FORMS: list[_Form] = [
    _form("0099 5000 5000 9999", "2060 8060"),
    _form("9000 0500 0500 0599 0599 9599", "0550 7550"),
    _form("0099 0000 0000 9500", "0048 7048"),
    _form("0000 0099", "9900 9999", "0050 9950"),
    _form("0000 0099", "9900 0050 0050 9999"),
    _form("0099 0500 0500 5070 5070 9500 9500 9999"),
    _form("0099 0500 0500 9599 9599 9900"),
    _form("0000 0099", "0002 6000 9025 6050 0050"),
    _form("0000 0099", "0002 6000 9025 6050 0050 0050 9599"),
    _form("0000 9900", "5000 5099"),
    _form("0000 2599 2599 5030 5030 7599 7599 9900"),
    _form("0000 9999", "9900 0099"),
    _form("0000 5050 5050 9900", "5050 5099"),
    _form("0000 0599 0599 9599"),
    _form("0000 0560 3099 7099 9560 9900"),
    _form("0099 0520 0540 3015 5020 5599 5545 7515 9520 9999"),
    _form("0050 9548 8015 4005 0540 1085 5099 9585"),
    _form("5000 5085 8099", "1530 8530"),
]

SIZE, BOX = 28, 20  # pixels of an image, and of the longer side of the ink in it, as in MNIST
_POINTS_PER_PIECE = 5
_CHUNK = 1000  # images drawn at once
_SCRAWLS = 180


def mix_sources(digits: DigitSet, redrawn: float, drawn: float, scribbled: float) -> DigitSet:
    """`digits` and, by the shares of the whole that are asked for, the other kinds of this module.

    Raises:
        ValueError: if a share is negative, or nothing is left for `digits` themselves.
    """
    shares = (redrawn, drawn, scribbled)
    if min(shares) < 0 or sum(shares) >= 1:
        raise ValueError("redrawn, drawn and scribbled are shares: at least 0, together below 1")
    generator = torch.Generator().manual_seed(0)
    counts = [round(len(digits) * share / (1 - sum(shares))) for share in shares]
    whole = digits
    if counts[0]:
        whole += rerender_digits(digits, counts[0], generator)
    if counts[1]:
        whole += synthetic_digits(counts[1], generator)
    if counts[2]:
        whole += scribbles(counts[2], generator)
    return whole


def synthetic_digits(count: int, generator: torch.Generator) -> DigitSet:
    """Draw `count` digits, each form of each digit about as often as any other of that digit.

    The points of a form are moved at random, its box is made wider or narrower, and it is drawn
    with a round brush.

    Args:
        count: at least 1.
        generator: all randomness comes from it.
    """
    labels = torch.randint(10, (count,), generator=generator)
    images = torch.zeros(count, SIZE, SIZE, dtype=torch.uint8)
    for digit, forms in DIGIT_FORMS.items():
        which = torch.randint(len(forms), (count,), generator=generator)
        for number, form in enumerate(forms):
            places = ((labels == digit) & (which == number)).nonzero().flatten()
            narrow, wide = (0.2, 0.7) if digit == 1 else (0.45, 0.95)
            images[places] = _draw_form(form, len(places), narrow, wide, generator)
    return DigitSet.from_arrays(images, labels, "digits drawn by code")


def rerender_digits(digits: DigitSet, count: int, generator: torch.Generator) -> DigitSet:
    """Redraw `count` of `digits`, chosen at random, with a brush: every stroke of one even width.

    The brush works at several times the image's resolution, as the page's does, and the picture is
    reduced by the very code that reduces a drawing on the page.
    """
    chosen = torch.randint(len(digits), (count,), generator=generator)
    widths = torch.rand(count, generator=generator) * 2.2 + 1.4  # pixels of image
    images = torch.zeros(count, SIZE, SIZE, dtype=torch.uint8)
    for n, (index, width) in enumerate(zip(chosen.tolist(), widths.tolist(), strict=True)):
        ink = digits.images[index].numpy() / np.float32(255)
        redrawn = set_stroke_width(ink, (SIZE, SIZE), lambda _, width=width: width)[2:-2, 2:-2]
        images[n] = torch.from_numpy((redrawn * 255).round().astype(np.uint8))
    return DigitSet.from_arrays(images, digits.labels[chosen], f"{digits.source}, redrawn")


def scribbles(count: int, generator: torch.Generator) -> DigitSet:
    """Draw `count` marks that are no digits, half letters, half scrawls, each labelled at random.

    Since the label cannot be guessed, the best that a model can learn of such a mark is to hold
    every digit for equally likely (outlier exposure, Hendrycks et al. 2019).
    """
    labels = torch.randint(10, (count,), generator=generator)
    images = torch.zeros(count, SIZE, SIZE, dtype=torch.uint8)
    forms = LETTER_FORMS * (_SCRAWLS // len(LETTER_FORMS))
    forms = forms + [_scrawl(generator) for _ in forms]
    which = torch.randint(len(forms), (count,), generator=generator)
    for number in which.unique().tolist():
        places = (which == number).nonzero().flatten()
        images[places] = _draw_form(forms[number], len(places), 0.4, 1.3, generator)
    return DigitSet.from_arrays(images, labels, "marks that are no digits")


def _scrawl(generator: torch.Generator) -> _Form:
    """One to three strokes through points anywhere in the box, too many for a 1 or a 7."""
    strokes = int(torch.randint(1, 4, (), generator=generator))
    points = int(torch.randint(6, 13, (), generator=generator)) // strokes
    form = torch.rand(strokes, points, 2, generator=generator).tolist()
    return [[tuple(point) for point in stroke] for stroke in form]


def _draw_form(
    form: _Form, count: int, narrow: float, wide: float, generator: torch.Generator
) -> Tensor:
    """Draw one form `count` times: (count, 28, 28) uint8, 255 = ink."""

    def uniform(low: float, high: float, *shape: int) -> Tensor:
        return torch.rand(shape, generator=generator) * (high - low) + low

    starts, ends = [], []
    # The same part of the box moves alike, so that strokes that meet go on meeting.
    shift = torch.randn(count, 3, 3, 2, generator=generator) * 0.05
    for stroke in form:
        points = torch.tensor(stroke).repeat(count, 1, 1)
        near = (points * 2).round().long()
        points = points + shift[torch.arange(count)[:, None], near[..., 1], near[..., 0]]
        points = points + torch.randn(points.shape, generator=generator) * 0.02
        curve = _smooth(points)
        starts.append(curve[:, :-1])
        ends.append(curve[:, 1:])
    start, end = torch.cat(starts, 1), torch.cat(ends, 1)

    # From the form's box to pixels: the longer side of the ink is BOX pixels, in the middle.
    scale = torch.stack([uniform(narrow, wide, count), torch.ones(count)], 1)[:, None]
    start, end = start * scale, end * scale
    everything = torch.cat([start, end], 1)
    low, high = everything.amin(1, keepdim=True), everything.amax(1, keepdim=True)
    radius = uniform(0.8, 1.9, count)
    room = BOX - 2 * radius[:, None, None]
    scale = room / (high - low).amax(2, keepdim=True).clamp(min=0.1)
    start, end = ((p - (low + high) / 2) * scale + SIZE / 2 for p in (start, end))
    distances = [
        _distance(start[n : n + _CHUNK], end[n : n + _CHUNK]) for n in range(0, count, _CHUNK)
    ]
    if not distances:
        return torch.zeros(0, SIZE, SIZE, dtype=torch.uint8)
    ink = (radius[:, None, None] - torch.cat(distances) + 0.5).clamp(0, 1)
    return (ink * 255).round().to(torch.uint8)


def _smooth(points: Tensor) -> Tensor:
    """(n, points, 2) -> more points, on a Catmull-Rom spline through the given ones."""
    before = torch.cat([points[:, :1], points[:, :-2]], 1)
    first, last = points[:, :-1], points[:, 1:]
    after = torch.cat([points[:, 2:], points[:, -1:]], 1)
    t = torch.arange(_POINTS_PER_PIECE).view(1, 1, -1, 1) / _POINTS_PER_PIECE
    before, first, last, after = (p.unsqueeze(2) for p in (before, first, last, after))
    curve = first + 0.5 * t * (
        last
        - before
        + t
        * (2 * before - 5 * first + 4 * last - after + t * (3 * (first - last) + after - before))
    )
    return torch.cat([curve.flatten(1, 2), points[:, -1:]], 1)


def _distance(start: Tensor, end: Tensor) -> Tensor:
    """(n, segments, 2) twice -> (n, 28, 28): every pixel's distance to the nearest segment."""
    middle = torch.arange(SIZE) + 0.5
    pixel = torch.stack(torch.meshgrid(middle, middle, indexing="xy"), -1).view(-1, 1, 2)
    nearest = None
    for segment in range(start.shape[1]):
        a, b = start[:, segment, None], end[:, segment, None]
        along = b - a
        to_pixel = pixel[:, 0] - a
        share = (to_pixel * along).sum(-1, keepdim=True) / (along**2).sum(-1, keepdim=True).clamp(
            min=1e-6
        )
        squared = ((to_pixel - share.clamp(0, 1) * along) ** 2).sum(-1)
        nearest = squared if nearest is None else torch.minimum(nearest, squared)
    return nearest.sqrt().view(-1, SIZE, SIZE)
