"""Does a doubt stand where something is wrong, and hardly anywhere else?

A row is doubtful if any of its digits is. What counts is how many wrong rows are not, and how many
right ones are; `CAUTION` (in `reading.py`) trades one for the other and is fitted here. So is
`SURE`: how certain a first look must be for the others, which find most of what is wrong, to be
spared.
"""

import math
from collections.abc import Iterable
from dataclasses import dataclass

import cv2
import numpy as np
import torch

from ..dataset import DigitSet
from ..evals import evaluation_lines, line_text
from ..ink import InkError
from ..ink.prepare import prepare_page
from ..page import finish_page
from ..reading import CAUTION, DOUBT, SURE, is_doubtful
from ..transformer import Transformer

LINES = 1_000
SEED = 50_000
RIGHT_DOUBTED = 0.08  # share of right rows that may be doubtful
LOST = 0.05  # share of the doubts on wrong rows that may be lost by asking for one look alone
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


@dataclass(frozen=True)
class DoubtFit:
    """What lines that only validate say about doubts, and about the constants of `reading.py`.

    Attributes:
        rows: which were read with a doubt, as everybody reads.
        in_one_look: the share of the lines of which one look was enough.
        caution: with which `RIGHT_DOUBTED` of the right rows would have a doubt, the most that is
            wanted, so that as few wrong rows as may be have none; for `CAUTION`.
        sure: the certainty of a first look below which all but `LOST` of the wrong rows lie that
            all looks together tell to be doubtful; for `SURE`, which must not be less.
    """

    rows: DoubtScore
    in_one_look: float
    caution: float
    sure: float


@dataclass(frozen=True)
class _Line:
    """One line as it was read: whether right, how far its least certain digit is trusted, the same
    by all looks, and the least certainty of a first look."""

    is_right: bool
    trusted: float
    by_all_looks: float
    certainty: float


def evaluate_doubt(
    model: Transformer, digits: DigitSet, num_lines: int = LINES, seed: int = SEED
) -> DoubtFit:
    """Read lines as pages, and find the caution and the certainty that fit.

    Args:
        model: in evaluation mode.
        digits: that only validate, e.g. `load_digits("validation")`.
        num_lines: how many.
        seed: fixes them.
    """
    lines = [
        _read(model, canvas.numpy(), line_text(line))
        for canvases, tokens in evaluation_lines(digits, model.config, num_lines, seed)
        for canvas, line in zip(canvases, tokens, strict=True)
    ]
    right = [line.trusted for line in lines if line.is_right]
    edge = float(np.quantile(right, RIGHT_DOUBTED)) if right else DOUBT
    # What is trusted as far as `edge` today shall be trusted as far as `DOUBT`.
    edge = min(max(edge, 1e-6), 1 - 1e-6)
    found_out = [
        line.certainty for line in lines if not line.is_right and is_doubtful(line.by_all_looks)
    ]
    return DoubtFit(
        rows=score_doubt((line.is_right, is_doubtful(line.trusted)) for line in lines),
        in_one_look=sum(line.certainty >= SURE for line in lines) / len(lines),
        caution=CAUTION * math.log(DOUBT) / math.log(edge),
        sure=float(np.quantile(found_out, 1 - LOST)) if found_out else 0.0,
    )


def _read(model: Transformer, canvas: np.ndarray, true: str) -> _Line:
    """Read a canvas, drawn large, as a page."""
    large = cv2.resize(canvas, None, fx=ENLARGED, fy=ENLARGED, interpolation=cv2.INTER_CUBIC)
    try:
        prepared = prepare_page(1 - np.pad(large.clip(0, 1), RIM), model.config)
    except InkError:
        return _Line(False, 0.0, 0.0, 0.0)
    if not prepared.rows:
        return _Line(False, 0.0, 0.0, 0.0)
    looks = model.read_looks(torch.from_numpy(prepared.canvases), sure=math.inf)
    enough = [of[:1] if of[0].certainty >= SURE else of for of in looks]
    pages = [finish_page(prepared, iter(readings)) for readings in (enough, looks)]
    trusted, by_all = (min(page.probabilities, default=0.0) for page in pages)
    certainty = min(of[0].certainty for of in looks)
    return _Line(pages[0].digits == true, trusted, by_all, certainty)
