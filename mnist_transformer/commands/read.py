"""Read the digits in picture files."""

import argparse
import json
import sys

from ..checkpoint import TRANSFORMER_WEIGHTS, load_transformer
from ..ink import InkError


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("files", nargs="+", metavar="FILE", help="PNG, JPEG or another picture")
    parser.add_argument("--json", action="store_true", help="print one JSON object a line")
    parser.add_argument("--weights", default=TRANSFORMER_WEIGHTS, help="another transformer to use")


def run(options: argparse.Namespace) -> int:
    model = load_transformer(options.weights)
    failed = False
    for file in options.files:
        try:
            page = model.read_page(file)
        except (InkError, OSError) as error:
            reason = getattr(error, "strerror", None) or error  # else the file is named twice
            print(f"{file}: {reason}", file=sys.stderr)
            failed = True
            continue
        if options.json:
            print(json.dumps({"file": file, **page.to_dict()}), flush=True)
        elif page.rows:
            for row in page.rows:
                sure = " ".join(f"{probability:.0%}" for probability in row.probabilities)
                print(f"{file}: {row.digits or 'no digits'}  ({sure or 'doubtful'})", flush=True)
        else:
            print(f"{file}: nothing drawn", flush=True)
    return int(failed)
