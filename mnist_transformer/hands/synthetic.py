"""Digits drawn from forms (`forms.py`): every one a free variation, with a round brush."""

import torch
from torch import Tensor
from torch.nn import functional as F

from ..dataset import DigitSet
from .forms import DIGIT_FORMS, Form
from .mnist import MNIST_SIDE

BOX = 20  # pixels, the longer side of the ink in an image, as in MNIST
POINTS = 32  # along every stroke, equally far apart
_POINTS_PER_PIECE = 8
_ALIKE = 0.22  # mean distance, in boxes, up to which two forms are mixed
_CHUNK = 1000  # images drawn at once


def synthetic_digits(count: int, generator: torch.Generator) -> DigitSet:
    """Draw `count` digits, each form of each digit about as often as any other of that digit.

    Args:
        count: at least 1.
        generator: all randomness comes from it.
    """
    labels = torch.randint(10, (count,), generator=generator)
    images = torch.zeros(count, MNIST_SIDE, MNIST_SIDE, dtype=torch.uint8)
    for digit, forms in DIGIT_FORMS.items():
        curves = [form_curves(form) for form in forms]
        places = (labels == digit).nonzero().flatten()
        width = (0.2, 0.7) if digit == 1 else (0.45, 1.0)
        images[places] = draw_variations(curves, len(places), width, generator)
    return DigitSet.from_arrays(images, labels, "digits drawn by code")


def form_curves(form: Form) -> Tensor:
    """(strokes, 32, 2): points along every stroke of a form, equally far apart."""
    return torch.stack([_spread(_smooth(torch.tensor(stroke))) for stroke in form])


def draw_variations(
    curves: list[Tensor],
    count: int,
    width: tuple[float, float],
    generator: torch.Generator,
    mix: bool = True,
) -> Tensor:
    """Draw `count` variations of forms chosen at random: (count, 28, 28) uint8, 255 = ink.

    Args:
        curves: the forms, as `form_curves` gives them.
        count: how many.
        width: least and greatest width : height of a form's box.
        generator: all randomness comes from it.
        mix: whether forms that are alike are mixed.
    """
    which = torch.randint(len(curves), (count,), generator=generator)
    images = torch.zeros(count, MNIST_SIDE, MNIST_SIDE, dtype=torch.uint8)
    # Forms of as many strokes are drawn together.
    for strokes in sorted({len(curve) for curve in curves}):
        numbers = [n for n, curve in enumerate(curves) if len(curve) == strokes]
        forms = torch.stack([curves[n] for n in numbers])
        alike = (forms[:, None] - forms).norm(dim=-1).mean((2, 3)) < _ALIKE
        if not mix:
            alike = torch.eye(len(forms), dtype=torch.bool)
        for places in _places(which, numbers).split(_CHUNK):
            form = torch.searchsorted(torch.tensor(numbers), which[places])
            other = torch.multinomial(alike[form].float(), 1, generator=generator).flatten()
            points = vary_strokes(forms[form], forms[other], generator)
            images[places] = draw_points(points, width, generator)
    return images


def _places(which: Tensor, numbers: list[int]) -> Tensor:
    return torch.isin(which, torch.tensor(numbers)).nonzero().flatten()


def vary_strokes(form: Tensor, other: Tensor, generator: torch.Generator) -> Tensor:
    """Free variations of n forms.

    Each goes part of the way to its like; strokes are begun early or late, moved and bent, and the
    upper and lower, left and right parts of the box take more or less of it.

    Args:
        form: (n, strokes, 32, 2) points.
        other: the same, what each may be mixed with.
        generator: all randomness comes from it.
    """
    count, strokes = form.shape[:2]

    def uniform(low: float, high: float, *shape: int) -> Tensor:
        return torch.rand(shape, generator=generator) * (high - low) + low

    def normal(spread: float, *shape: int) -> Tensor:
        return torch.randn(shape, generator=generator) * spread

    mixed = uniform(0, 1, count, 1, 1, 1) < 0.6
    points = form + mixed * uniform(0, 1, count, 1, 1, 1) * (other - form)
    points = _trim(points, *uniform(-0.08, 0.08, 2, count, strokes))
    power = torch.exp(normal(0.18, count, 1, 1, 2))
    inside = (points > 0) & (points < 1)
    points = torch.where(inside, points.clamp(1e-4, 1) ** power, points)
    # Strokes after the first, such as bars, find their place less surely.
    apart = normal(0.04, count, strokes, 1, 2)
    apart[:, 0] = 0
    # The same part of the box moves alike, so that strokes that meet go on meeting.
    field = _field(points, normal(0.05, count, 4, 4, 2))
    wobble = normal(0.015, count, strokes, 6, 2).flatten(0, 1).transpose(1, 2)
    wobble = F.interpolate(wobble, size=POINTS, mode="linear", align_corners=True)
    wobble = wobble.transpose(1, 2).view(points.shape)
    return points + uniform(0.4, 1.6, count, 1, 1, 1) * (apart + field + wobble)


def draw_points(points: Tensor, width: tuple[float, float], generator: torch.Generator) -> Tensor:
    """Draw strokes with a round brush: (n, 28, 28) uint8, 255 = ink, the longer side 20 pixels.

    Args:
        points: (n, strokes, 32, 2), in boxes.
        width: least and greatest width : height of the box.
        generator: chooses it, and the brush.
    """
    count = len(points)
    narrow, wide = width
    aspect = torch.rand(count, generator=generator) * (wide - narrow) + narrow
    points = points * torch.stack([aspect, torch.ones(count)], 1).view(count, 1, 1, 2)
    low, high = points.amin((1, 2), keepdim=True), points.amax((1, 2), keepdim=True)
    radius = torch.rand(count, generator=generator) * 1.1 + 0.8
    scale = (BOX - 2 * radius.view(-1, 1, 1, 1)) / (high - low).amax(3, keepdim=True).clamp(min=0.1)
    points = (points - (low + high) / 2) * scale + MNIST_SIDE / 2
    distance = _distance(points[:, :, :-1].flatten(1, 2), points[:, :, 1:].flatten(1, 2))
    ink = (radius[:, None, None] - distance + 0.5).clamp(0, 1)
    return (ink * 255).round().to(torch.uint8)


def _smooth(points: Tensor) -> Tensor:
    """(points, 2) -> more points, on a Catmull-Rom spline through the given ones."""
    before = torch.cat([points[:1], points[:-2]])
    first, last = points[:-1], points[1:]
    after = torch.cat([points[2:], points[-1:]])
    t = torch.arange(_POINTS_PER_PIECE).view(1, -1, 1) / _POINTS_PER_PIECE
    before, first, last, after = (p.unsqueeze(1) for p in (before, first, last, after))
    curve = first + 0.5 * t * (
        last
        - before
        + t
        * (2 * before - 5 * first + 4 * last - after + t * (3 * (first - last) + after - before))
    )
    return torch.cat([curve.flatten(0, 1), points[-1:]])


def _spread(points: Tensor) -> Tensor:
    """(points, 2) -> (32, 2): equally far apart along the same way."""
    along = torch.cat([torch.zeros(1), (points[1:] - points[:-1]).norm(dim=1).cumsum(0)])
    wanted = torch.linspace(0, float(along[-1]), POINTS)
    after = torch.searchsorted(along, wanted).clamp(1, len(points) - 1)
    step = (along[after] - along[after - 1]).clamp(min=1e-6)
    share = ((wanted - along[after - 1]) / step).unsqueeze(1)
    return points[after - 1] + share * (points[after] - points[after - 1])


def _trim(points: Tensor, first: Tensor, last: Tensor) -> Tensor:
    """Begin every stroke a share `first` of its length later, and end it `last` earlier.

    Less than 0 goes on straight beyond its ends.

    Args:
        points: (n, strokes, 32, 2); first, last: (n, strokes).
    """
    pieces = points.shape[2] - 1
    t = torch.linspace(0, 1, points.shape[2])
    place = (first[..., None] + (1 - first - last)[..., None] * t) * pieces
    before = place.floor().clamp(0, pieces - 1)
    share = (place - before)[..., None]
    index = before.long()[..., None].expand(-1, -1, -1, 2)
    a, b = points.gather(2, index), points.gather(2, index + 1)
    return a + share * (b - a)


def _field(points: Tensor, nodes: Tensor) -> Tensor:
    """The displacement of every point by a net of `nodes`, (n, 4, 4, 2), laid over the box."""
    grid = (points.clamp(0, 1) * 2 - 1).flatten(1, 2).unsqueeze(1)
    moved = F.grid_sample(nodes.permute(0, 3, 1, 2), grid, mode="bilinear", align_corners=True)
    return moved.squeeze(2).transpose(1, 2).view(points.shape)


def _distance(start: Tensor, end: Tensor) -> Tensor:
    """(n, segments, 2) twice -> (n, 28, 28): every pixel's distance to the nearest segment."""
    middle = torch.arange(MNIST_SIDE) + 0.5
    pixel = torch.stack(torch.meshgrid(middle, middle, indexing="xy"), -1).view(-1, 1, 2)
    nearest = torch.tensor(torch.inf)
    for segment in range(start.shape[1]):
        a, b = start[:, segment, None], end[:, segment, None]
        along = b - a
        to_pixel = pixel[:, 0] - a
        share = (to_pixel * along).sum(-1, keepdim=True) / (along**2).sum(-1, keepdim=True).clamp(
            min=1e-6
        )
        squared = ((to_pixel - share.clamp(0, 1) * along) ** 2).sum(-1)
        nearest = torch.minimum(nearest, squared)
    return nearest.sqrt().view(-1, MNIST_SIDE, MNIST_SIDE)
