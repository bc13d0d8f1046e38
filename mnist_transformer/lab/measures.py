"""What `python -m mnist_transformer evaluate` measures.

A measure is a function of a model and of keyword arguments, which are its options in the shell too.
To add one, write it here, add it to `MEASURES`, and describe a new option in
`commands/evaluate.py`.
"""

import dataclasses
import inspect
import os
from collections import Counter
from collections.abc import Callable
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, Literal

from PIL import Image

from ..checkpoint import CLASSIFIER_WEIGHTS, GRID_WEIGHTS, PAIRS_WEIGHTS, TRANSFORMER_WEIGHTS
from ..classifier import Classifier
from ..dataset import load_digits
from ..evals import (
    LINES,
    SEED,
    SequenceScore,
    evaluate_classifier,
    evaluate_grids,
    evaluate_transformer,
)
from ..hands.pen import load_pen_digits
from ..transformer import Transformer
from . import doubt, pages, pen
from .confidence import Reliability, evaluate_rejection
from .doubt import DoubtScore, evaluate_doubt

SHOWN_CONFUSIONS = 12


@dataclass(frozen=True)
class Result:
    """What a measure found.

    Attributes:
        source: what was read.
        numbers: counts, seeds and shares (0-1), by name.
        groups: shares by group, e.g. {"line_accuracy_by_length": {1: 0.99, 2: 0.98}}.
        tables: rows of named values, by the table's name.
    """

    source: str
    numbers: dict[str, float]
    groups: dict[str, dict] = field(default_factory=dict)
    tables: dict[str, list[dict]] = field(default_factory=dict)

    def as_dict(self) -> dict:
        """All of it in one dict that JSON can hold."""
        return {"source": self.source, **self.numbers, **self.groups, **self.tables}

    def as_text(self) -> str:
        """All of it as a person reads it: one headline, then the groups and tables, indented."""
        numbers = (
            _WORDS.get(name, f"{name.replace('_', ' ')} {{}}").format(number)
            for name, number in self.numbers.items()
        )
        lines = [f"{self.source}: {', '.join(numbers)}" if self.numbers else self.source]
        for name, shares in self.groups.items():
            words = ", ".join(f"{group} {share:.2%}" for group, share in shares.items())
            lines.append(f"  {name.replace('_', ' ')}: {words}")
        for name, rows in self.tables.items():
            lines.append(f"  {name}:" if rows else f"  {name}: none")
            lines += ["    " + ", ".join(f"{k} {v}" for k, v in row.items()) for row in rows]
        return "\n".join(lines)


_WORDS = {
    "num_lines": "{:,} lines",
    "num_digits": "{:,} digits",
    "num_pages": "{:,} pages",
    "seed": "seed {}",
    "page_accuracy": "{:.2%} of pages exactly right",
    "silent_errors": "{:.2%} wrong without a doubt",
    "wrong_rows_without_doubt": "{:.0%} of the wrong rows without a doubt",
    "right_rows_with_doubt": "{:.1%} of the right rows with one",
    "line_accuracy": "{:.2%} of lines exactly right",
    "digit_accuracy": "{:.2%} of digits right",
    "level_in_any_order": "{:.2%} if those right above each other may be swapped",
    "in_any_order": "{:.2%} if all may be",
    "calibration_error": "expected calibration error {:.2%}",
    "fitting_caution": "a caution of {:.2f} would fit",
    "fitting_certainty": "a certainty of {:.4f} would fit",
    "in_one_look": "{:.0%} in one look",
}


def measure_lines(
    model: Transformer,
    *,
    split: str = "test",
    data: str | Path | None = None,
    num_lines: int = LINES,
    seed: int = SEED,
    augmentation: float = 0.0,
) -> Result:
    """Lines written with MNIST digits.

    Args:
        model: in evaluation mode.
        split: of MNIST; "test" holds digits that no model saw.
        data: as in `load_digits`.
        num_lines, seed, augmentation: as in `evaluate_transformer`.
    """
    digits = load_digits(split, data)
    score = evaluate_transformer(model, digits, num_lines, seed, augmentation)
    changed = f", augmentation {augmentation:g}" if augmentation else ""
    return _sequence_result(digits.source + changed, score, seed)


def measure_grids(
    model: Transformer,
    *,
    split: str = "test",
    data: str | Path | None = None,
    num_lines: int = LINES,
    seed: int = SEED,
) -> Result:
    """Grids of MNIST digits, the images as they are.

    Arguments as in `measure_lines`.
    """
    digits = load_digits(split, data)
    return _sequence_result(digits.source, evaluate_grids(model, digits, num_lines, seed), seed)


def measure_classifier(
    model: Classifier, *, split: str = "test", data: str | Path | None = None
) -> Result:
    """Single MNIST digits, the images as they are.

    Arguments as in `measure_lines`.
    """
    digits = load_digits(split, data)
    accuracy = evaluate_classifier(model, digits)
    return Result(digits.source, {"num_digits": len(digits), "digit_accuracy": accuracy})


def measure_pen(
    model: Transformer,
    *,
    ink: str | Path | None = None,
    num_lines: int = pen.LINES,
    seed: int = pen.SEED,
    failures: str | Path | None = None,
) -> Result:
    """Lines of real pen strokes, drawn by the page's brush.

    Args:
        model: in evaluation mode.
        ink: file of pen digits, see `pen.load_pen_digits`; None means $PEN_INK.
        num_lines, seed: as in `evaluate_pen`.
        failures: a folder that gets a picture of every misread line.

    Raises:
        ValueError: if no file of pen digits is named.
    """
    ink = _ink_file("pen", ink)
    score = pen.evaluate_pen(model, load_pen_digits(ink), num_lines, seed)
    if failures:
        misread = [(line.picture, f"{line.digits} read as {read}") for line, read in score.misread]
        _save_pictures(failures, misread)
    result = _sequence_result(ink.name, score.total, seed)
    groups: dict[str, dict] = {
        "line_accuracy_by_writer": score.line_accuracy_by_writer,
        "line_accuracy_by_brush": score.line_accuracy_by_brush,
    }
    return dataclasses.replace(
        result,
        numbers=result.numbers
        | {"calibration_error": score.reliability.error}
        | _doubt_numbers(score.rows),
        groups=result.groups | groups,
        tables=result.tables | {"reliability": _reliability_rows(score.reliability)},
    )


def measure_pages(
    model: Transformer,
    *,
    ink: str | Path | None = None,
    num_pages: int = pages.PAGES,
    seed: int = pages.PAGES_SEED,
    failures: str | Path | None = None,
) -> Result:
    """Pages of real pen strokes: rows, gaps and paper of all kinds.

    Args:
        model: in evaluation mode.
        ink: as in `measure_pen`.
        num_pages, seed: as in `evaluate_pages`.
        failures: a folder that gets a picture of every misread page.

    Raises:
        ValueError: if no file of pen digits is named.
    """
    ink = _ink_file("pages", ink)
    score = pages.evaluate_pages(model, load_pen_digits(ink), num_pages, seed)
    if failures:
        misread = [
            (page.picture, f"{page.kind} {' '.join(page.rows)} read as {' '.join(read.split())}")
            for page, read in score.misread
        ]
        _save_pictures(failures, misread)
    return Result(
        ink.name,
        {
            "num_pages": score.num_pages,
            "seed": seed,
            "page_accuracy": score.accuracy,
            "silent_errors": score.silent,
            **_doubt_numbers(score.rows),
        },
        {
            "page_accuracy_by_kind": score.accuracy_by_kind,
            "silent_errors_by_kind": score.silent_by_kind,
        },
    )


def measure_pairs(
    model: Transformer,
    *,
    split: str = "test",
    data: str | Path | None = None,
    num_lines: int = pages.PAIRS,
    seed: int = pages.PAIRS_SEED,
) -> Result:
    """Two MNIST digits anywhere on a sheet of 100x100 pixels.

    Arguments as in `measure_lines`.
    """
    digits = load_digits(split, data)
    score = asdict(pages.evaluate_pairs(model, digits, num_lines, seed))
    return Result(digits.source, {"num_lines": num_lines, "seed": seed, **score})


def measure_doubt(
    model: Transformer,
    *,
    split: str = "validation",
    data: str | Path | None = None,
    num_lines: int = doubt.LINES,
    seed: int = doubt.SEED,
) -> Result:
    """Lines of MNIST digits, read as pages: doubts that are missing or needless, what would fit.

    Arguments as in `measure_lines`.
    """
    digits = load_digits(split, data)
    fit = evaluate_doubt(model, digits, num_lines, seed)
    found = {"fitting_caution": fit.caution, "fitting_certainty": fit.sure}
    found |= {"in_one_look": fit.in_one_look, **_doubt_numbers(fit.rows)}
    return Result(digits.source, {"num_lines": num_lines, "seed": seed, **found})


def _doubt_numbers(score: DoubtScore) -> dict[str, float]:
    return {"wrong_rows_without_doubt": score.silent, "right_rows_with_doubt": score.doubted}


def _save_pictures(folder: str | Path, pictures: list[tuple[Image.Image, str]]) -> None:
    """Write each picture into the folder under its number and name."""
    folder = Path(folder)
    folder.mkdir(parents=True, exist_ok=True)
    for n, (picture, name) in enumerate(pictures):
        picture.save(folder / f"{n:03} {name}.png")


def _ink_file(measure: str, ink: str | Path | None) -> Path:
    """The named file of pen digits, or $PEN_INK."""
    ink = Path(ink or os.environ.get("PEN_INK", ""))
    if not ink.name:
        raise ValueError(f"evaluate {measure} needs --ink FILE or $PEN_INK: a file of pen digits")
    return ink


def measure_rejection(model: Transformer) -> Result:
    """Letters and scribbles: how many are flagged, not read as certain digits."""
    return Result("letters and scribbles", {}, {"flagged": evaluate_rejection(model)})


def _sequence_result(source: str, score: SequenceScore, seed: int) -> Result:
    confusions = Counter(score.confusions).most_common(SHOWN_CONFUSIONS)
    return Result(
        source,
        {
            "num_lines": score.num_lines,
            "seed": seed,
            "line_accuracy": score.line_accuracy,
            "digit_accuracy": score.digit_accuracy,
        },
        {"line_accuracy_by_length": score.line_accuracy_by_length},
        {
            "confusions": [
                {"written": true or "nothing", "read": read or "nothing", "times": times}
                for (true, read), times in confusions
            ]
        },
    )


def _reliability_rows(score: Reliability) -> list[dict]:
    return [
        {
            "from": round(b.low, 4),
            "digits": b.count,
            "confidence": round(b.confidence, 4),
            "right": round(b.right, 4),
        }
        for b in score.bins
    ]


@dataclass(frozen=True)
class Measure:
    """What is read (a Transformer or a Classifier), the weights that ship, and how it is scored."""

    kind: Literal["transformer", "classifier"]
    weights: Path
    run: Callable[..., Result]

    @property
    def purpose(self) -> str:
        """What is measured, in one line."""
        return (self.run.__doc__ or "").partition("\n")[0]

    @property
    def options(self) -> dict[str, Any]:
        """The keyword arguments of `run`, with their defaults."""
        parameters = inspect.signature(self.run).parameters.values()
        return {p.name: p.default for p in parameters if p.kind is p.KEYWORD_ONLY}


MEASURES = {
    "transformer": Measure("transformer", TRANSFORMER_WEIGHTS, measure_lines),
    "classifier": Measure("classifier", CLASSIFIER_WEIGHTS, measure_classifier),
    "grid": Measure("transformer", GRID_WEIGHTS, measure_grids),
    "pen": Measure("transformer", TRANSFORMER_WEIGHTS, measure_pen),
    "pages": Measure("transformer", TRANSFORMER_WEIGHTS, measure_pages),
    "pairs": Measure("transformer", PAIRS_WEIGHTS, measure_pairs),
    "doubt": Measure("transformer", TRANSFORMER_WEIGHTS, measure_doubt),
    "rejection": Measure("transformer", TRANSFORMER_WEIGHTS, measure_rejection),
}
