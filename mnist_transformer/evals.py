"""How well the models read digits they have never seen."""

from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from functools import partial

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from .classifier import Classifier
from .config import Config
from .dataset import MNIST_SIDE, DigitSet, make_lines
from .hands.grids import make_grids
from .hands.pairs import pair_canvases
from .transformer import Transformer

LINES = 10_000
SEED = 20_000
_BATCH = 250


@dataclass(frozen=True)
class SequenceScore:
    """How a set of lines was read.

    Attributes:
        num_lines: number of lines.
        line_accuracy: share of lines read exactly right.
        digit_accuracy: 1 - (edit distance / number of digits), over all lines.
        line_accuracy_by_length: the share of lines exactly right, for each true length.
        confusions: how often one digit was read for another, {(true, read): times}; "" stands for
            none, as in `align`.
        misread: (true, read) of every line that was not exactly right.
    """

    num_lines: int
    line_accuracy: float
    digit_accuracy: float
    line_accuracy_by_length: dict[int, float]
    confusions: Counter = field(repr=False)
    misread: list[tuple[str, str]] = field(repr=False)


def evaluate_transformer(
    model: Transformer,
    digits: DigitSet,
    num_lines: int = LINES,
    seed: int = SEED,
    augmentation: float = 0.0,
) -> SequenceScore:
    """Read `num_lines` lines made from `digits`, the same ones for every model and every call.

    Args:
        model: in evaluation mode.
        digits: where the lines come from, e.g. `load_digits("test")`.
        num_lines: how many.
        seed: fixes the lines.
        augmentation: as in `make_lines`; 0 is what a person might write.

    Raises:
        ValueError: if the model reads grids, not lines.
    """
    if model.config.text_rows > 1:
        raise ValueError("this model reads grids, not lines: score it with evaluate_grids")
    lines = evaluation_lines(digits, model.config, num_lines, seed, augmentation)
    return _score(model, lines)


def evaluate_grids(
    model: Transformer, digits: DigitSet, num_grids: int = LINES, seed: int = SEED
) -> SequenceScore:
    """As `evaluate_transformer`, for a model of grids: MNIST's images as they are, side by side.

    Args:
        model: in evaluation mode.
        digits: what the grids are made from.
        num_grids: how many.
        seed: fixes them.
    """
    return _score(model, evaluation_grids(digits, model.config, num_grids, seed))


def evaluate_parts(
    model: Transformer, digits: DigitSet, num_canvases: int = LINES, seed: int = SEED
) -> SequenceScore:
    """As `evaluate_transformer`, of what is shown of sheets with two strewn digits.

    Not of whole sheets, which `lab.pages.evaluate_pairs` reads.

    Args:
        model: in evaluation mode.
        digits: what the sheets are made from.
        num_canvases: how many are read.
        seed: fixes them.
    """
    return _score(model, evaluation_parts(digits, model.config, num_canvases, seed))


def _score(model: Transformer, batches: Iterable[tuple[Tensor, Tensor]]) -> SequenceScore:
    true, read = [], []
    for canvases, tokens in batches:
        true += [line_text(row) for row in tokens]
        readings = model.read_canvases(canvases.to(_device(model)))
        read += [reading.digits for reading in readings]
    return score_sequences(true, read)


def _device(model: nn.Module) -> torch.device:
    return next(model.parameters()).device


def evaluation_lines(
    digits: DigitSet,
    config: Config,
    num_lines: int = LINES,
    seed: int = SEED,
    augmentation: float = 0.0,
) -> Iterable[tuple[Tensor, Tensor]]:
    """The fixed lines, in batches of (canvases, tokens) as `make_lines` gives them.

    Args:
        digits, num_lines, seed, augmentation: as in `evaluate_transformer`.
        config: of the model that is to read them.
    """
    make = partial(make_lines, digits, config=config, augmentation=augmentation)
    return _batches(make, num_lines, seed)


def evaluation_grids(
    digits: DigitSet, config: Config, num_grids: int = LINES, seed: int = SEED
) -> Iterable[tuple[Tensor, Tensor]]:
    """The fixed grids, in batches of (canvases, tokens) as `make_grids` gives them.

    Args:
        digits, num_grids, seed: as in `evaluate_grids`.
        config: of the model that is to read them.
    """
    return _batches(partial(make_grids, digits, config=config, vary=False), num_grids, seed)


def evaluation_parts(
    digits: DigitSet, config: Config, num_canvases: int = LINES, seed: int = SEED
) -> Iterable[tuple[Tensor, Tensor]]:
    """The fixed parts of sheets, in batches of (canvases, tokens) as `pair_canvases` gives them.

    Args:
        digits, num_canvases, seed: as in `evaluate_parts`.
        config: of the model that is to read them.
    """
    return _batches(partial(pair_canvases, digits, config=config), num_canvases, seed)


def _batches(
    make: Callable[..., tuple[Tensor, Tensor]], total: int, seed: int
) -> Iterator[tuple[Tensor, Tensor]]:
    """As many samples as are asked for, batch by batch, of one seed."""
    generator = torch.Generator().manual_seed(seed)
    for start in range(0, total, _BATCH):
        yield make(count=min(_BATCH, total - start), generator=generator)


def line_text(tokens: Tensor) -> str:
    """The digits among a row of token ids, (length,), as a string."""
    return "".join(str(int(token)) for token in tokens if token < 10)


def score_sequences(true: list[str], read: list[str]) -> SequenceScore:
    """Compare what was written with what was read, line by line.

    Raises:
        ValueError: if there is nothing to compare, or the lists differ in length.
    """
    if not true or len(true) != len(read):
        raise ValueError(f"{len(true)} lines written and {len(read)} read cannot be compared")
    pairs = list(zip(true, read, strict=True))
    by_length = {}
    for length in sorted({len(t) for t in true}):
        group = [t == r for t, r in pairs if len(t) == length]
        by_length[length] = sum(group) / len(group)
    changes = Counter(change for t, r in pairs for change in align(t, r) if change[0] != change[1])
    return SequenceScore(
        num_lines=len(pairs),
        line_accuracy=sum(t == r for t, r in pairs) / len(pairs),
        digit_accuracy=1 - changes.total() / sum(map(len, true)),
        line_accuracy_by_length=by_length,
        confusions=changes,
        misread=[(t, r) for t, r in pairs if t != r],
    )


def align(true: str, read: str) -> list[tuple[str, str]]:
    """Pair the digits of two lines so that the fewest differ (Levenshtein 1966).

    Returns:
        (true digit, read digit) from left to right; "" stands for a digit that was missed, or
        for one that was read where there is none. The pairs that differ are the edit distance.
    """
    distance = [list(range(len(read) + 1))]
    for i, x in enumerate(true, 1):
        row = [i]
        for j, y in enumerate(read, 1):
            above = distance[-1]
            row.append(min(above[j] + 1, row[-1] + 1, above[j - 1] + (x != y)))
        distance.append(row)
    pairs = []
    i, j = len(true), len(read)
    while i or j:
        if i and j and distance[i][j] == distance[i - 1][j - 1] + (true[i - 1] != read[j - 1]):
            i, j = i - 1, j - 1
            pairs.append((true[i], read[j]))
        elif i and distance[i][j] == distance[i - 1][j] + 1:
            i -= 1
            pairs.append((true[i], ""))
        else:
            j -= 1
            pairs.append(("", read[j]))
    return pairs[::-1]


@torch.inference_mode()
def evaluate_classifier(model: Classifier, digits: DigitSet) -> float:
    """Share of single digits named rightly, each as MNIST gives it, in the middle of the canvas."""
    right = 0
    for start in range(0, len(digits), _BATCH):
        canvases = centred_canvases(digits.images[start : start + _BATCH], model.config)
        labels = digits.labels[start : start + _BATCH]
        named = model(canvases.to(_device(model))).argmax(-1)
        right += int((named.cpu() == labels).sum())
    return right / len(digits)


def centred_canvases(images: Tensor, config: Config) -> Tensor:
    """(n, 28, 28) uint8 -> (n, height, width) float in [0, 1], with an even rim of paper."""
    down, right = config.canvas_height - MNIST_SIDE, config.canvas_width - MNIST_SIDE
    rim = (right // 2, right - right // 2, down // 2, down - down // 2)
    return F.pad(images.float() / 255, rim)
