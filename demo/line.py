"""The line in which training runs wait for their turn on one server."""

import threading
from collections.abc import Callable


class TrainingQueue:
    """Who may run, first come, first served; at most `slots` at once."""

    def __init__(self, slots: int):
        self._slots = slots
        self._jobs: list = []
        self._changed = threading.Condition()

    def join(self, job) -> None:
        with self._changed:
            self._jobs.append(job)

    def wait(self, job, stopped: Callable[[], bool]) -> bool:
        """Until it is the job's turn, or it is stopped; whether it is its turn."""
        with self._changed:
            while self.place(job) > 0 and not stopped():
                self._changed.wait(timeout=0.2)
            return self.place(job) == 0

    def leave(self, job) -> None:
        with self._changed:
            self._jobs.remove(job)
            self._changed.notify_all()

    def place(self, job) -> int:
        """How many must finish before the job's turn; 0 if it runs."""
        jobs = list(self._jobs)
        return max(0, jobs.index(job) - self._slots + 1) if job in jobs else 0

    def running(self) -> list:
        """Those whose turn it is."""
        return list(self._jobs)[: self._slots]
