"""The shell commands: `python -m mnist_transformer read|train|evaluate|ablate|profile|export`."""

import argparse
import sys
from importlib import import_module

from .commands import CommandError

COMMANDS = {
    "read": "read the digits in picture files",
    "train": "train a model, or go on with an interrupted run",
    "evaluate": "measure the trained models",
    "ablate": "train variants of the shipped recipe, briefly",
    "profile": "time the parts of a training step",
    "export": "write the transformer as two ONNX graphs",
}
PROGRAM = "python -m mnist_transformer"


def main(arguments: list[str] | None = None) -> int:
    """Run one command; returns the exit code."""
    name, *rest = _named(sys.argv[1:] if arguments is None else arguments)
    command = import_module(f".commands.{name}", __package__)
    parser = argparse.ArgumentParser(f"{PROGRAM} {name}", description=command.__doc__)
    command.add_arguments(parser)
    try:
        return command.run(parser.parse_args(rest))
    except (CommandError, OSError, ValueError) as error:
        print(f"error: {error}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print("stopped; the same command goes on from the last checkpoint", file=sys.stderr)
        return 130


def _named(arguments: list[str]) -> list[str]:
    """The arguments, the first of which is a command's name; exits where it is none."""
    parser = argparse.ArgumentParser(PROGRAM, description=__doc__)
    commands = parser.add_subparsers(required=True, metavar="COMMAND")
    for name, purpose in COMMANDS.items():
        commands.add_parser(name, help=purpose, add_help=False)
    parser.parse_args(arguments[:1])
    return arguments


if __name__ == "__main__":
    sys.exit(main())
