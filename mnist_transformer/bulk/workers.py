"""Processes that prepare the ink of files, each asked through a pipe of its own."""

import multiprocessing
from collections.abc import Sequence
from multiprocessing.connection import Connection, wait
from multiprocessing.context import SpawnProcess
from queue import SimpleQueue

from ..config import Config
from ..ink.worker import PreparedPage, serve


class Workers:
    """So many processes, to which as many threads at once may hand files.

    They share no pipe, as those of a `ProcessPoolExecutor` do, so that wherever one of them is
    ended from outside, and be it half way through what it sends, its own pipe ends with it, and
    nobody waits for the rest.

    Args:
        count: how many, at least 1.
        config: of the model that will read what they prepare.
    """

    def __init__(self, count: int, config: Config):
        # A forked process would wait for ever for the threads that OpenCV and PyTorch have here.
        spawn = multiprocessing.get_context("spawn")
        self._processes: list[SpawnProcess] = []
        # Of each its pipe, and what is ready once it has ended.
        self._idle: SimpleQueue[tuple[Connection, int]] = SimpleQueue()
        for _ in range(count):
            ours, theirs = spawn.Pipe()
            process = spawn.Process(target=serve, args=(theirs, config), daemon=True)
            process.start()
            theirs.close()  # the process holds it alone
            self._processes.append(process)
            self._idle.put((ours, process.sentinel))

    def prepare(self, files: Sequence[str | bytes | None]) -> list[list[PreparedPage]]:
        """As `ink.worker.prepare_files`, by the first process that has nothing else to do.

        Raises:
            ChildProcessError: if the process has ended.
        """
        pipe, ended = self._idle.get()
        try:
            pipe.send(files)
            # Where it ended before it took its end of the pipe, the pipe goes on.
            if pipe not in wait([pipe, ended]):
                raise EOFError
            return pipe.recv()
        except (EOFError, OSError) as error:
            raise ChildProcessError(
                "a process that prepares files came to its end: try again with fewer workers, as "
                "memory may have run out; a script of your own must keep what it does behind "
                '`if __name__ == "__main__":`'
            ) from error
        finally:
            self._idle.put((pipe, ended))

    def close(self) -> None:
        """End all of them, whatever they are doing."""
        for process in self._processes:
            process.kill()  # which it cannot have been told to ignore
        for process in self._processes:
            process.join()
