"""What is followed from moment to moment of a training: one drawing, and what heads do."""

from collections.abc import Sequence

import torch
from torch import Tensor

from ..config import END, START
from ..reading import require_eval
from ..transformer import Transformer
from .habits import NO_HABIT


@torch.no_grad()
def given_probabilities(model: Transformer, canvas: Tensor, digits: str) -> list[float]:
    """How likely each digit of a line is to a model that is told those before it.

    Args:
        model: in evaluation mode.
        canvas: (height, width), 0 = paper, 1 = ink.
        digits: what the line says; at most as many as the model reads.

    Returns:
        One probability for each digit, and one that the line ends after them.

    Raises:
        ValueError: if there are too many digits, or the model is in training mode.
    """
    require_eval(model)
    if len(digits) > model.config.max_digits:
        raise ValueError(
            f"{digits} has {len(digits)} digits, and the model reads {model.config.max_digits}"
        )
    targets = torch.tensor([*map(int, digits), END])
    tokens = torch.cat([torch.tensor([START]), targets[:-1]])
    logits = model.decoder(tokens[None], model.encoder(canvas[None]))[0]
    return logits.softmax(-1)[torch.arange(len(targets)), targets].tolist()


def found_at(names: Sequence[str | None]) -> int | None:
    """From which moment on a head has the habit that it has in the end.

    Args:
        names: of its habit at each moment (`Habit.name`); None where none could be told.

    Returns:
        The moment, counted from 0; None if it has no habit in the end.
    """
    last = names[-1] if names else None
    if last is None or last == NO_HABIT:
        return None
    n = len(names) - 1
    while n and names[n - 1] == last:
        n -= 1
    return n
