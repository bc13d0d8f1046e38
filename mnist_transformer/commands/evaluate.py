"""Measure a trained model."""

import argparse
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

from ..checkpoint import load_classifier, load_transformer, read_metadata, save_model
from ..dataset import SPLITS
from ..lab.measures import MEASURES
from . import DATA_OPTION, at_least_one

LOADERS: dict[str, Callable[[Path], Any]] = {
    "transformer": load_transformer,
    "classifier": load_classifier,
}
FORMER_NAMES = {"num_lines": ["--lines"]}  # of options, which are still understood
# The keyword arguments of all measures; each measure has the options that it takes.
OPTIONS: dict[str, dict[str, Any]] = {
    "split": {"choices": SPLITS, "help": "of MNIST (default: test)"},
    "data": DATA_OPTION,
    "num_lines": {"type": at_least_one, "help": "how many lines are read (default: %(default)s)"},
    "num_pages": {"type": at_least_one, "help": "of each kind (default: %(default)s)"},
    "seed": {"type": int, "help": "fixes what is read (default: %(default)s)"},
    "augmentation": {
        "type": float,
        "help": "of the lines: 0, what a person might write (default), to 1, as in training",
    },
    "ink": {"type": Path, "help": "file of pen digits (default: $PEN_INK)"},
    "failures": {"type": Path, "help": "folder for pictures of what is misread"},
}


def add_arguments(parser: argparse.ArgumentParser) -> None:
    measures = parser.add_subparsers(dest="measure", required=True, metavar="MEASURE")
    for name, measure in MEASURES.items():
        own = measures.add_parser(name, help=measure.purpose, description=measure.purpose)
        for option, default in measure.options.items():
            names = [f"--{option.replace('_', '-')}", *FORMER_NAMES.get(option, [])]
            own.add_argument(*names, default=default, **OPTIONS[option])
        own.add_argument("--weights", type=Path, default=measure.weights, help="another file")
        own.add_argument("--json", action="store_true", help="print a JSON object")
        own.add_argument(
            "--record", action="store_true", help="write the result into the weights' metadata"
        )


def run(options: argparse.Namespace) -> int:
    measure = MEASURES[options.measure]
    model = LOADERS[measure.kind](options.weights)
    result = measure.run(model, **{name: getattr(options, name) for name in measure.options})
    found = {"measure": options.measure, **result.as_dict()}
    if options.record:
        score = {f"{options.measure} on {result.source}": found}
        save_model(model, options.weights, read_metadata(options.weights) | score)
    print(json.dumps(found) if options.json else f"{options.measure} on {result.as_text()}")
    return 0
