"""Whose turn it is when many write at once: readings go before all that is told about them."""

import os
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager

import streamlit as st

CORES = os.cpu_count() or 1
PATIENCE = 2.0  # seconds for which the rest of a page waits for readings at most
LOOK = 0.05  # seconds after which one who waits looks whether his visitor has gone on


def end_if_outdated() -> None:
    """End this run if the visitor has gone on meanwhile, which any look into the state does."""
    st.session_state.get("laid")


class Turns:
    """As many read at once as there are cores, in the order in which they came; the rest is worked
    out while nobody reads.

    More at once would not be done sooner: they would only take the cores, and Python's lock, from
    one another, and all be late.

    Args:
        cores: how many may read at once; half as many may work on the rest.
    """

    def __init__(self, cores: int = CORES):
        self._slots = threading.Semaphore(cores)
        self._most_rest = max(1, cores // 2)
        self._changed = threading.Condition()
        self._readers = 0  # that read, or wait for it
        self._rest = 0

    @contextmanager
    def first(self) -> Iterator[None]:
        """The turn of a reading."""
        self._count(readers=1)
        try:
            with self._slots:
                yield
        finally:
            self._count(readers=-1)

    def give_way(self) -> None:
        """Wait while anybody reads, at most for `PATIENCE`: what follows a reading is short, but
        that of many takes Python's lock from those who still wait for their digits."""
        end = time.monotonic() + PATIENCE
        with self._changed:
            while self._readers and time.monotonic() < end:
                self._wait()

    @contextmanager
    def rest(self) -> Iterator[None]:
        """The turn of what is not waited for; it comes after `PATIENCE` even if many read."""
        end = time.monotonic() + PATIENCE
        with self._changed:
            while self._readers or self._rest >= self._most_rest:
                if time.monotonic() > end:
                    break
                self._wait()
            self._rest += 1
        try:
            yield
        finally:
            self._count(rest=-1)

    def _wait(self) -> None:
        self._changed.wait(LOOK)
        end_if_outdated()

    def _count(self, readers: int = 0, rest: int = 0) -> None:
        with self._changed:
            self._readers += readers
            self._rest += rest
            if not self._readers:  # else all that wait would wake only to wait on
                self._changed.notify_all()


turns = Turns()  # of all visitors of this server
