"""Many files: worker processes prepare their ink, and the model reads it in full batches.

Both go on at once, and what comes of it keeps the files' order.
"""

import os
import sys
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import Executor, ThreadPoolExecutor
from contextlib import ExitStack
from dataclasses import dataclass
from functools import partial
from itertools import chain
from typing import TypeVar

import numpy as np
import torch

from ..ink.worker import PreparedPage, keep_memory, prepare_files
from ..page import Page, finish_page
from ..transformer import Transformer
from .workers import Workers

STANDARD_INPUT = "-"
BATCH_SIZE = 144  # canvases that are read at once, at least
MOST = 4  # times as many are read at once at most, whatever a single page holds
FEW = 8  # files: so few are read before other processes have started
CHUNK = 12  # files that a worker is given at a time


@dataclass(frozen=True)
class FilePage:
    """What came of one page of a file.

    Attributes:
        file: as it was named.
        number: of the page, from 1.
        page: what was read; None if it could not be read.
        problem: why not, in a sentence; empty if it could.
        notes: what else there is to say, such as that further frames were left out.
    """

    file: str
    number: int
    page: Page | None
    problem: str = ""
    notes: tuple[str, ...] = ()


def read_files(
    model: Transformer,
    files: Iterable[str],
    *,
    workers: int | None = 0,
    batch_size: int = BATCH_SIZE,
) -> Iterator[FilePage]:
    """Read picture files, in their order; a file that cannot be read costs only itself.

    However many files there are, only some are held in memory at a time.

    Args:
        model: in evaluation mode.
        files: paths; "-" is standard input.
        workers: processes that prepare the files' ink; 0 means that this process does it itself,
            None as many as there are cores, or none for a few files; for few files there are fewer,
            whatever is asked for. They import the calling script anew, which must keep what it does
            behind `if __name__ == "__main__":`. Here a thread for each worker waits for one of them
            or lets the model read a batch. Until all is read, threads that the caller starts get as
            many of PyTorch's threads as each of these, which share the cores.
        batch_size: canvases that are read at once, of which a short row needs one.

    From the first file on, this process keeps up to 64 MB of memory that it has freed.

    Raises:
        ValueError: if the model is in training mode, or a number is out of range.
        ChildProcessError: if a worker is ended from outside, or the calling script does not keep
            what it does behind that line; most pages before that were given, but for those that
            were being read.
    """
    files = list(files)
    if workers is None:
        workers = _cores() if len(files) > FEW else 0
    if workers < 0 or batch_size < 1:
        raise ValueError(
            f"workers must be at least 0 and batch_size at least 1, not {workers} and {batch_size}"
        )
    workers = min(workers, -(-len(files) // CHUNK))
    keep_memory()
    prepare = partial(prepare_files, config=model.config)
    read = partial(_read, model, MOST * batch_size)
    chunks = _chunks(files, CHUNK if workers else 1)
    if not workers:
        batches = _batches(files, map(prepare, chunks), batch_size if len(files) > FEW else 1)
        yield from chain.from_iterable(map(read, batches))
        return
    # Each thread waits for a worker or reads, so that no more compute at once than there are
    # workers: where two take turns on a core every few milliseconds, each finds its caches filled
    # by the other. A model that computes elsewhere reads one batch at a time, in one thread more.
    is_on_cpu = model.decoder.position.device.type == "cpu"
    threads, readers = (workers, workers) if is_on_cpu else (workers + 1, 0)
    ahead = max(2 * workers, (readers + 1) * batch_size // CHUNK)
    with ExitStack() as stack:
        # What a thread sets for itself, PyTorch takes for those that start later, too.
        before = torch.get_num_threads()
        stack.callback(torch.set_num_threads, before)
        own = max(1, min(before, _cores() // workers))
        pool = ThreadPoolExecutor(threads, initializer=torch.set_num_threads, initargs=(own,))
        stack.callback(pool.shutdown)
        processes = Workers(workers, model.config)
        stack.callback(processes.close)
        # Before all else, so that nothing is begun that nobody waits for.
        stack.callback(pool.shutdown, wait=False, cancel_futures=True)
        batches = _batches(files, _ahead(pool, processes.prepare, chunks, ahead), batch_size)
        yield from chain.from_iterable(_ahead(pool, read, batches, readers))


def share_of(files: Sequence[str]) -> Sequence[str]:
    """Of all files, those that are this process's, if `torchrun` started several."""
    rank, count = int(os.environ.get("RANK", 0)), int(os.environ.get("WORLD_SIZE", 1))
    return files[rank::count]


def _cores() -> int:
    """The cores that this process may use, shared with the others of `torchrun` on this machine."""
    cores = len(os.sched_getaffinity(0)) if sys.platform == "linux" else os.cpu_count() or 1
    return max(1, cores // int(os.environ.get("LOCAL_WORLD_SIZE", 1)))


_Item = TypeVar("_Item")
_Result = TypeVar("_Result")


def _ahead(
    executor: Executor, work: Callable[[_Item], _Result], items: Iterable[_Item], most: int
) -> Iterator[_Result]:
    """As `map`, with up to `most` items being worked on before what comes of them is asked for."""
    running: deque = deque()
    for item in items:
        running.append(executor.submit(work, item))
        if len(running) > most:
            yield running.popleft().result()
    while running:
        yield running.popleft().result()


def _chunks(files: Sequence[str], size: int) -> Iterator[list[str | bytes | None]]:
    """The files, so many at a time, as `prepare_files` takes them."""
    piped = None
    if STANDARD_INPUT in files and sys.stdin is not None:
        # A worker has no standard input, and a program without a terminal may have none.
        piped = sys.stdin.buffer.read()
    for first in range(0, len(files), size):
        yield [piped if name == STANDARD_INPUT else name for name in files[first : first + size]]


@dataclass
class _Waiting:
    """A page that is prepared and will be read with the next batch."""

    file: str
    number: int
    page: PreparedPage


def _batches(
    files: Sequence[str], chunks: Iterable[list[list[PreparedPage]]], size: int
) -> Iterator[list[_Waiting]]:
    """What is read at once: pages of as many files as have `size` canvases together."""
    waiting: list[_Waiting] = []
    canvases = 0
    for file, pages in zip(files, chain.from_iterable(chunks), strict=True):
        for number, page in enumerate(pages, 1):
            waiting.append(_Waiting(file, number, page))
            canvases += len(page.prepared.canvases) if page.prepared else 0
        # What has no ink, or cannot be read, brings no canvases and waits no longer for it.
        if max(canvases, len(waiting)) >= size:
            yield waiting
            waiting, canvases = [], 0
    yield waiting


def _read(model: Transformer, most: int, waiting: list[_Waiting]) -> list[FilePage]:
    """Read all that waits, in one batch if it is no more than `most` canvases."""
    pages = [w.page.prepared for w in waiting]
    canvases = [page.canvases for page in pages if page and len(page.canvases)]
    together = torch.from_numpy(np.concatenate(canvases)) if canvases else torch.zeros(0)
    batches = together.split(most) if len(together) else ()
    readings = (reading for batch in batches for reading in model.read_looks(batch))
    return [
        FilePage(
            w.file,
            w.number,
            finish_page(w.page.prepared, readings) if w.page.prepared else None,
            w.page.problem,
            w.page.notes,
        )
        for w in waiting
    ]
