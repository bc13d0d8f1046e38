"""Many files: worker processes prepare their ink, and the model reads it in full batches.

PyTorch's `DataLoader` hands the files round and keeps their order.
"""

import io
import os
import sys
import warnings
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

import cv2
import numpy as np
import torch
from PIL.Image import Image
from torch.utils.data import DataLoader, Dataset

from ..config import Config
from ..ink import InkError, open_pages
from ..page import Page, Prepared, finish_page, prepare_page
from ..transformer import Transformer

STANDARD_INPUT = "-"
BATCH_SIZE = 64  # canvases that are read at once, at least, as long as there are files
MOST = 4  # times as many are read at once at most, whatever a single page holds
FEW = 8  # files: so few are read before other processes have started
AHEAD = 8  # files that each worker may be ahead of the model


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
            None as many as there are cores, or none for a few files. Beside workers, the model
            takes a quarter of the cores, as reading takes about a quarter of the time. They import
            the calling script anew, which must keep what it does behind
            `if __name__ == "__main__":`.
        batch_size: canvases that are read at once, of which a short row needs one.

    Raises:
        ValueError: if the model is in training mode, or a number is out of range.
    """
    files = list(files)
    if workers is None:
        workers = _cores() if len(files) > FEW else 0
    if workers < 0 or batch_size < 1:
        raise ValueError(
            f"workers must be at least 0 and batch_size at least 1, not {workers} and {batch_size}"
        )
    loader = DataLoader(
        _Files(files, model.config),
        batch_size=None,
        num_workers=workers,
        prefetch_factor=AHEAD if workers else None,
        worker_init_fn=_start_worker,
        collate_fn=_as_it_is,
        # A forked process would wait for ever for the threads that OpenCV and PyTorch have here.
        multiprocessing_context="spawn" if workers else None,
    )
    threads = max(1, _cores() // 4) if workers else torch.get_num_threads()
    waiting: list[_Waiting] = []
    canvases = 0
    for file, prepared in zip(files, loader, strict=True):
        for number, item in enumerate(prepared, 1):
            waiting.append(_Waiting(file, number, *item))
            canvases += len(item[0].canvases) if item[0] else 0
        # What has no ink, or cannot be read, brings no canvases and waits no longer for it.
        if max(canvases, len(waiting)) >= batch_size or len(files) <= FEW:
            yield from _read(model, waiting, MOST * batch_size, threads)
            waiting, canvases = [], 0
    yield from _read(model, waiting, MOST * batch_size, threads)


def share_of(files: Sequence[str]) -> Sequence[str]:
    """Of all files, those that are this process's, if `torchrun` started several."""
    rank, count = int(os.environ.get("RANK", 0)), int(os.environ.get("WORLD_SIZE", 1))
    return files[rank::count]


def _cores() -> int:
    """The cores that this process may use, shared with the others of `torchrun` on this machine."""
    cores = len(os.sched_getaffinity(0)) if sys.platform == "linux" else os.cpu_count() or 1
    return max(1, cores // int(os.environ.get("LOCAL_WORLD_SIZE", 1)))


def _start_worker(_: int) -> None:
    # There are as many workers as cores: one that took several would only be in the others' way.
    torch.set_num_threads(1)
    cv2.setNumThreads(1)


def _as_it_is(pages: list) -> list:
    """Instead of what `DataLoader` makes of things: tensors, each in a file of its own."""
    return pages


@dataclass
class _Waiting:
    """A page that is prepared and will be read with the next batch."""

    file: str
    number: int
    prepared: Prepared | None
    problem: str
    notes: tuple[str, ...]


Item = tuple[Prepared | None, str, tuple[str, ...]]  # the page, or why there is none; notes


class _Files(Dataset):
    """The files' pages, made ready to be read: `[n]` gives those of the n-th."""

    def __init__(self, files: Sequence[str], config: Config):
        self.files, self.config = files, config
        # A worker has no standard input, and a program without a terminal may have none.
        stream = getattr(sys.stdin, "buffer", None) if STANDARD_INPUT in files else None
        self.piped = None if stream is None else stream.read()

    def __len__(self) -> int:
        return len(self.files)

    def __getitem__(self, index: int) -> list[Item]:
        name = self.files[index]
        pages: list[Item] = []
        with warnings.catch_warnings(record=True) as caught:
            warnings.simplefilter("always")
            try:
                if os.path.isdir(name):
                    raise InkError("the folder holds no pictures")
                for picture in open_pages(self._source(name)):
                    pages.append(self._page(picture, caught))
            # Whatever is wrong with one file, and be it unforeseen, the others are read.
            except Exception as error:
                pages.append((None, _reason(error), _told(caught)))
        return pages

    def _source(self, name: str) -> str | io.BytesIO:
        if name != STANDARD_INPUT:
            return name
        if self.piped is None:
            raise InkError("there is no standard input here: name a file")
        return io.BytesIO(self.piped)

    def _page(self, picture: Image, caught: list[warnings.WarningMessage]) -> Item:
        try:
            return prepare_page(picture, self.config), "", _told(caught)
        except Exception as error:  # of this page alone: those after it are read
            return None, _reason(error), _told(caught)


def _reason(error: Exception) -> str:
    if isinstance(error, InkError):
        return str(error)
    # The system's errors would name the file again.
    return getattr(error, "strerror", None) or f"{type(error).__name__}: {error}"


def _told(caught: list[warnings.WarningMessage]) -> tuple[str, ...]:
    """The warnings so far, which are not told again."""
    notes = tuple(str(warning.message) for warning in caught)
    caught.clear()
    return notes


def _read(model: Transformer, waiting: list[_Waiting], most: int, threads: int) -> list[FilePage]:
    """Read all that waits, in one batch if it is no more than `most` canvases.

    Between batches the caller has as many threads as ever.
    """
    canvases = [w.prepared.canvases for w in waiting if w.prepared and len(w.prepared.canvases)]
    together = torch.from_numpy(np.concatenate(canvases)) if canvases else torch.zeros(0)
    batches = together.split(most) if len(together) else ()
    readings = (reading for batch in batches for reading in model.read_looks(batch))
    before = torch.get_num_threads()
    torch.set_num_threads(threads)
    try:
        pages = [finish_page(w.prepared, readings) if w.prepared else None for w in waiting]
    finally:
        torch.set_num_threads(before)
    return [
        FilePage(w.file, w.number, page, w.problem, w.notes)
        for w, page in zip(waiting, pages, strict=True)
    ]
