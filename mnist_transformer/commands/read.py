"""Read the digits in picture files."""

import argparse
import json
import sys

from ..checkpoint import TRANSFORMER_WEIGHTS, load_transformer
from ..ink import InkError, open_drawing


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("files", nargs="+", metavar="FILE", help="PNG, JPEG or another picture")
    parser.add_argument("--json", action="store_true", help="print one JSON object a line")
    parser.add_argument("--weights", default=TRANSFORMER_WEIGHTS, help="another transformer to use")


def run(options: argparse.Namespace) -> int:
    model = load_transformer(options.weights)
    failed = False
    for file in options.files:
        try:
            reading = model.read(open_drawing(file))
        except (InkError, OSError) as error:
            print(f"{file}: {error}", file=sys.stderr)
            failed = True
            continue
        if options.json:
            result = {
                "file": file,
                "digits": reading.digits,
                "probabilities": reading.probabilities,
                "end_probability": reading.end_probability,
            }
            print(json.dumps(result), flush=True)
        elif reading.digits:
            sure = " ".join(f"{probability:.0%}" for probability in reading.probabilities)
            more = ", and more than the model can read" if reading.truncated else ""
            print(f"{file}: {reading.digits}  ({sure}){more}", flush=True)
        else:
            print(f"{file}: nothing drawn", flush=True)
    return int(failed)
