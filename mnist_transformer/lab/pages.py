"""How whole pages are read: rows of pen digits on paper of all kinds, and strewn pairs."""

from collections import Counter
from dataclasses import dataclass, field

import torch

from ..dataset import DigitSet
from ..explain.counted import read_counted
from ..hands.pages import PenPage, pen_pages
from ..hands.pairs import make_pairs
from ..hands.pen import PenDigit
from ..ink import Drawing, InkError
from ..page import Page
from ..reading import is_doubtful
from ..transformer import Transformer
from .doubt import DoubtScore, score_doubt

PAGES = 20  # of each kind
PAGES_SEED = 60_000
PAIRS = 2_000
PAIRS_SEED = 70_000
LEVEL = 1.0  # pixels by which neither of two digits lies to the left


@dataclass(frozen=True)
class PageScore:
    """How pages were read.

    Attributes:
        num_pages: how many.
        accuracy: the share of which every digit of every row is right, in reading order.
        accuracy_by_kind: the same, by kind.
        silent_by_kind: the share of each kind that is wrong without any digit being doubtful.
        rows: which rows were read with a doubt, of the pages whose rows were all found.
        misread: (page, what was read) of every page that is not exactly right.
    """

    num_pages: int
    accuracy: float
    accuracy_by_kind: dict[str, float]
    silent_by_kind: dict[str, float]
    rows: DoubtScore
    misread: list[tuple[PenPage, str]] = field(repr=False)

    @property
    def silent(self) -> float:
        """The share of all pages that is wrong without a doubt; every kind has as many pages."""
        return sum(self.silent_by_kind.values()) / len(self.silent_by_kind)


def evaluate_pages(
    model: Transformer, digits: list[PenDigit], num_pages: int = PAGES, seed: int = PAGES_SEED
) -> PageScore:
    """Read fixed pages of pen digits.

    Args:
        model: in evaluation mode.
        digits: from `load_pen_digits`.
        num_pages: how many of each kind.
        seed: fixes the pages.
    """
    right, silent = Counter[str](), Counter[str]()
    rows = []
    misread = []
    pages = list(pen_pages(digits, num_pages, seed))
    for page in pages:
        read = read_or_empty(model, page.picture)
        is_right = read.digits.replace("\n", "") == "".join(page.rows)
        right[page.kind] += is_right
        silent[page.kind] += not is_right and is_sure(read)
        if not is_right:
            misread.append((page, read.digits))
        if len(read.rows) == len(page.rows):
            for row, true in zip(read.rows, page.rows, strict=True):
                rows.append((row.digits == true, any(row.uncertain)))
    kinds = dict.fromkeys(page.kind for page in pages)
    return PageScore(
        num_pages=len(pages),
        accuracy=right.total() / len(pages),
        accuracy_by_kind={kind: right[kind] / num_pages for kind in kinds},
        silent_by_kind={kind: silent[kind] / num_pages for kind in kinds},
        rows=score_doubt(rows),
        misread=misread,
    )


def read_or_empty(model: Transformer, picture: Drawing, num_digits: int | None = None) -> Page:
    """The page, of so many digits if that is known; one without rows if the picture is refused."""
    try:
        if num_digits is None:
            return model.read_page(picture)
        return read_counted(model, picture, num_digits)
    except InkError:
        return Page([])


def is_sure(read: Page) -> bool:
    """Whether something was read, and no digit of it is doubtful."""
    return bool(read.probabilities) and not is_doubtful(min(read.probabilities))


@dataclass(frozen=True)
class PairScore:
    """How sheets with two digits were read; all shares are of all sheets.

    Attributes:
        line_accuracy: of which both are right, from left to right.
        level_in_any_order: the same, but that either order counts where neither lies to the left:
            where their middles are less than `LEVEL` apart from left to right.
        in_any_order: of which both are right in whatever order.
    """

    line_accuracy: float
    level_in_any_order: float
    in_any_order: float


def evaluate_pairs(
    model: Transformer, digits: DigitSet, num_lines: int = PAIRS, seed: int = PAIRS_SEED
) -> PairScore:
    """Read fixed sheets with two strewn digits.

    That there are two is known, as it is to the readers of Ba et al. 2015, who are asked for two.

    Args:
        model: in evaluation mode.
        digits: where the digits come from, e.g. `load_digits("test")`.
        num_lines: how many sheets.
        seed: fixes them.
    """
    in_order = level = in_any_order = 0
    sheets = make_pairs(digits, num_lines, torch.Generator().manual_seed(seed))
    for sheet, labels, middles in zip(
        sheets.pictures, sheets.labels, sheets.middles[:, :, 0], strict=True
    ):
        text = "".join(str(label) for label in labels[middles.argsort(kind="stable")])
        apart = abs(middles[1] - middles[0])
        # Digits one above the other are rows; the task asks for left and right alone.
        rows = sorted(read_or_empty(model, sheet, 2).rows, key=lambda row: row.box[0] + row.box[2])
        read = "".join(row.digits for row in rows)
        both = sorted(read) == sorted(text)
        in_order += read == text
        level += read == text or (both and apart < LEVEL)
        in_any_order += both
    return PairScore(in_order / num_lines, level / num_lines, in_any_order / num_lines)
