"""Reading a picture of which one knows how many digits it holds: a form's field, a postcode."""

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import torch
from torch import Tensor

from ..config import END, NUM_CLASSES, START
from ..ink import Drawing, InkError, looks_as_drawn, open_drawing
from ..ink.prepare import prepare_page
from ..page import Page, finish_page
from ..reading import Reading, require_eval
from ..transformer import Transformer
from .decoding import begin, next_logits

BEAMS = 10  # as many lines as there are digits: nothing of two digits is left out


@torch.no_grad()
def read_counted(model: Transformer, picture: Drawing | str | Path, num_digits: int) -> Page:
    """Read a page as `Transformer.read_page` does, given how many digits it holds.

    Of all ways to read its rows with so many digits together, this is the likeliest, as all looks
    of each row find it, which show it as it is drawn (`ink.looks_as_drawn`). What touches or lies
    over each other is often one digit to the eye, and two only to those who know that there are
    two.

    Args:
        model: in evaluation mode.
        picture: as in `read_page`.
        num_digits: how many digits are on it, at least 1.

    Returns:
        The page, of rows that hold `num_digits` digits together; a row of dirt may hold none, and
        blank paper has no rows. Where the ink does not look like so many, no digit of the row is
        trusted far.

    Raises:
        FileNotFoundError, InkError: as `read_page`; also if there is too little ink for so many.
        ValueError: if `num_digits` is below 1, or the model is in training mode.
    """
    require_eval(model)
    if num_digits < 1:
        raise ValueError(f"num_digits must be at least 1, not {num_digits}")
    if isinstance(picture, str | Path):
        picture = open_drawing(picture)
    prepared = prepare_page(picture, model.config, looks_as_drawn)
    if not prepared.rows:
        return Page([], prepared.reason)
    parts = torch.from_numpy(prepared.canvases)  # (parts, looks, height, width)
    most = len(parts) * model.config.max_digits
    if num_digits > most:
        raise InkError(f"the picture has ink for at most {most} digits, not {num_digits}")
    lines = [lines_of_each_length(model, looks) for looks in parts]
    lengths = likeliest_lengths([[line.score for line in of] for of in lines], num_digits)
    readings = (
        [of[n].reading(looks[0])] for of, n, looks in zip(lines, lengths, parts, strict=True)
    )
    return finish_page(prepared, readings)


@dataclass(frozen=True, eq=False)
class Line:
    """The likeliest line of one length that a canvas could be.

    Attributes:
        digits: what it says.
        score: its log-probability, the end included.
        distributions: (digits + 1, 11), the probabilities at each of its steps.
    """

    digits: str
    score: float
    distributions: Tensor

    def reading(self, canvas: Tensor) -> Reading:
        """The line as the reading of that canvas, (height, width)."""
        steps = zip(self.distributions[:-1].tolist(), self.digits, strict=True)
        probabilities = [step[int(digit)] for step, digit in steps]
        end = float(self.distributions[-1, END])
        return Reading(self.digits, probabilities, end, self.distributions, canvas)


@torch.no_grad()
def lines_of_each_length(
    model: Transformer, canvases: Tensor, num_beams: int = BEAMS
) -> list[Line]:
    """The likeliest lines of no digit, one, two and so on, by beam search (Graves 2012).

    Args:
        model: in evaluation mode.
        canvases: (looks, height, width), of one drawing; at each step the geometric mean of what
            they say counts, brought to a sum of 1.
        num_beams: lines kept at every step.

    Returns:
        `config.max_digits` + 1 lines; the one of n digits stands at n.
    """
    seen = len(canvases)
    caches = begin(model, canvases)
    token = torch.full((seen,), START)
    open_lines = [Line("", 0.0, torch.zeros(0, NUM_CLASSES))]
    lines: list[Line] = []
    for position in range(model.config.max_steps):
        logits = next_logits(model, token, position, caches)  # (beams * looks, 11)
        of_looks = logits.log_softmax(-1).view(len(open_lines), seen, NUM_CLASSES)
        steps = of_looks.mean(1).log_softmax(-1)  # (beams, 11)
        scores = torch.tensor([line.score for line in open_lines])[:, None] + steps
        longer = [
            replace(line, distributions=torch.cat([line.distributions, step[None]]))
            for line, step in zip(open_lines, steps.exp(), strict=True)
        ]
        best = int(scores[:, END].argmax())
        lines.append(replace(longer[best], score=float(scores[best, END])))
        likeliest = scores[:, :END].flatten().topk(min(num_beams, END * len(open_lines)))
        kept = [divmod(place, END) for place in likeliest.indices.tolist()]
        open_lines = [
            replace(longer[beam], digits=f"{longer[beam].digits}{digit}", score=score)
            for (beam, digit), score in zip(kept, likeliest.values.tolist(), strict=True)
        ]
        for cache in caches:
            cache.take(torch.tensor([beam * seen + n for beam, _ in kept for n in range(seen)]))
        token = torch.tensor([digit for _, digit in kept]).repeat_interleave(seen)
    return lines


def likeliest_lengths(scores: Sequence[Sequence[float]], total: int) -> list[int]:
    """Which line to take of each part, so that their lengths add up and their scores are highest.

    Args:
        scores: of each part, the score of its line of n digits at n.
        total: what the lengths add up to; not more than there are.
    """
    best: dict[int, tuple[float, list[int]]] = {0: (0.0, [])}
    for of_part in scores:
        longer: dict[int, tuple[float, list[int]]] = {}
        for done, (score, lengths) in best.items():
            for length, more in enumerate(of_part[: total - done + 1]):
                if score + more > longer.get(done + length, (-math.inf, []))[0]:
                    longer[done + length] = (score + more, [*lengths, length])
        best = longer
    return best[total][1]
