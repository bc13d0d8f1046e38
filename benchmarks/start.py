"""From cold: one reading in the shell, and the first paint of the page.

`--beside FOLDER` names another checkout of this project, such as a git worktree of an earlier
commit, whose reading is timed in turn with this one's.
"""

import argparse
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from benchmarks.timing import machine, medians
from tests import ROOT
from tests.chromium import launch, new_page, serve, sheet

ROUNDS = 7
READ = ["-m", "mnist_transformer", "read", "demo/examples/2026.png"]


def reading_times(beside: Path | None = None, rounds: int = ROUNDS) -> dict[str, float]:
    """Seconds from cold, taken in turn: `import torch` alone, and a reading in each checkout."""

    def run(arguments: list[str], folder: Path) -> None:
        command = [sys.executable, *arguments]
        subprocess.run(command, cwd=folder, check=True, capture_output=True)

    things = {
        "`import torch`": lambda: run(["-c", "import torch"], ROOT),
        "`python -m mnist_transformer read`": lambda: run(READ, ROOT),
    }
    if beside is not None:
        things[f"the same in {beside.name}"] = lambda: run(READ, beside)
    return medians(things, rounds)


def main(arguments: list[str]) -> None:
    """Print the times."""
    parser = argparse.ArgumentParser("python -m benchmarks start", description=__doc__)
    parser.add_argument("--beside", type=Path, metavar="FOLDER", help="another checkout")
    options = parser.parse_args(arguments)
    print(f"{machine()}, medians of {ROUNDS}\n")
    print("| from cold | seconds | in `import torch` |\n|---|---|---|", flush=True)
    times = reading_times(options.beside)
    for name, seconds in times.items():
        print(f"| {name} | {seconds:.2f} | {seconds / times['`import torch`']:.2f} |", flush=True)
    first, later = [], []
    with launch() as browser:
        for _ in range(ROUNDS):
            with serve(Path(tempfile.mkdtemp()) / "log") as address:
                for page_times in (first, later):  # the second visitor finds the model loaded
                    started = time.perf_counter()
                    page = new_page(browser)
                    page.goto(address)
                    sheet(page).wait_for()
                    page_times.append(time.perf_counter() - started)
                    page.context.close()
    print(
        f"\nthe page, until the sheet is there: {statistics.median(first):.2f} s for a server's "
        f"first visitor, {statistics.median(later):.2f} s for the next"
    )
