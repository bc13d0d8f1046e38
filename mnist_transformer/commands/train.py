"""Train a model, or go on with an interrupted run of the same recipe."""

import argparse
from pathlib import Path

from ..config import GRID_CONFIG
from ..dataset import load_digits
from ..train import (
    FAST_CLASSIFIER,
    SHIPPED_CLASSIFIER,
    SHIPPED_GRID,
    SHIPPED_TRANSFORMER,
    TrainingError,
    train_single_digit_classifier,
    train_transformer,
)
from ..training import processes
from . import DATA_OPTION, CommandError

TRAINERS = {
    "transformer": train_transformer,
    "classifier": train_single_digit_classifier,
    "grid": train_transformer,
}
PRESETS = {
    "documented": {"transformer": {}, "classifier": {}, "grid": {"config": GRID_CONFIG}},
    "shipped": {
        "transformer": SHIPPED_TRANSFORMER,
        "classifier": SHIPPED_CLASSIFIER,
        "grid": SHIPPED_GRID,
    },
    "fast": {"classifier": FAST_CLASSIFIER},
}


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("model", choices=TRAINERS)
    parser.add_argument(
        "--preset",
        choices=PRESETS,
        default="documented",
        help="the recipe: the plain one (default), the one that made weights/, or a fast one",
    )
    parser.add_argument("--epochs", type=int, help="instead of the preset's")
    parser.add_argument("--batch-size", type=int, help="instead of the preset's")
    parser.add_argument("--lr", type=float, help="instead of the preset's")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--out", type=Path, help="default: runs/MODEL.safetensors")
    parser.add_argument("--device", choices=["cpu", "cuda"], default="cpu")
    parser.add_argument("--data", **DATA_OPTION)


def run(options: argparse.Namespace) -> int:
    chosen = {"epochs": options.epochs, "batch_size": options.batch_size, "lr": options.lr}
    chosen = {name: value for name, value in chosen.items() if value is not None}
    if options.model not in PRESETS[options.preset]:
        raise ValueError(f"there is no {options.preset} recipe of the {options.model}")
    recipe = PRESETS[options.preset][options.model]
    out = options.out or Path("runs") / f"{options.model}.safetensors"
    digits, validation = (load_digits(split, options.data) for split in ("train", "validation"))
    try:
        with processes.process_group(options.device):
            TRAINERS[options.model](
                **recipe | chosen,
                digits=digits,
                validation=validation,
                seed=options.seed,
                checkpoint=out,
                device=options.device,
            )
            if processes.is_main():
                print(
                    f"trained: {out}\nmeasure it: python -m mnist_transformer evaluate "
                    f"{options.model} --weights {out}"
                )
    except (TrainingError, processes.ProcessLost) as error:
        raise CommandError(error) from error
    return 0
