"""What taking a reading apart costs, beside a plain reading: `python -m benchmarks explain`.

On one thread, as on the page, by the thread's own time, which others' work leaves alone.
"""

import time
from collections.abc import Callable

import torch

from benchmarks.timing import machine, medians
from mnist_transformer import Reading, Transformer, load_transformer
from mnist_transformer.explain.attribution import attribute
from mnist_transformer.explain.gaze import Gaze, read_painted, where_it_looked
from mnist_transformer.explain.lens import lens, memory_lens
from mnist_transformer.explain.patching import Swap, read_swapped, swap_map
from mnist_transformer.explain.pen_time import pen_time
from mnist_transformer.explain.trace import trace
from mnist_transformer.ink.brush import BRUSH, SHEET
from tests import ROOT

PLAIN = "a plain reading"
ROUNDS = 10
# A seven, as the page's pen may draw it: 60 points.
SEVEN = [(400 + 4 * n, 40) for n in range(20)] + [(480 - n, 40 + 3 * n) for n in range(40)]


def calls(model: Transformer, reading: Reading, donor: Reading) -> dict[str, Callable]:
    """What is timed, by name; the plain reading first."""
    canvas, gaze = reading.canvas, Gaze(0, where_it_looked(reading, 2))
    traced = trace(model, reading)
    return {
        PLAIN: lambda: model.read_canvases(canvas[None]),
        "with every map": lambda: model.read_canvases(canvas[None], attention=True),
        "trace: all that passes through": lambda: trace(model, reading),
        "receipt of a whole reading, trace included": lambda: attribute(model, reading),
        "receipt alone": lambda: attribute(model, traced),
        "painted gaze, to new digits and maps": lambda: read_painted(model, canvas, [gaze]),
        "swap: something carried over, to new digits": lambda: read_swapped(
            model, reading, donor, Swap(patches=frozenset({34}))
        ),
        "swap map of a step: patches, heads, layers": lambda: swap_map(model, reading, donor, 0),
        "lens after every part": lambda: lens(model, traced),
        "the memory of every layer, read": lambda: memory_lens(model, reading),
        "pen time of a stroke of 60 points, every 3": lambda: pen_time(
            model, [SEVEN], SHEET, BRUSH
        ),
    }


def main() -> None:
    """Print the table."""
    torch.set_num_threads(1)
    model = load_transformer()
    paths = (ROOT / "demo" / "examples" / f"{name}.png" for name in ("8675309", "314159"))
    reading, donor = model.read_many(paths, attention=True)
    print(f"{machine()}\n\n| {reading.digits} | ms | times a plain reading |\n|---|---|---|")
    times = medians(calls(model, reading, donor), ROUNDS, time.thread_time)
    for name, seconds in times.items():
        print(f"| {name} | {1000 * seconds:.1f} | {seconds / times[PLAIN]:.1f} |")
