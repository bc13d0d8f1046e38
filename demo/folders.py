"""Where a server keeps its visitors' runs, and what killed servers left there."""

import atexit
import functools
import os
import shutil
import tempfile
from contextlib import suppress
from pathlib import Path

from filelock import FileLock, Timeout

PREFIX, LOCK = "mnist-transformer-page-", "server.lock"
USER = getattr(os, "getuid", int)()  # 0 on Windows, where each has a temporary folder of his own


@functools.cache
def of_this_server() -> Path:
    """A folder that goes with this server; those of servers that were killed are removed first.

    The system lets go of the lock in it when the server's process ends, however it ends, so that
    another live server's is never touched.
    """
    top = Path(tempfile.gettempdir())
    # Servers that start at one moment take turns: between its making and its lock none is safe.
    # Each user's have a file of their own, as nobody may open another's.
    with _lock(top / f"{PREFIX}starting-{USER}.lock"):
        _remove_left(top)
        folder = Path(tempfile.mkdtemp(prefix=PREFIX, dir=top))
        lock = _lock(folder / LOCK)
        lock.acquire(blocking=False)

    def remove() -> None:
        lock.release()
        shutil.rmtree(folder, ignore_errors=True)

    atexit.register(remove)
    return folder


def _remove_left(top: Path) -> None:
    for folder in top.glob(f"{PREFIX}*/"):
        lock = _lock(folder / LOCK)
        with suppress(Timeout, OSError):  # its server lives, or it is another user's
            lock.acquire(blocking=False)
            shutil.rmtree(folder, ignore_errors=True)
            lock.release()


def _lock(file: Path) -> FileLock:
    return FileLock(file, thread_local=False)
