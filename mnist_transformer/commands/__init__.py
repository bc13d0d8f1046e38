"""The shell commands, one a file: `add_arguments(parser)` and `run(options)`, the exit code.

`python -m mnist_transformer COMMAND` imports the file of that command alone, so that reading a
picture waits for neither training nor measuring.
"""

import argparse
from pathlib import Path


class CommandError(Exception):
    """A command cannot go on; its message is all that the user is shown."""


def add_data(parser: argparse.ArgumentParser) -> None:
    """The option of every command that needs MNIST."""
    parser.add_argument(
        "--data", type=Path, help="folder with MNIST/raw (default: $MNIST_ROOT, else a download)"
    )
