"""Measure the trained models."""

import argparse
import json
from pathlib import Path

from ..checkpoint import load_classifier, load_transformer, read_metadata, save_model
from ..dataset import SPLITS
from ..lab.measures import MEASURES, as_text
from . import add_data

LOADERS = {"transformer": load_transformer, "classifier": load_classifier}


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "measures",
        nargs="*",
        metavar="MEASURE",
        help=f"{', '.join(MEASURES)}; default: transformer and classifier",
    )
    parser.add_argument("--weights", type=Path, help="another file, for exactly one MEASURE")
    parser.add_argument("--split", choices=SPLITS, default="test")
    parser.add_argument("--lines", type=int, help="instead of the measure's own number")
    parser.add_argument("--seed", type=int, help="of the lines, instead of the measure's own")
    parser.add_argument(
        "--augmentation",
        type=float,
        default=0.0,
        help="of the lines: 0, what a person might write (default), to 1, as in training",
    )
    parser.add_argument("--ink", type=Path, help="pen strokes, for pen (default: $PEN_INK)")
    parser.add_argument("--failures", type=Path, help="folder for pictures of misread pen lines")
    parser.add_argument("--json", action="store_true", help="print one JSON object a line")
    parser.add_argument(
        "--record", action="store_true", help="write the result into the weights' metadata"
    )
    add_data(parser)


def run(options: argparse.Namespace) -> int:
    names = options.measures or ["transformer", "classifier"]
    unknown = sorted(set(names) - set(MEASURES))
    if unknown:
        raise ValueError(f"MEASURE is one of {', '.join(MEASURES)}, not {', '.join(unknown)}")
    if options.weights and len(names) != 1:
        raise ValueError(f"--weights needs exactly one MEASURE: {', '.join(MEASURES)}")
    if options.lines is not None and options.lines < 1:
        raise ValueError(f"--lines must be at least 1, not {options.lines}")
    for name in names:
        kind, shipped, measure = MEASURES[name]
        path = options.weights or shipped
        model = LOADERS[kind](path)
        result = {"measure": name} | measure(model, options)
        if options.record:
            score = {f"{name} on {result['source']}": result}
            save_model(model, path, read_metadata(path) | score)
        print(json.dumps(result) if options.json else as_text(result), flush=True)
    return 0
