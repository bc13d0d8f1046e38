"""Many files: read in bulk, one by one, and one by one by PP-OCRv6; files a second, in turn.

The files are the page's examples, copied, each with its digits in its name. Beside the time on the
clock stands that of all processors, the workers' included, which others' work leaves alone. What
bulk reading takes to start its workers is counted, what loading a model takes is not.

`--beside FOLDER` names another checkout of this project, such as a git worktree of an earlier
commit, whose one by one is timed in turn with the others, and which the others are held against.
"""

import argparse
import json
import resource
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path

from PIL import Image

from benchmarks.readers import pp_ocr
from benchmarks.timing import machine
from mnist_transformer import Transformer, load_transformer
from mnist_transformer.bulk import read_files
from mnist_transformer.bulk.quantized import quantized
from tests import ROOT

ALONE = 40  # of the files, read one by one
PEERS = 10  # of these, read by PP-OCRv6
# What another checkout runs: the files named on standard input, read one by one after a first. It
# prints the seconds on the clock, those of the processors, and what was read.
ONE_BY_ONE = """
import json, sys, time
from mnist_transformer import load_transformer
from mnist_transformer.ink import open_drawing

model, files = load_transformer(), json.load(sys.stdin)
model.read(open_drawing(files[0]))
started, used = time.perf_counter(), time.process_time()
digits = [model.read(open_drawing(file)).digits for file in files]
print(json.dumps([time.perf_counter() - started, time.process_time() - used, digits]))
"""


Measured = tuple[float, float, list[str]]  # seconds on the clock, of the processors; what was read


def make_files(folder: Path, count: int) -> list[str]:
    """Copies of the examples in a folder: "00017-2026.png"."""
    examples = sorted((ROOT / "demo" / "examples").glob("*.png"))
    files = []
    for number in range(count):
        example = examples[number % len(examples)]
        files.append(str(folder / f"{number:05}-{example.name}"))
        shutil.copy(example, files[-1])
    return files


def in_bulk(model: Transformer, files: list[str]) -> list[str]:
    """The digits of each, as the shell's `read` finds them."""
    pages = read_files(quantized(model), files, workers=None)
    return [found.page.digits if found.page else "" for found in pages]


def one_by_one(model: Transformer, files: list[str]) -> list[str]:
    """The same, as the shell's `read` did before."""
    return [model.read_page(file).digits for file in files]


def right(files: list[str], digits: list[str]) -> int:
    """How many were read as their names say."""
    names = [Path(file).stem.partition("-")[2] for file in files]
    return sum(name == read for name, read in zip(names, digits, strict=True))


def processor_time() -> float:
    """Seconds that this process and those it started and saw end have computed so far."""
    used = [resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
    return sum(each.ru_utime + each.ru_stime for each in used)


def measured(way: Callable[[list[str]], list[str]], files: list[str]) -> Measured:
    """What reading the files in one way takes."""
    started, used = time.perf_counter(), processor_time()
    digits = way(files)
    return time.perf_counter() - started, processor_time() - used, digits


def beside(folder: Path, files: list[str]) -> Measured:
    """The same for another checkout, which reads them one by one."""
    run = subprocess.run(
        [sys.executable, "-c", ONE_BY_ONE],
        cwd=folder,
        input=json.dumps(files),
        check=True,
        stdout=subprocess.PIPE,
        text=True,
    )
    seconds, work, digits = json.loads(run.stdout)
    return seconds, work, digits


def main(arguments: list[str]) -> None:
    """Print files a second, medians of alternating rounds."""
    parser = argparse.ArgumentParser("python -m benchmarks bulk", description=__doc__)
    parser.add_argument("--beside", type=Path, metavar="FOLDER", help="another checkout")
    parser.add_argument("--files", type=int, default=10_000, help="that are read in bulk")
    parser.add_argument("--rounds", type=int, default=3)
    options = parser.parse_args(arguments)
    model, peer = load_transformer(), pp_ocr()
    print(f"{machine()}, medians of {options.rounds} alternating rounds\n")
    with tempfile.TemporaryDirectory() as folder:
        files = make_files(Path(folder), options.files)
        ways: dict[str, tuple[list[str], Callable[[list[str]], Measured]]] = {
            "ours, in bulk": (files, partial(measured, partial(in_bulk, model))),
            "ours, one by one": (files[:ALONE], partial(measured, partial(one_by_one, model))),
        }
        held_against = "ours, one by one"
        if options.beside is not None:
            held_against = f"{options.beside.name}, one by one"
            ways[held_against] = (files[:ALONE], partial(beside, options.beside))
        if (read := peer.read) is not None:

            def by_peer(some: list[str]) -> list[str]:
                return ["".join(read(Image.open(file), True)) for file in some]

            ways[f"{peer.name}, one by one"] = (files[:PEERS], partial(measured, by_peer))
        rounds: dict[str, list[Measured]] = {name: [] for name in ways}
        for _ in range(options.rounds):
            for name, (some, way) in ways.items():
                rounds[name].append(way(some))
    seconds, work = (
        {
            name: statistics.median(each[n] for each in of) / len(ways[name][0])
            for name, of in rounds.items()
        }
        for n in (0, 1)
    )
    print(f"| many files | files a second | times {held_against} | processor time a file | right |")
    print("|---|---|---|---|---|")
    for name, of in rounds.items():
        some = ways[name][0]
        print(
            f"| {name} | {1 / seconds[name]:.0f} | {seconds[held_against] / seconds[name]:.1f} "
            f"| {1000 * work[name]:.1f} ms | {right(some, of[0][2])} of {len(some)} |"
        )
