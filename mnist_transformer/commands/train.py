"""Train a model, go on with an interrupted run of the same recipe, or fork a run from a moment."""

import argparse
import dataclasses
import functools
import os
import signal
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import torch

from ..checkpoint import load_transformer
from ..config import Config
from ..dataset import load_digits
from ..explain.heads import Head, all_heads
from ..train import TrainingError, TrainingResult, train
from ..training import processes
from ..training.forks import fork
from ..training.moments import MomentError, Moments
from ..training.presets import FROM_TRAINED, PRESETS
from ..training.recipes import Recipe
from . import DATA_OPTION, CommandError, at_least_zero

# The task of a recipe -> what the shell calls its model.
MODEL_OF = {"lines": "transformer", "grids": "grid", "pairs": "pairs", "digits": "classifier"}
STOPPED = 130  # the exit code of what was stopped by Ctrl-C


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("model", choices=MODEL_OF.values())
    parser.add_argument(
        "--preset",
        choices=PRESETS,
        help="the recipe: the plain one (default); the one that made weights/, where the "
        "transformer's is followed by `grown`, `polished`, `overlapped`, `long`; or a fast one; "
        "pairs have `strewn` alone",
    )
    parser.add_argument(
        "--from",
        dest="start",
        type=Path,
        metavar="FILE|FOLDER",
        help="a trained transformer, grid or pairs model to go on from, instead of from nothing; "
        "or a folder of moments, with --step",
    )
    parser.add_argument(
        "--step",
        type=at_least_zero,
        metavar="N",
        help="fork the run whose moments are in the folder: go on from the moment after its step N "
        "by its own recipe, but for what is asked for here",
    )
    parser.add_argument(
        "--keep-moments",
        dest="moments",
        type=Path,
        metavar="FOLDER",
        help="keep about 50 moments of the run there, to look at and to fork from",
    )
    parser.add_argument(
        "--without-head",
        dest="heads",
        action="append",
        default=[],
        metavar="NAME",
        help="train without that head, e.g. 'cross 1, head 4'; can be given several times",
    )
    parser.add_argument(
        "--without-positions",
        action="store_true",
        help="train without telling patches and tokens their places",
    )
    parser.add_argument("--epochs", type=int, help="instead of the recipe's")
    parser.add_argument("--batch-size", type=int, help="instead of the recipe's")
    parser.add_argument("--lr", type=float, help="instead of the recipe's")
    parser.add_argument("--seed", type=int, help="instead of the recipe's, which is 0")
    parser.add_argument("--out", type=Path, help="default: runs/MODEL.safetensors")
    parser.add_argument("--device", choices=["cpu", "cuda", "mps"], default="cpu")
    parser.add_argument("--data", **DATA_OPTION)


def run(options: argparse.Namespace) -> int:
    begin = _fork(options) if options.step is not None else _train(options)
    step = "" if options.step is None else f"-{options.step}"
    out = options.out or Path("runs") / f"{options.model}{step}.safetensors"
    digits, validation = (load_digits(split, options.data) for split in ("train", "validation"))
    if options.device == "cuda":
        torch.set_float32_matmul_precision("high")  # exact enough to learn by, and much faster
    try:
        with processes.process_group(options.device), _stop_on_signals() as stop:
            result = begin(
                digits=digits,
                validation=validation,
                checkpoint=out,
                moments=Moments(options.moments) if options.moments else None,
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
    except (MomentError, TrainingError, processes.ProcessLost) as error:
        raise CommandError(error) from error
    return 0 if result.finished else STOPPED


def _train(options: argparse.Namespace) -> Callable[..., TrainingResult]:
    """A run by a preset's recipe, from nothing or from a trained model."""
    preset = options.preset or "documented"
    if options.model not in PRESETS[preset]:
        named = [name for name, models in PRESETS.items() if options.model in models]
        raise ValueError(
            f"there is no {preset} recipe of the {options.model}: --preset may be "
            f"{' or '.join(named)}"
        )
    if preset in FROM_TRAINED and options.start is None:
        raise ValueError(
            f"the {preset} recipe goes on from a trained model: name its file by --from"
        )
    if options.start and options.start.is_dir():
        raise ValueError(
            f"{options.start} is a folder: name a file, or say by --step from which of its moments "
            "to go on"
        )
    start = load_transformer(options.start) if options.start else None
    recipe = _changed(PRESETS[preset][options.model], options)
    return functools.partial(train, recipe, start=start)


def _fork(options: argparse.Namespace) -> Callable[..., TrainingResult]:
    """A run that goes on from a moment of another."""
    if options.start is None or not (options.start / "run.json").is_file():
        raise ValueError("--step is of a run's moments: name their folder by --from")
    if options.preset is not None:
        raise ValueError("a fork goes on by its run's own recipe: leave --preset out")
    try:
        parent = Moments(options.start)
    except MomentError as error:
        raise CommandError(error) from error
    assert parent.recipe is not None, "a folder with a run.json has its recipe"
    kind = MODEL_OF[parent.recipe.task]
    if kind != options.model:
        raise ValueError(f"{options.start} holds moments of a {kind}, not of a {options.model}")
    return functools.partial(fork, parent, options.step, _changed(parent.recipe, options))


def _changed(recipe: Recipe, options: argparse.Namespace) -> Recipe:
    """The recipe with what is asked for."""
    chosen = {name: getattr(options, name) for name in ("epochs", "batch_size", "lr", "seed")}
    if options.heads:
        chosen["ablated_heads"] = tuple(_head(name, recipe.config) for name in options.heads)
    if options.without_positions:
        chosen["ablated_positions"] = True
    chosen = {name: value for name, value in chosen.items() if value is not None}
    return dataclasses.replace(recipe, **chosen)


def _head(name: str, config: Config) -> Head:
    heads = {head.name: head for head in all_heads(config)}
    if name not in heads:
        raise ValueError(
            f"there is no head {name!r}: heads are called {', '.join(map(repr, heads))}"
        )
    return heads[name]


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
