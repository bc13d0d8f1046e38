"""The encoder in whole numbers of 8 bits beside the one in floats: what is read, where they differ.

MNIST's test lines as `evaluate transformer` reads them, and pen ink (`$PEN_INK`) as `evaluate pen`
and `evaluate pages` do, all as the shell does: again in other looks where the first is not nearly
certain.
"""

import os
from collections.abc import Iterator
from functools import partial
from pathlib import Path

import torch

from benchmarks.timing import machine, medians
from mnist_transformer import Transformer, load_transformer
from mnist_transformer.bulk.quantized import quantized
from mnist_transformer.dataset import load_digits
from mnist_transformer.evals import evaluation_lines, line_text
from mnist_transformer.hands.pages import pen_pages
from mnist_transformer.hands.pen import load_pen_digits, pen_lines
from mnist_transformer.lab import pages, pen
from mnist_transformer.reading import is_doubtful, trust_in
from mnist_transformer.transformer import ENCODED

ROUNDS = 21

Found = tuple[str, str, bool]  # what was written, what was read, whether without a doubt


def mnist_lines(model: Transformer) -> Iterator[Found]:
    for canvases, tokens in evaluation_lines(load_digits("test"), model.config):
        for row, looks in zip(tokens, model.read_looks(canvases), strict=True):
            sure = not any(map(is_doubtful, trust_in(looks[0], looks)))
            yield line_text(row), looks[0].digits, sure


def ink_lines(model: Transformer) -> Iterator[Found]:
    digits = load_pen_digits(Path(os.environ["PEN_INK"]))
    for line in pen_lines(digits, pen.LINES, pen.SEED, model.config.max_digits):
        page = pages.read_or_empty(model, line.picture)
        yield line.digits, page.digits, pages.is_sure(page)


def ink_pages(model: Transformer) -> Iterator[Found]:
    digits = load_pen_digits(Path(os.environ["PEN_INK"]))
    for shown in pen_pages(digits, pages.PAGES, pages.PAGES_SEED):
        page = pages.read_or_empty(model, shown.picture)
        yield "\n".join(shown.rows), page.digits, pages.is_sure(page)


def main() -> None:
    """Print what both read."""
    model = load_transformer()
    whole = quantized(model)
    if whole is model:
        raise SystemExit("this processor, or PyTorch on it, has no sums of products of 8 bits")
    canvases = torch.rand(ENCODED, model.config.canvas_height, model.config.canvas_width)
    print(f"{machine()}; for a canvas, {ENCODED} at once")
    for name in ("encoder.patches", "encoder"):
        parts = {"in floats": model.get_submodule(name), "in 8 bits": whole.get_submodule(name)}
        with torch.inference_mode():
            times = medians({how: partial(part, canvases) for how, part in parts.items()}, ROUNDS)
        each = ", ".join(f"{1000 * t / ENCODED:.2f} ms {how}" for how, t in times.items())
        print(f"`{name}` takes {each}")
    print()
    print("| | right | in 8 bits | wrong without a doubt | in 8 bits | differ | differ, one sure |")
    print("|---|---|---|---|---|---|---|")
    for name, find in {
        "lines of MNIST": mnist_lines,
        "lines of pen ink": ink_lines,
        "pages of pen ink": ink_pages,
    }.items():
        both = [list(find(each)) for each in (model, whole)]
        counts = []
        for found in both:
            right = [true == read for true, read, _ in found]
            silent = [not ok and sure for ok, (*_, sure) in zip(right, found, strict=True)]
            counts.append((f"{sum(right)} of {len(found)}", sum(silent)))
        (right, silent), (right_8, silent_8) = counts
        differ = [(a, b) for a, b in zip(*both, strict=True) if a[1] != b[1]]
        surely = sum(any(sure for *_, sure in pair) for pair in differ)
        print(
            f"| {name} | {right} | {right_8} | {silent} | {silent_8} | {len(differ)} | {surely} |",
            flush=True,
        )
