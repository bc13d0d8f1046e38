"""Write the transformer as two ONNX graphs."""

import argparse
from pathlib import Path

from ..checkpoint import TRANSFORMER_WEIGHTS, load_transformer
from ..lab.export import export_onnx


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("folder", type=Path)
    parser.add_argument("--weights", default=TRANSFORMER_WEIGHTS, help="another transformer")


def run(options: argparse.Namespace) -> int:
    for path in export_onnx(load_transformer(options.weights), options.folder):
        print(path)
    return 0
