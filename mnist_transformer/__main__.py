"""The shell commands: `python -m mnist_transformer COMMAND`, or `mnist-transformer COMMAND`."""

import argparse
import os
import sys
from importlib import import_module
from io import TextIOWrapper
from types import ModuleType

from .commands import CommandError

COMMANDS = {
    "read": "read the digits in picture files",
    "demo": "start the page in the browser",
    "train": "train a model, or go on with an interrupted run",
    "evaluate": "measure the trained models",
    "ablate": "train variants of the shipped recipe, briefly",
    "profile": "time the parts of a training step",
    "export": "write the transformer as two ONNX graphs",
}
PROGRAM = "python -m mnist_transformer"
NOBODY_READS = 141  # the exit code of what a closed pipe ended, as shells give it
# What only some commands need -> the extra that it comes with.
EXTRAS = {
    "filelock": "train",
    "mlxtend": "train",
    "onnx": "export",
    "onnxscript": "export",
    "plotly": "demo",
    "scipy": "train",
    "sklearn": "train",
    "streamlit": "demo",
    "torchvision": "train",
}


def main(arguments: list[str] | None = None) -> int:
    """Run one command; returns the exit code."""
    command, options = parse(sys.argv[1:] if arguments is None else arguments)
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, TextIOWrapper):
            # A file's name may hold what the terminal cannot show, or what is no text at all.
            stream.reconfigure(errors="backslashreplace")
    try:
        code = command.run(options)
        sys.stdout.flush()
        return code
    except BrokenPipeError:
        # Whoever read what is printed, such as `head`, has seen enough. Python would complain when
        # it flushes the rest at its end.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return NOBODY_READS
    except ModuleNotFoundError as error:
        extra = EXTRAS.get((error.name or "").partition(".")[0])
        if extra is None:
            raise
        print(
            f"error: this needs {error.name}, which comes with `pip install "
            f"'mnist-transformer[{extra}]'`",
            file=sys.stderr,
        )
        return 1
    except (CommandError, OSError, ValueError) as error:
        print(f"error: {error}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print("stopped", file=sys.stderr)
        return 130


def parse(arguments: list[str]) -> tuple[ModuleType, argparse.Namespace]:
    """The command's module, the only one that is imported, and its options.

    Raises:
        SystemExit: if they are not understood; what is wrong has been printed.
    """
    parser = argparse.ArgumentParser(PROGRAM, description=__doc__)
    names = parser.add_subparsers(required=True, metavar="COMMAND")
    for name, purpose in COMMANDS.items():
        names.add_parser(name, help=purpose, add_help=False)
    parser.parse_args(arguments[:1])
    command = import_module(f".commands.{arguments[0]}", __package__)
    own = argparse.ArgumentParser(f"{PROGRAM} {arguments[0]}", description=command.__doc__)
    command.add_arguments(own)
    return command, own.parse_args(arguments[1:])


if __name__ == "__main__":
    sys.exit(main())
