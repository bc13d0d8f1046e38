"""The shell commands: `python -m mnist_transformer read|train|evaluate|ablate|profile|export`."""

import argparse
import json
import sys
from pathlib import Path

from .checkpoint import (
    TRANSFORMER_WEIGHTS,
    CheckpointError,
    load_classifier,
    load_transformer,
    read_metadata,
    save_model,
)
from .config import GRID_CONFIG
from .dataset import SPLITS, load_digits
from .ink import InkError, open_drawing
from .lab import ablation
from .lab.ablation import ablate
from .lab.export import export_onnx
from .lab.measures import MEASURES, as_text
from .lab.profiling import profile
from .train import (
    FAST_CLASSIFIER,
    SHIPPED_CLASSIFIER,
    SHIPPED_GRID,
    SHIPPED_TRANSFORMER,
    TrainingError,
    train_single_digit_classifier,
    train_transformer,
)
from .training import processes

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
LOADERS = {"transformer": load_transformer, "classifier": load_classifier}


def main(arguments: list[str] | None = None) -> int:
    """Run one command; returns the exit code."""
    options = _parser().parse_args(arguments)
    try:
        return options.run(options)
    except (
        CheckpointError,
        OSError,
        TrainingError,
        ValueError,
        processes.ProcessLost,
    ) as error:
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
        help="the recipe: the plain one (default), the one that made weights/, or a fast one",
    )
    train.add_argument("--epochs", type=int, help="instead of the preset's")
    train.add_argument("--batch-size", type=int, help="instead of the preset's")
    train.add_argument("--lr", type=float, help="instead of the preset's")
    train.add_argument("--seed", type=int, default=0)
    train.add_argument("--out", type=Path, help="default: runs/MODEL.safetensors")
    train.add_argument("--device", choices=["cpu", "cuda"], default="cpu")
    _add_data(train)
    train.set_defaults(run=_train)

    evaluate = commands.add_parser("evaluate", help="measure the trained models")
    evaluate.add_argument(
        "measures",
        nargs="*",
        metavar="MEASURE",
        help=f"{', '.join(MEASURES)}; default: transformer and classifier",
    )
    evaluate.add_argument("--weights", type=Path, help="another file, for exactly one MEASURE")
    evaluate.add_argument("--split", choices=SPLITS, default="test")
    evaluate.add_argument("--lines", type=int, help="instead of the measure's own number")
    evaluate.add_argument("--seed", type=int, help="of the lines, instead of the measure's own")
    evaluate.add_argument(
        "--augmentation",
        type=float,
        default=0.0,
        help="of the lines: 0, what a person might write (default), to 1, as in training",
    )
    evaluate.add_argument("--ink", type=Path, help="pen strokes, for pen (default: $PEN_INK)")
    evaluate.add_argument("--failures", type=Path, help="folder for pictures of misread pen lines")
    evaluate.add_argument("--json", action="store_true", help="print one JSON object a line")
    evaluate.add_argument(
        "--record", action="store_true", help="write the result into the weights' metadata"
    )
    _add_data(evaluate)
    evaluate.set_defaults(run=_evaluate)

    variants = commands.add_parser("ablate", help="train variants of the shipped recipe, briefly")
    variants.add_argument("variants", nargs="*", metavar="VARIANT", help="default: all")
    variants.add_argument("--lines", type=int, default=ablation.LINES, help="budget of each")
    variants.add_argument("--seed", type=int, default=0)
    _add_data(variants)
    variants.set_defaults(run=_ablate)

    export = commands.add_parser("export", help="write the transformer as two ONNX graphs")
    export.add_argument("folder", type=Path)
    export.add_argument("--weights", default=TRANSFORMER_WEIGHTS, help="another transformer")
    export.set_defaults(run=_export)

    times = commands.add_parser("profile", help="time the parts of a training step")
    _add_data(times)
    times.set_defaults(run=_profile)
    return parser


def _ablate(options: argparse.Namespace) -> int:
    digits, validation = (load_digits(split, options.data) for split in ("train", "validation"))
    print("| variant | parameters | lines exactly right | digits right | seconds |")
    print("|---|---|---|---|---|", flush=True)
    for row in ablate(digits, validation, options.lines, options.seed, options.variants):
        print(
            f"| {row.variant} | {row.parameters:,} | {row.line_accuracy:.1%} | "
            f"{row.digit_accuracy:.1%} | {row.seconds:.0f} |",
            flush=True,
        )
    return 0


def _export(options: argparse.Namespace) -> int:
    for path in export_onnx(load_transformer(options.weights), options.folder):
        print(path)
    return 0


def _profile(options: argparse.Namespace) -> int:
    print("| step | data | forward | backward | optimiser | lines a second |")
    print("|---|---|---|---|---|---|", flush=True)
    for row in profile(load_digits("train", options.data)):
        print(
            f"| {row.variant} | {row.data:.0f} ms | {row.forward:.0f} ms | {row.backward:.0f} ms "
            f"| {row.optimizer:.0f} ms | {row.lines_per_second:.0f} |",
            flush=True,
        )
    return 0


def _add_data(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--data", type=Path, help="folder with MNIST/raw (default: $MNIST_ROOT, else a download)"
    )


def _read(options: argparse.Namespace) -> int:
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


def _train(options: argparse.Namespace) -> int:
    chosen = {"epochs": options.epochs, "batch_size": options.batch_size, "lr": options.lr}
    chosen = {name: value for name, value in chosen.items() if value is not None}
    if options.model not in PRESETS[options.preset]:
        raise ValueError(f"there is no {options.preset} recipe of the {options.model}")
    recipe = PRESETS[options.preset][options.model]
    out = options.out or Path("runs") / f"{options.model}.safetensors"
    digits, validation = (load_digits(split, options.data) for split in ("train", "validation"))
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
    return 0


def _evaluate(options: argparse.Namespace) -> int:
    names = options.measures or ["transformer", "classifier"]
    unknown = sorted(set(names) - set(MEASURES))
    if unknown:
        raise ValueError(f"MEASURE is one of {', '.join(MEASURES)}, not {', '.join(unknown)}")
    if options.weights and len(names) != 1:
        raise ValueError(f"--weights needs exactly one MEASURE: {', '.join(MEASURES)}")
    if options.lines is not None and options.lines < 1:
        raise ValueError(f"--lines must be at least 1, not {options.lines}")
    for name in names:
        kind, shipped, measure = MEASURES[name]
        path = options.weights or shipped
        model = LOADERS[kind](path)
        result = {"measure": name} | measure(model, options)
        if options.record:
            score = {f"{name} on {result['source']}": result}
            save_model(model, path, read_metadata(path) | score)
        print(json.dumps(result) if options.json else as_text(result), flush=True)
    return 0


if __name__ == "__main__":
    sys.exit(main())
