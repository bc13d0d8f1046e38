"""Train a model, or go on with an interrupted run of the same recipe."""

import argparse
import dataclasses
import os
import signal
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from ..checkpoint import load_transformer
from ..dataset import load_digits
from ..train import TrainingError, train
from ..training import processes
from ..training.recipes import PRESETS
from . import DATA_OPTION, CommandError

STOPPED = 130  # the exit code of what was stopped by Ctrl-C


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("model", choices=PRESETS["documented"])
    parser.add_argument(
        "--preset",
        choices=PRESETS,
        default="documented",
        help="the recipe: the plain one (default); the one that made weights/, where the "
        "transformer's is followed by `grown`, `polished`, `overlapped`; or a fast one",
    )
    parser.add_argument(
        "--from",
        dest="start",
        type=Path,
        metavar="FILE",
        help="a trained transformer or grid model to go on from, instead of from nothing",
    )
    parser.add_argument("--epochs", type=int, help="instead of the preset's")
    parser.add_argument("--batch-size", type=int, help="instead of the preset's")
    parser.add_argument("--lr", type=float, help="instead of the preset's")
    parser.add_argument("--seed", type=int, help="instead of the preset's, which is 0")
    parser.add_argument("--out", type=Path, help="default: runs/MODEL.safetensors")
    parser.add_argument("--device", choices=["cpu", "cuda", "mps"], default="cpu")
    parser.add_argument("--data", **DATA_OPTION)


def run(options: argparse.Namespace) -> int:
    if options.model not in PRESETS[options.preset]:
        raise ValueError(f"there is no {options.preset} recipe of the {options.model}")
    chosen = {name: getattr(options, name) for name in ("epochs", "batch_size", "lr", "seed")}
    chosen = {name: value for name, value in chosen.items() if value is not None}
    if options.preset in ("grown", "polished", "overlapped") and options.start is None:
        raise ValueError(
            f"the {options.preset} recipe goes on from a trained model: name its file by --from"
        )
    start = load_transformer(options.start) if options.start else None
    recipe = dataclasses.replace(PRESETS[options.preset][options.model], **chosen)
    out = options.out or Path("runs") / f"{options.model}.safetensors"
    digits, validation = (load_digits(split, options.data) for split in ("train", "validation"))
    try:
        with processes.process_group(options.device), _stop_on_signals() as stop:
            result = train(
                recipe,
                start=start,
                digits=digits,
                validation=validation,
                checkpoint=out,
                device=options.device,
                stop=stop,
            )
            if processes.is_main() and not result.finished:
                done = result.history[-1]
                print(
                    f"stopped after step {done.step:,} of {done.steps:,}: the same command goes on "
                    "from there",
                    file=sys.stderr,
                )
            elif processes.is_main():
                print(
                    f"trained: {out}\nmeasure it: python -m mnist_transformer evaluate "
                    f"{options.model} --weights {out}"
                )
    except (TrainingError, processes.ProcessLost) as error:
        raise CommandError(error) from error
    return 0 if result.finished else STOPPED


@contextmanager
def _stop_on_signals() -> Iterator[Callable[[], bool]]:
    """Within the block, Ctrl-C or a request to end asks for a stop after the current step.

    A second one ends the process at once; but for the processes of `torchrun`, which passes on to
    them what they have heard already.
    """
    signals: list[int] = []

    def hear(number: int, _) -> None:
        if not signals and processes.is_main():
            # Not `print`, which may be in the midst of writing.
            os.write(2, b"\nstopping after this step; again to stop at once\n")
        signals.append(number)
        if len(signals) > 1 and "WORLD_SIZE" not in os.environ:
            raise KeyboardInterrupt

    before = {number: signal.signal(number, hear) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield lambda: bool(signals)
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
