"""What a model has to say about one drawing."""

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO

import numpy as np
import torch
from torch import Tensor, nn

from .config import END, LOOKS, NUM_CLASSES

if TYPE_CHECKING:
    from .explain.lens import Lens
    from .explain.patching import SwapMap
    from .explain.receipt import Receipt

DOUBT = 0.7  # a digit that can be trusted less than this is doubtful
# Fitted by `python -m mnist_transformer evaluate doubt`, on digits that only validate: two sets of
# lines, seeds 50,000 and 50,001, ask for a caution of 1.11 and 1.28, a certainty of 0.93 and 0.92.
CAUTION = 1.1
SURE = 0.99  # the certainty from which a first look of a drawing is enough
PASSED_OVER = 0.5  # no digit is trusted more where ink was passed over or the readings differ


def require_eval(model: nn.Module) -> None:
    """Refuse to read with a model in training mode: dropout makes a reading a game of chance.

    Raises:
        ValueError: if the model is in training mode.
    """
    if model.training:
        raise ValueError("call model.eval() before reading: dropout is on")


def trust(likelihood: float) -> float:
    """How far a digit can be trusted, in [0, 1], that all readings together find so likely.

    Of a hand that it does not know, a model is too sure. A power changes neither 0 nor 1 nor which
    of two digits is surer, and sets how many digits lie below `DOUBT` (cf. temperature scaling, Guo
    et al. 2017).

    Args:
        likelihood: the product of what the readings of all `ink.looks` give the digit, and of the
            least probability that the line ends where it was ended.
    """
    return likelihood**CAUTION


def is_doubtful(trusted: float) -> bool:
    """Whether a digit that can be trusted so far is to be shown as one the model is not sure of."""
    return trusted < DOUBT


def trust_in(chosen: "Reading", readings: list["Reading"], lacks_ink: bool = False) -> list[float]:
    """How far each digit of a reading can be trusted, told with caution (`trust`).

    A digit is as likely as the readings of all looks find it together: what one of them is sure of
    may be an accident of how thick the strokes are. None is trusted more than `PASSED_OVER` where
    the readings differ in length, a mark was passed over, or ink was left out. Of one reading
    alone, it is told as if those of the other looks had said the same.

    Args:
        chosen: one of the readings.
        readings: of all looks of one drawing (`ink.looks`), or of the first alone.
        lacks_ink: whether ink was found that may be writing and is on no canvas.
    """
    end = min(reading.end_probability or 0.0 for reading in readings)
    alike = [reading for reading in readings if len(reading.digits) == len(chosen.digits)]
    is_whole = len(alike) == len(readings) and not chosen.unread and not lacks_ink
    given = [reading.distributions.tolist() for reading in alike] * (LOOKS // len(readings))
    likely = [
        end * math.prod(steps[number][int(digit)] for steps in given)
        for number, digit in enumerate(chosen.digits)
    ]
    return [min(1.0 if is_whole else PASSED_OVER, trust(value)) for value in likely]


# Compared by identity, as tensors are: `==` between tensors gives a tensor, not a yes or no.
@dataclass(frozen=True, eq=False)
class AttentionMaps:
    """Where every head looked. Rows sum to 1; what a mask hides is exactly 0.

    Attributes:
        encoder: (layers, heads, patches, patches), which patch (row) looked at which (column).
        decoder: (layers, heads, steps, steps), which step looked at which token read before it.
        cross: (layers, heads, steps, patches), where each step looked in the drawing.
        grid: rows and columns of the patches, which are numbered row by row: a `patches` axis
            unflattened to `grid` lies over the drawing.
    """

    encoder: Tensor
    decoder: Tensor
    cross: Tensor
    grid: tuple[int, int]

    def __repr__(self) -> str:
        encoder, decoder, cross = (tuple(m.shape) for m in (self.encoder, self.decoder, self.cross))
        return f"AttentionMaps(encoder={encoder}, decoder={decoder}, cross={cross})"


@dataclass(frozen=True, eq=False)
class Reading:
    """One drawing read by the transformer. Its tensors are float32 and lie on the CPU.

    Attributes:
        digits: what was read, e.g. "2024"; empty if nothing is drawn.
        probabilities: the probability, in [0, 1], of each chosen digit.
        end_probability: the probability of the end token where it was chosen (or, on a line
            longer than the model can read, would have had to be); None if nothing is drawn.
        distributions: (steps, 11), every step's probabilities of 0-9 and of the end; no steps if
            nothing is drawn.
        canvas: (height, width), what the model saw: 0 = paper, 1 = ink.
        attention: the maps, or None if they were not asked for; `maps` is the same, and never None.
        unread: the marks on the canvas that no digit's step looked at (see `ink.unread_marks`).
        trusted: how far each digit can be trusted (see `trust_in`): by the readings of all looks of
            the drawing, or, where the first was nearly certain (`SURE`), as if the others had said
            the same, which is 0.95 or more; None if only this canvas was read.
    """

    digits: str
    probabilities: list[float]
    end_probability: float | None
    distributions: Tensor
    canvas: Tensor
    attention: AttentionMaps | None = None
    unread: list[tuple[int, int, int, int]] = field(default_factory=list)
    trusted: list[float] | None = None

    @classmethod
    def blank(cls, canvas: Tensor, attention: AttentionMaps | None = None) -> "Reading":
        """The honest reading of an empty canvas, (height, width); maps, if any, are of no steps."""
        return cls("", [], None, torch.zeros(0, NUM_CLASSES), canvas, attention)

    def __repr__(self) -> str:
        sure = ", ".join(f"{probability:.2f}" for probability in self.probabilities)
        end = "None" if self.end_probability is None else f"{self.end_probability:.2f}"
        maps = "" if self.attention is None else ", with maps"
        return f"Reading({self.digits!r}, probabilities=[{sure}], end_probability={end}{maps})"

    def _repr_html_(self) -> str | None:
        """In a notebook: the page's own stage, or without maps each digit over its probability.

        None, by which the notebook shows the `repr`, where the packages that draw are missing.
        """
        try:
            from . import figures
            from .figures.live import stage_html
        except ModuleNotFoundError:
            return None

        if self.attention is not None:
            return stage_html(self)
        cells = "".join(
            f"<td>{digit}<br><small>{probability:.0%}</small></td>"
            for digit, probability in zip(self.digits, self.probabilities, strict=True)
        )
        picture = figures.data_url(figures.drawing_image(self.canvas))
        return f'<table><tr>{cells}</tr></table><img alt="The canvas" src="{picture}">'

    @property
    def steps(self) -> int:
        """Decoding steps taken: one per digit and one for the end; 0 if nothing is drawn."""
        return len(self.distributions)

    @property
    def uncertain(self) -> list[bool]:
        """Of each digit, whether it is doubtful: the model is not sure of it, or of the line's end,
        or passed over a mark, so that any digit may be missing or stand for two.

        Where only this canvas was read, as if the readings of its other looks had said the same.
        """
        if self.trusted is not None:
            return [is_doubtful(trusted) for trusted in self.trusted]
        likely = [p**LOOKS * (self.end_probability or 0.0) for p in self.probabilities]
        return [bool(self.unread) or is_doubtful(trust(value)) for value in likely]

    @property
    def certainty(self) -> float:
        """The least probability of all steps, the end's included; 0 if a mark was passed over."""
        return 0.0 if self.unread else min([*self.probabilities, self.end_probability or 0.0])

    @property
    def truncated(self) -> bool:
        """Whether the line seems longer than the model can read: it never chose the end."""
        return self.steps > 0 and int(self.distributions[-1].argmax()) != END

    @property
    def maps(self) -> AttentionMaps:
        """The attention maps.

        Raises:
            ValueError: if they were not asked for when the drawing was read.
        """
        if self.attention is None:
            raise ValueError("this reading has no attention maps: read with attention=True")
        return self.attention

    def check_step(self, step: int = 0) -> None:
        """Make sure that a decoding step was taken.

        Raises:
            ValueError: if it was not, or nothing was drawn and so none was.
        """
        if not self.steps:
            raise ValueError("nothing is drawn, so there is no decoding step to look into")
        if not 0 <= step < self.steps:
            raise ValueError(f"step must be 0 to {self.steps - 1}, not {step}")

    def to_dict(self) -> dict:
        """The reading without its maps, in what JSON can hold."""
        return {
            "digits": self.digits,
            "probabilities": self.probabilities,
            "end_probability": self.end_probability,
            "unread": [list(box) for box in self.unread],
            "distributions": self.distributions.tolist(),
        }

    def save_npz(
        self, file: str | Path | BinaryIO, more: Mapping[str, np.ndarray] | None = None
    ) -> None:
        """Write the canvas, every distribution and, if recorded, every map as NumPy arrays.

        `more` are arrays to stand beside these by names of their own, such as all that passed
        through the model (`Trace.arrays`) and what it paid for (`Receipt.arrays`).
        """
        arrays = {**(more or {}), "digits": self.digits, "canvas": self.canvas}
        arrays |= {"distributions": self.distributions}
        if self.attention is not None:
            arrays |= vars(self.attention)
        named = {name: np.asarray(array) for name, array in arrays.items()}
        np.savez_compressed(file, allow_pickle=False, **named)

    # Figures are for those who look: Plotly is imported only then.

    def plot_cross_attention(self, step: int | None = None):
        """The reading as a timeline, or one step of it: a Plotly figure (see `figures`).

        Here as in the other plots, a ValueError says if there are no maps or no such step.
        """
        from . import figures

        if step is None:
            return figures.timeline_figure(self)
        return figures.cross_attention_figure(self, step)

    def plot_encoder_attention(self, patch: int | None = None):
        """Where one patch looked, or all of them on average: a Plotly figure (see `figures`)."""
        from . import figures

        return figures.encoder_attention_figure(self, patch)

    def plot_decoder_attention(self):
        """Which token each step looked back at: a Plotly figure (see `figures`)."""
        from . import figures

        return figures.decoder_attention_figure(self)

    def plot_receipt(
        self, receipt: "Receipt", step: int = 0, answer: int | None = None, over: int | None = None
    ):
        """What paid for an answer, on the drawing and part by part: a Plotly figure.

        Args:
            receipt: of this reading, as `explain.attribution.attribute` gives it.
            step, answer, over: as in `Receipt.bill`, which also says what is wrong with them.
        """
        from . import figures

        return figures.receipt_figure(self, receipt.bill(step, answer, over))

    def plot_lens(self, lens: "Lens"):
        """What would have been said after every part of the decoder: a Plotly figure.

        Args:
            lens: of this reading, as `explain.lens.lens` gives it.
        """
        from . import figures

        return figures.lens_figure(self, lens.names, lens.distributions)

    def plot_swap(self, found: "SwapMap"):
        """How far each patch, layer and head would carry a step's answer over: a Plotly figure.

        Args:
            found: with this reading as the drawing, as `explain.patching.swap_map` gives it.
        """
        from . import figures

        return figures.swap_figure(self, found.patches, dict(found.parts))

    def plot_distribution(self, step: int):
        """How likely each outcome was at one step: a Plotly figure (see `figures`)."""
        from . import figures

        return figures.distribution_figure(self, step)


@dataclass(frozen=True)
class Classification:
    """One drawing read by the single-digit classifier.

    Attributes:
        digit: the likeliest digit, or None if nothing is drawn.
        probabilities: ten probabilities, of 0 to 9; empty if nothing is drawn.
    """

    digit: int | None
    probabilities: list[float] = field(hash=False)  # a list has no hash
