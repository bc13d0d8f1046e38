"""Train variants of the shipped recipe, briefly, and print what each reads."""

import argparse

from ..dataset import load_digits
from ..lab.ablation import LINES, ablate
from ..train import TrainingError
from . import DATA_OPTION, CommandError, at_least_one


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("variants", nargs="*", metavar="VARIANT", help="default: all")
    parser.add_argument(
        "--num-lines",
        "--lines",  # its name in the first version
        type=at_least_one,
        default=LINES,
        help="budget of each (default: %(default)s)",
    )
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--data", **DATA_OPTION)


def run(options: argparse.Namespace) -> int:
    digits, validation = (load_digits(split, options.data) for split in ("train", "validation"))
    print("| variant | parameters | lines exactly right | digits right | seconds |")
    print("|---|---|---|---|---|", flush=True)
    try:
        for row in ablate(digits, validation, options.num_lines, options.seed, options.variants):
            print(
                f"| {row.variant} | {row.parameters:,} | {row.line_accuracy:.1%} | "
                f"{row.digit_accuracy:.1%} | {row.seconds:.0f} |",
                flush=True,
            )
    except TrainingError as error:
        raise CommandError(error) from error
    return 0
