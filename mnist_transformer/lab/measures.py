"""What `python -m mnist_transformer evaluate` measures, and how it prints it.

Every measure reads one model and gives a dict that JSON can hold: single numbers, shares by group
under `by ...`, and tables of rows.
"""

import argparse
import os
from collections import Counter
from pathlib import Path

from .. import pen
from ..checkpoint import CLASSIFIER_WEIGHTS, GRID_WEIGHTS, TRANSFORMER_WEIGHTS
from ..classifier import Classifier
from ..dataset import load_digits
from ..evals import LINES, SEED, SequenceScore, evaluate_classifier, evaluate_transformer
from ..transformer import Transformer
from .confidence import Reliability, evaluate_rejection

SHOWN_CONFUSIONS = 12


def measure_lines(model: Transformer, options: argparse.Namespace) -> dict:
    """Lines (or grids, for a model of grids) made from MNIST digits the model never saw."""
    digits = load_digits(options.split, options.data)
    seed = options.seed or SEED
    score = evaluate_transformer(model, digits, options.lines or LINES, seed, options.augmentation)
    wild = f", augmentation {options.augmentation:g}" if options.augmentation else ""
    return {"source": digits.source + wild} | _sequence_result(score, seed)


def measure_classifier(model: Classifier, options: argparse.Namespace) -> dict:
    """Single MNIST digits the model never saw."""
    digits = load_digits(options.split, options.data)
    accuracy = evaluate_classifier(model, digits)
    return {"source": digits.source, "images": len(digits), "right": accuracy}


def measure_pen(model: Transformer, options: argparse.Namespace) -> dict:
    """Lines of real pen strokes, drawn and read as the page does."""
    ink = options.ink or os.environ.get("PEN_INK")
    if not ink:
        raise ValueError(
            "evaluate pen needs --ink FILE (or $PEN_INK): see mnist_transformer/pen.py"
        )
    lines, seed = options.lines or pen.LINES, options.seed or pen.SEED
    score = pen.evaluate_pen(model, pen.load_pen_digits(ink), lines, seed)
    if options.failures:
        options.failures.mkdir(parents=True, exist_ok=True)
        for n, (line, read) in enumerate(score.misread):
            line.picture.save(options.failures / f"{n:03} {line.digits} read as {read}.png")
    return {
        "source": Path(ink).name,
        **_sequence_result(score.total, seed),
        "by writer": score.line_accuracy_by_writer,
        "by brush width": score.line_accuracy_by_brush,
        **_reliability_result(score.reliability),
    }


def measure_rejection(model: Transformer, options: argparse.Namespace) -> dict:
    """Letters and scribbles: how many are flagged rather than read as certain digits."""
    return {"source": "letters and scribbles", "by kind": evaluate_rejection(model)}


def _sequence_result(score: SequenceScore, seed: int) -> dict:
    return {
        "lines": score.num_lines,
        "seed": seed,
        "line accuracy": score.line_accuracy,
        "digit accuracy": score.digit_accuracy,
        "by length": score.line_accuracy_by_length,
        "confusions": [
            {"written": true or "nothing", "read": read or "nothing", "times": times}
            for (true, read), times in Counter(score.confusions).most_common(SHOWN_CONFUSIONS)
        ],
    }


def _reliability_result(score: Reliability) -> dict:
    return {
        "calibration error": score.error,
        "reliability": [
            {
                "from": b.low,
                "digits": b.count,
                "confidence": round(b.confidence, 4),
                "right": round(b.right, 4),
            }
            for b in score.bins
        ],
    }


# By name on the command line: the kind of model, the weights that ship, and what is measured.
MEASURES = {
    "transformer": ("transformer", TRANSFORMER_WEIGHTS, measure_lines),
    "classifier": ("classifier", CLASSIFIER_WEIGHTS, measure_classifier),
    "grid": ("transformer", GRID_WEIGHTS, measure_lines),
    "pen": ("transformer", TRANSFORMER_WEIGHTS, measure_pen),
    "rejection": ("transformer", TRANSFORMER_WEIGHTS, measure_rejection),
}
HEADLINES = {
    "lines": "{:,} lines",
    "images": "{:,} images",
    "seed": "seed {}",
    "line accuracy": "{:.2%} of lines exactly right",
    "digit accuracy": "{:.2%} of digits right",
    "right": "{:.2%} right",
    "calibration error": "expected calibration error {:.2%}",
}


def as_text(result: dict) -> str:
    """A result as a person reads it: one headline, then the shares and tables, indented."""
    numbers = [text.format(result[name]) for name, text in HEADLINES.items() if name in result]
    lines = [f"{result['measure']} on {result['source']}: " + ", ".join(numbers)]
    for name, value in result.items():
        if isinstance(value, dict):
            shares = (f"{key} {share:.2%}" for key, share in value.items())
            lines.append(f"  {name}: " + ", ".join(shares))
        elif isinstance(value, list) and value:
            lines.append(f"  {name}:")
            lines += ["    " + ", ".join(f"{k} {v}" for k, v in row.items()) for row in value]
    return "\n".join(lines)
