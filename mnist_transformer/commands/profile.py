"""Time the parts of a training step."""

import argparse

from ..dataset import load_digits
from ..lab.profiling import profile
from . import DATA_OPTION


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--data", **DATA_OPTION)


def run(options: argparse.Namespace) -> int:
    print("| step | data | forward | backward | optimiser | lines a second |")
    print("|---|---|---|---|---|---|", flush=True)
    for row in profile(load_digits("train", options.data)):
        print(
            f"| {row.variant} | {row.data:.0f} ms | {row.forward:.0f} ms | {row.backward:.0f} ms "
            f"| {row.optimizer:.0f} ms | {row.lines_per_second:.0f} |",
            flush=True,
        )
    return 0
