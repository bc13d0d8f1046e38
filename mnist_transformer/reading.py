"""What a model has to say about one drawing."""

from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

import numpy as np
import torch
from torch import Tensor

from .config import END, NUM_CLASSES

DOUBT = 0.7  # a digit less likely than this is doubtful


@dataclass(frozen=True)
class AttentionMaps:
    """Where every head looked. Rows sum to 1; what a mask hides is exactly 0.

    Attributes:
        encoder: (layers, heads, patches, patches), which patch (row) looked at which (column).
        decoder: (layers, heads, steps, steps), which step looked at which token read before it.
        cross: (layers, heads, steps, patches), where each step looked in the drawing.
    """

    encoder: Tensor
    decoder: Tensor
    cross: Tensor


@dataclass(frozen=True)
class Reading:
    """One drawing read by the transformer.

    Attributes:
        digits: what was read, e.g. "2024"; empty if nothing is drawn.
        probabilities: the probability, in [0, 1], of each chosen digit.
        end_probability: the probability of the end token where it was chosen (or, on a line
            longer than the model can read, would have had to be); None if nothing is drawn.
        distributions: (steps, 11), every step's probabilities of 0-9 and of the end.
        canvas: (height, width), what the model saw: 0 = paper, 1 = ink.
        attention: the maps, if they were asked for.
    """

    digits: str
    probabilities: list[float]
    end_probability: float | None
    distributions: Tensor
    canvas: Tensor
    attention: AttentionMaps | None = None

    @classmethod
    def blank(cls, canvas: Tensor) -> "Reading":
        """The honest reading of an empty drawing."""
        return cls("", [], None, torch.zeros(0, NUM_CLASSES), canvas)

    @property
    def steps(self) -> int:
        """Decoding steps taken: one per digit and one for the end."""
        return len(self.distributions)

    @property
    def uncertain(self) -> list[bool]:
        """Of each digit, whether the model is not sure of it."""
        return [probability < DOUBT for probability in self.probabilities]

    def to_dict(self) -> dict:
        """The reading without its maps, in what JSON can hold."""
        return {
            "digits": self.digits,
            "probabilities": self.probabilities,
            "end_probability": self.end_probability,
            "distributions": self.distributions.tolist(),
        }

    def save_npz(self, file: str | Path | BinaryIO) -> None:
        """Write the canvas, every distribution and, if recorded, every map as NumPy arrays."""
        arrays = {"canvas": self.canvas, "distributions": self.distributions}
        if self.attention is not None:
            arrays |= vars(self.attention)
        np.savez_compressed(
            file, digits=self.digits, **{name: array.numpy() for name, array in arrays.items()}
        )

    # Figures are for those who look: Plotly is imported only then.

    def plot_cross_attention(self, step: int | None = None):
        """The reading as a timeline, or one step of it: a Plotly figure (see `figures`)."""
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

    def plot_distribution(self, step: int):
        """How likely each outcome was at one step: a Plotly figure (see `figures`)."""
        from . import figures

        return figures.distribution_figure(self, step)

    @property
    def truncated(self) -> bool:
        """Whether the line seems longer than the model can read: it never chose the end."""
        return self.steps > 0 and int(self.distributions[-1].argmax()) != END


@dataclass(frozen=True)
class Classification:
    """One drawing read by the single-digit classifier.

    Attributes:
        digit: the likeliest digit, or None if nothing is drawn.
        probabilities: ten probabilities, of 0 to 9; empty if nothing is drawn.
    """

    digit: int | None
    probabilities: list[float]
