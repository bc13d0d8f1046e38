"""The page's short run: how soon it reads first digits, and how well after a minute and a half."""

import time

from benchmarks.timing import machine
from mnist_transformer import Transformer, load_digits
from mnist_transformer.evals import evaluate_transformer
from mnist_transformer.train import train
from mnist_transformer.training.moments import Moment, Moments
from mnist_transformer.training.presets import SHORT_TRANSFORMER

FIRST = 0.1  # share of 64 validation lines read right: the first digits that are no guess
EACH_EPOCH = 300  # validation lines, as on the page
VALIDATION = 2000  # lines at the end


def main() -> None:
    """Train as the page does, moments and all; print seconds by the clock and of the processor."""
    digits, validation = load_digits("train"), load_digits("validation")
    print(f"{machine()}; seed {SHORT_TRANSFORMER.seed}; {validation.source}\n")
    print("| drawings | clock | processor | lines right, of 64 |\n|---|---|---|---|")
    moments = Moments()
    clock, processor = time.perf_counter(), time.process_time()
    first: list[str] = []

    def told(moment: Moment) -> None:
        seconds = f"{time.perf_counter() - clock:.0f} s | {time.process_time() - processor:.0f} s"
        if moment.lines_right >= FIRST and not first:
            first.append(seconds)
        print(f"| {moment.drawings:,} | {seconds} | {moment.lines_right:.0%} |", flush=True)

    result = train(
        SHORT_TRANSFORMER,
        digits=digits,
        validation=validation,
        num_validation=EACH_EPOCH,
        moments=moments,
        report_every=10,
        save_every=500,
        on_moment=told,
        progress_bar=False,
    )
    clock, processor = time.perf_counter() - clock, time.process_time() - processor
    assert isinstance(result.model, Transformer)
    lines = evaluate_transformer(result.model, validation, VALIDATION).line_accuracy
    pace = moments.numbers[-1].drawings / clock
    print(f"\nfirst digits (clock | processor): {first[0] if first else 'none'}")
    print(
        f"{lines:.2%} of {VALIDATION:,} validation lines after {clock:.0f} s by the clock, ", end=""
    )
    print(f"{processor:.0f} s of the processor, {pace:.0f} lines a second")
    print(f"{len(moments.steps)} moments, {moments.bytes / 1e6:.0f} MB")
