"""The shell commands, one a file: `add_arguments(parser)` and `run(options)`, the exit code.

`python -m mnist_transformer COMMAND` imports the file of that command alone, so that reading a
picture waits for neither training nor measuring.
"""

import argparse
from pathlib import Path
from typing import Any


class CommandError(Exception):
    """A command cannot go on; its message is all that the user is shown."""


DATA_OPTION: dict[str, Any] = {
    "type": Path,
    "help": "folder with MNIST/raw (default: $MNIST_ROOT, else a download)",
}


def at_least_zero(text: str) -> int:
    """A number on the command line that counts what there may be none of."""
    if int(text) < 0:
        raise argparse.ArgumentTypeError(f"must be at least 0, not {text}")
    return int(text)


def at_least_one(text: str) -> int:
    """A number on the command line that counts something."""
    if int(text) < 1:
        raise argparse.ArgumentTypeError(f"must be at least 1, not {text}")
    return int(text)
