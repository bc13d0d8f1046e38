"""Read the digits in picture files."""

import argparse
import json
import os
import sys
from contextlib import suppress
from datetime import timedelta
from typing import TextIO

from torch import distributed
from tqdm import tqdm

from ..bulk import find_files, read_files, share_of
from ..checkpoint import TRANSFORMER_WEIGHTS, load_transformer
from ..page import Page
from . import at_least_zero

MANY = 1_000  # files from which on it pays to put the encoder in whole numbers


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "files",
        nargs="+",
        metavar="FILE",
        help="PNG, JPEG or another picture; a folder, for all pictures in it; a pattern such as "
        "'scans/*.png'; or - for standard input",
    )
    parser.add_argument("--json", action="store_true", help="print one JSON object a line")
    parser.add_argument("--weights", default=TRANSFORMER_WEIGHTS, help="another transformer to use")
    parser.add_argument(
        "--workers",
        type=at_least_zero,
        help="processes that prepare the pictures (default: one for every core, for many files)",
    )


def run(options: argparse.Namespace) -> int:
    model = load_transformer(options.weights)
    files = share_of(list(find_files(options.files)))
    if len(files) >= MANY:
        from ..bulk.quantized import quantized  # for few files it would take longer than it saves

        model = quantized(model)
    failed = False
    # On a terminal, of several files a bar shows how many are done; one of several processes none.
    hidden = True if len(files) < 2 or "RANK" in os.environ else None
    with tqdm(total=len(files), unit="file", disable=hidden) as bar:
        for found in read_files(model, files, workers=options.workers):
            bar.update(found.number == 1)
            name = found.file if found.number == 1 else f"{found.file}, page {found.number}"
            for note in found.notes:
                _tell(f"{name}: {note}", sys.stderr)
            if found.page is None:
                _tell(f"{name}: {found.problem}", sys.stderr)
                failed = True
            elif options.json:
                place = {"file": found.file, "page": found.number}
                _tell(json.dumps(place | found.page.to_dict()), sys.stdout)
            else:
                for line in _lines(found.page):
                    _tell(f"{name}: {line}", sys.stdout)
    _wait_for_others()
    return int(failed)


def _wait_for_others() -> None:
    """Stay until all processes of `torchrun` have read their share: as soon as one of them ends
    with an error, such as for a file that cannot be read, it ends the others."""
    if distributed.is_available() and distributed.is_torchelastic_launched():
        distributed.init_process_group("gloo", timeout=timedelta(days=100))
        with suppress(RuntimeError):  # by now it does not matter how another one leaves
            distributed.barrier()
        distributed.destroy_process_group()


def _lines(page: Page) -> list[str]:
    """A line for every row, or one that says why there is none."""
    lines = []
    for row in page.rows:
        sure = " ".join(f"{probability:.0%}" for probability in row.probabilities)
        lines.append(f"{row.digits or 'no digits'}  ({sure or 'doubtful'})")
    return lines or [page.reason]


def _tell(line: str, stream: TextIO) -> None:
    """Print a line at once, above the bar if there is one."""
    tqdm.write(line, file=stream)
    stream.flush()
