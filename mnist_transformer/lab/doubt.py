"""Does a doubt stand where something is wrong, and hardly anywhere else?

A row is doubtful if any of its digits is. What counts is how many wrong rows are not, and how many
right ones are; `CAUTION` (in `reading.py`) trades one for the other and is fitted here.
"""

import math
from collections.abc import Iterable
from dataclasses import dataclass

import cv2
import numpy as np

from ..dataset import DigitSet
from ..evals import evaluation_lines, line_text
from ..ink import InkError
from ..reading import CAUTION, DOUBT
from ..transformer import Transformer

LINES = 1_000
SEED = 50_000
RIGHT_DOUBTED = 0.08  # share of right rows that may be doubtful
ENLARGED = 4  # a canvas as a picture
RIM = 24  # pixels of paper around it: ink at a picture's border may be a frame, or cut off


@dataclass(frozen=True)
class DoubtScore:
    """How many rows were read wrong and right, and which of them with a doubt.

    Attributes:
        num_wrong, num_right: rows.
        silent: the share of the wrong rows without a doubtful digit.
        doubted: the share of the right rows with one.
    """

    num_wrong: int
    num_right: int
    silent: float
    doubted: float


def score_doubt(rows: Iterable[tuple[bool, bool]]) -> DoubtScore:
    """Count rows given as (right, doubtful)."""
    rows = list(rows)
    right = [doubtful for is_right, doubtful in rows if is_right]
    wrong = [doubtful for is_right, doubtful in rows if not is_right]
    return DoubtScore(
        num_wrong=len(wrong),
        num_right=len(right),
        silent=1 - sum(wrong) / len(wrong) if wrong else 0.0,
        doubted=sum(right) / len(right) if right else 0.0,
    )


def evaluate_doubt(
    model: Transformer, digits: DigitSet, num_lines: int = LINES, seed: int = SEED
) -> tuple[DoubtScore, float]:
    """Read lines by `read_page`, and find the caution that fits.

    Args:
        model: in evaluation mode.
        digits: that only validate, e.g. `load_digits("validation")`.
        num_lines: how many.
        seed: fixes them.

    Returns:
        The score with today's `CAUTION`; and the one with which `RIGHT_DOUBTED` of the right rows
        have a doubt, the most that is wanted, so that as few wrong rows as may be have none.
    """
    right, least = [], []
    for canvases, tokens in evaluation_lines(digits, model.config, num_lines, seed):
        for canvas, line in zip(canvases, tokens, strict=True):
            read, trusted = _read(model, canvas.numpy())
            right.append(read == line_text(line))
            least.append(trusted)
    score = score_doubt((is_right, p < DOUBT) for is_right, p in zip(right, least, strict=True))
    edge = float(np.quantile(np.array(least)[right], RIGHT_DOUBTED)) if any(right) else DOUBT
    # What is trusted as far as `edge` today shall be trusted as far as `DOUBT`.
    edge = min(max(edge, 1e-6), 1 - 1e-6)
    return score, CAUTION * math.log(DOUBT) / math.log(edge)


def _read(model: Transformer, canvas: np.ndarray) -> tuple[str, float]:
    """What a canvas, drawn large, is read as, and how far its least certain digit is trusted."""
    large = cv2.resize(canvas, None, fx=ENLARGED, fy=ENLARGED, interpolation=cv2.INTER_CUBIC)
    try:
        page = model.read_page(1 - np.pad(large.clip(0, 1), RIM))
    except InkError:
        return "", 0.0
    return page.digits, min(page.probabilities, default=0.0)
