"""The shell commands: `python -m mnist_transformer read|train|evaluate`."""

import argparse
import json
import sys
from pathlib import Path

from PIL import Image

from .checkpoint import (
    CLASSIFIER_WEIGHTS,
    TRANSFORMER_WEIGHTS,
    CheckpointError,
    load_classifier,
    load_transformer,
    read_facts,
    save_model,
)
from .dataset import load_digits
from .evals import LINES, SEED, evaluate_classifier, evaluate_transformer
from .train import (
    SHIPPED_CLASSIFIER,
    SHIPPED_TRANSFORMER,
    TrainingError,
    train_single_digit_classifier,
    train_transformer,
)

TRAINERS = {"transformer": train_transformer, "classifier": train_single_digit_classifier}
PRESETS = {
    "documented": {"transformer": {}, "classifier": {}},
    "shipped": {"transformer": SHIPPED_TRANSFORMER, "classifier": SHIPPED_CLASSIFIER},
}
SHIPPED_WEIGHTS = {"transformer": TRANSFORMER_WEIGHTS, "classifier": CLASSIFIER_WEIGHTS}


def main(arguments: list[str] | None = None) -> int:
    """Run one command; returns the exit code."""
    options = _parser().parse_args(arguments)
    try:
        return options.run(options)
    except (CheckpointError, FileNotFoundError, TrainingError, ValueError) as error:
        print(f"error: {error}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print("stopped; the same command goes on from the last checkpoint", file=sys.stderr)
        return 130


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m mnist_transformer", description=__doc__)
    commands = parser.add_subparsers(required=True, metavar="COMMAND")

    read = commands.add_parser("read", help="read the digits in picture files")
    read.add_argument("files", nargs="+", metavar="FILE", help="PNG, JPEG or another picture")
    read.add_argument("--json", action="store_true", help="print one JSON object a line")
    read.add_argument("--weights", default=TRANSFORMER_WEIGHTS, help="another transformer to use")
    read.set_defaults(run=_read)

    train = commands.add_parser("train", help="train a model, or go on with an interrupted run")
    train.add_argument("model", choices=TRAINERS)
    train.add_argument(
        "--preset",
        choices=PRESETS,
        default="documented",
        help="the recipe: the plain one (default), or the one that made weights/",
    )
    train.add_argument("--epochs", type=int, help="instead of the preset's")
    train.add_argument("--batch-size", type=int, help="instead of the preset's")
    train.add_argument("--lr", type=float, help="instead of the preset's")
    train.add_argument("--seed", type=int, default=0)
    train.add_argument("--out", type=Path, help="default: runs/MODEL.safetensors")
    _add_data(train)
    train.set_defaults(run=_train)

    evaluate = commands.add_parser("evaluate", help="measure models on MNIST's test digits")
    evaluate.add_argument("models", nargs="*", metavar="MODEL", help="default: both")
    evaluate.add_argument("--weights", type=Path, help="another file, for exactly one MODEL")
    evaluate.add_argument("--split", choices=("test", "validation"), default="test")
    evaluate.add_argument("--lines", type=int, default=LINES, help=f"default: {LINES}")
    evaluate.add_argument("--seed", type=int, default=SEED, help="of the lines")
    evaluate.add_argument("--json", action="store_true", help="print one JSON object a line")
    evaluate.add_argument(
        "--record", action="store_true", help="write the result into the weights' metadata"
    )
    _add_data(evaluate)
    evaluate.set_defaults(run=_evaluate)
    return parser


def _add_data(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--data", type=Path, help="folder with MNIST/raw (default: $MNIST_ROOT, else a download)"
    )


def _read(options: argparse.Namespace) -> int:
    model = load_transformer(options.weights)
    failed = False
    for file in options.files:
        try:
            with Image.open(file) as picture:
                reading = model.read(picture)
        # PIL's plugins raise many kinds of errors on broken files.
        except Exception as error:
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
            more = ", and more than the model can read" if reading.goes_on else ""
            print(f"{file}: {reading.digits}  ({sure}){more}", flush=True)
        else:
            print(f"{file}: nothing drawn", flush=True)
    return int(failed)


def _train(options: argparse.Namespace) -> int:
    chosen = {"epochs": options.epochs, "batch_size": options.batch_size, "lr": options.lr}
    recipe = PRESETS[options.preset][options.model]
    recipe = recipe | {name: value for name, value in chosen.items() if value is not None}
    out = options.out or Path("runs") / f"{options.model}.safetensors"
    TRAINERS[options.model](
        **recipe,
        digits=load_digits("train", options.data),
        validation=load_digits("validation", options.data),
        seed=options.seed,
        checkpoint=out,
    )
    print(
        f"trained: {out}\nmeasure it: python -m mnist_transformer evaluate {options.model} "
        f"--weights {out}"
    )
    return 0


def _evaluate(options: argparse.Namespace) -> int:
    models = options.models or list(SHIPPED_WEIGHTS)
    unknown = set(models) - set(SHIPPED_WEIGHTS)
    if unknown:
        raise ValueError(f"MODEL is transformer or classifier, not {', '.join(sorted(unknown))}")
    if options.weights and len(models) != 1:
        raise ValueError("--weights needs exactly one MODEL: transformer or classifier")
    if options.lines < 1:
        raise ValueError(f"--lines must be at least 1, not {options.lines}")
    digits = load_digits(options.split, options.data)
    for name in models:
        path = options.weights or SHIPPED_WEIGHTS[name]
        if name == "transformer":
            model = load_transformer(path)
            score = evaluate_transformer(model, digits, options.lines, options.seed)
            result = {
                "lines": score.lines,
                "seed": options.seed,
                "exact": score.exact,
                "digits": score.digits,
                "exact_by_length": score.exact_by_length,
            }
        else:
            model = load_classifier(path)
            result = {"images": len(digits), "accuracy": evaluate_classifier(model, digits)}
        result = {"model": name, "source": digits.source} | result
        if options.record:
            save_model(model, path, read_facts(path) | {f"score on {digits.source}": result})
        print(json.dumps(result) if options.json else _table(result), flush=True)
    return 0


def _table(result: dict) -> str:
    if result["model"] == "classifier":
        return (
            f"classifier on {result['images']:,} images ({result['source']}): "
            f"{result['accuracy']:.2%} right"
        )
    lengths = "".join(
        f"\n  {length} digit{'s' if length > 1 else ' '}  {exact:.2%}"
        for length, exact in result["exact_by_length"].items()
    )
    return (
        f"transformer on {result['lines']:,} lines ({result['source']}, seed {result['seed']}): "
        f"{result['exact']:.2%} of lines wholly right, {result['digits']:.2%} of digits{lengths}"
    )


if __name__ == "__main__":
    sys.exit(main())
