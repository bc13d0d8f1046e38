"""From cold: one reading in the shell, and the first paint of the page."""

import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from benchmarks.timing import machine
from tests import ROOT
from tests.chromium import launch, open_page, serve

ROUNDS = 5


def seconds_of(command: list[str]) -> float:
    times = []
    for _ in range(ROUNDS):
        started = time.perf_counter()
        subprocess.run(command, cwd=ROOT, check=True, capture_output=True)
        times.append(time.perf_counter() - started)
    return statistics.median(times)


def main() -> None:
    """Print the times."""
    python = sys.executable
    read = [python, "-m", "mnist_transformer", "read", "demo/examples/2026.png"]
    print(f"{machine()}, medians of {ROUNDS}")
    print(f"`import torch`: {seconds_of([python, '-c', 'import torch']):.2f} s")
    print(f"`python -m mnist_transformer read`, all in all: {seconds_of(read):.2f} s")
    first, later = [], []
    with launch() as browser:
        for _ in range(ROUNDS):
            with serve(Path(tempfile.mkdtemp()) / "log") as address:
                for times in (first, later):  # the second visitor finds the model loaded
                    started = time.perf_counter()
                    open_page(browser, address).context.close()
                    times.append(time.perf_counter() - started)
    print(
        f"the page, until the sheet is there: {statistics.median(first):.2f} s for a server's "
        f"first visitor, {statistics.median(later):.2f} s for the next"
    )
