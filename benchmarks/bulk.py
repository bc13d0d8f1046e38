"""Many files: read in bulk, one by one, and one by one by PP-OCRv6; files a second, in turn.

The files are the page's examples, copied, each with its digits in its name. Beside the time on the
clock stands that of all processors, the workers' included, which others' work leaves alone.
"""

import resource
import shutil
import statistics
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

from PIL import Image

from benchmarks.readers import pp_ocr
from benchmarks.timing import machine
from mnist_transformer import Transformer, load_transformer
from mnist_transformer.bulk import read_files
from tests import ROOT

FILES = 200
ALONE = 40  # of these, read one by one
PEERS = 10  # of these, read by PP-OCRv6
ROUNDS = 3


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
    """The digits of each."""
    return [
        found.page.digits if found.page else "" for found in read_files(model, files, workers=None)
    ]


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


def main() -> None:
    """Print files a second, medians of alternating rounds."""
    model, peer = load_transformer(), pp_ocr()
    print(f"{machine()}, medians of {ROUNDS} alternating rounds\n")
    with tempfile.TemporaryDirectory() as folder:
        files = make_files(Path(folder), FILES)
        ways: dict[str, tuple[list[str], Callable[[list[str]], list[str]]]] = {
            "ours, in bulk": (files, lambda some: in_bulk(model, some)),
            "ours, one by one": (files[:ALONE], lambda some: one_by_one(model, some)),
        }
        if (read := peer.read) is not None:
            ways[f"{peer.name}, one by one"] = (
                files[:PEERS],
                lambda some: ["".join(read(Image.open(file), True)) for file in some],
            )
        speeds: dict[str, list[float]] = {name: [] for name in ways}
        work: dict[str, list[float]] = {name: [] for name in ways}
        scores = {}
        for _ in range(ROUNDS):
            for name, (some, way) in ways.items():
                started, used = time.perf_counter(), processor_time()
                digits = way(some)
                speeds[name].append(len(some) / (time.perf_counter() - started))
                work[name].append((processor_time() - used) / len(some))
                scores[name] = f"{right(some, digits)} of {len(some)}"
    alone = statistics.median(speeds["ours, one by one"])
    print(
        "| many files | files a second | beside ours one by one | processor time a file | right |"
    )
    print("|---|---|---|---|---|")
    for name, measured in speeds.items():
        speed = statistics.median(measured)
        each = f"{1000 * statistics.median(work[name]):.0f} ms"
        print(f"| {name} | {speed:.0f} | {speed / alone:.1f} | {each} | {scores[name]} |")
