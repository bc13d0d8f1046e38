"""What a worker process does: it prepares the pages of picture files.

It imports nothing of PyTorch, and so is there in a fifth of the time, and holds a fifth of the
memory.
"""

import io
import multiprocessing
import os
import signal
import threading
import warnings
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from multiprocessing.connection import Connection

import cv2
import numpy as np
from PIL import Image

from ..config import Config
from .files import open_pages
from .picture import InkError
from .prepare import Prepared, prepare_page

KEPT = 32_000_000  # bytes: pieces up to so large are kept; the C library allows no more than 32 MiB


def serve(pipe: Connection, config: Config) -> None:
    """Prepare the files whose names come through a pipe, and send back what comes of them, until
    whoever is at its other end closes it, or the process that started this one ends."""
    cv2.setNumThreads(1)  # as there may be a worker for each core
    keep_memory()
    # Ctrl-C in a terminal reaches all processes; the first of them ends the others.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    threading.Thread(target=_end_with_parent, daemon=True).start()
    with suppress(EOFError, OSError):  # of the pipe: what is wrong with files is sent back
        while True:
            pipe.send(prepare_files(pipe.recv(), config))


def _end_with_parent() -> None:
    parent = multiprocessing.parent_process()
    if parent is not None:
        parent.join()
        os._exit(1)  # whose work nobody waits for


def keep_memory() -> None:
    """Make this process keep the memory of one picture or batch for the next one.

    Linux's C library hands a large piece back when it is freed, only to ask for it again, cleared,
    for the next picture. What it takes for large grows with the largest that was freed so far. From
    then on the process keeps up to 64 MB that it has freed.
    """
    np.empty(KEPT, np.uint8)


@dataclass(frozen=True, eq=False)
class PreparedPage:
    """One page of a file.

    Attributes:
        prepared: its ink; None if it cannot be read.
        problem: why not, in a sentence; empty if it can.
        notes: what else there is to say, such as that further frames were left out.
    """

    prepared: Prepared | None
    problem: str = ""
    notes: tuple[str, ...] = ()


def prepare_files(files: Sequence[str | bytes | None], config: Config) -> list[list[PreparedPage]]:
    """Prepare the pages of each of several files; whatever is wrong with one, the others are.

    Args:
        files: paths, or what came through a pipe: its content, or None if there was no pipe.
        config: of the model that will read them.
    """
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        return [_pages(file, config, caught) for file in files]


def _pages(
    file: str | bytes | None, config: Config, caught: list[warnings.WarningMessage]
) -> list[PreparedPage]:
    caught.clear()  # of what came up while the file before was closed
    pages: list[PreparedPage] = []
    try:
        for picture in open_pages(_source(file)):
            pages.append(_page(picture, config, caught))
    # Whatever is wrong with one file, and be it unforeseen, the others are read.
    except Exception as error:
        pages.append(PreparedPage(None, _reason(error), _told(caught)))
    return pages


def _source(file: str | bytes | None) -> str | io.BytesIO:
    if file is None:
        raise InkError("there is no standard input here: name a file")
    if isinstance(file, bytes):
        return io.BytesIO(file)
    if os.path.isdir(file):
        raise InkError("the folder holds no pictures")
    return file


def _page(
    picture: Image.Image, config: Config, caught: list[warnings.WarningMessage]
) -> PreparedPage:
    try:
        return PreparedPage(prepare_page(picture, config), "", _told(caught))
    except Exception as error:  # of this page alone: those after it are read
        return PreparedPage(None, _reason(error), _told(caught))


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
