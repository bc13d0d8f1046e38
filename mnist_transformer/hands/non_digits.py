"""Marks that are no digits, so that a model learns to be unsure of them."""

import torch

from ..dataset import DigitSet
from .forms import LETTER_FORMS, Form
from .synthetic import draw_variations, form_curves

_SCRIBBLES = 180


def non_digits(count: int, generator: torch.Generator) -> DigitSet:
    """Draw `count` marks that are no digits, half letters, half scribbles, each labelled at random.

    Since the label cannot be guessed, the best that a model can learn of such a mark is to hold
    every digit for equally likely (outlier exposure, Hendrycks et al. 2019).
    """
    labels = torch.randint(10, (count,), generator=generator)
    forms = LETTER_FORMS * (_SCRIBBLES // len(LETTER_FORMS))
    forms = forms + [_scribble(generator) for _ in forms]
    curves = [form_curves(form) for form in forms]
    images = draw_variations(curves, count, (0.4, 1.3), generator, mix=False)
    return DigitSet.from_arrays(images, labels, "marks that are no digits")


def _scribble(generator: torch.Generator) -> Form:
    """One to three strokes through points anywhere in the box, too many for a 1 or a 7."""
    strokes = int(torch.randint(1, 4, (), generator=generator))
    points = int(torch.randint(6, 13, (), generator=generator)) // strokes
    form = torch.rand(strokes, points, 2, generator=generator).tolist()
    return [[(x, y) for x, y in stroke] for stroke in form]
