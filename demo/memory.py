"""Memory that nobody needs any more goes back to the system, where the C library is GNU's.

It keeps what is freed for the thread that had it. A page has many threads, and those that train
free and take hundreds of megabytes a second.
"""

import ctypes
import functools
import sys

ARENAS = 2  # that all threads share; Python's lock lets few of them ask at once
_M_ARENA_MAX = -8  # as malloc.h has it

_library = ctypes.CDLL(None) if sys.platform == "linux" else None


@functools.cache  # a server's pages are drawn often, and once is enough
def share() -> None:
    """Let all threads take their memory from few places; called before there are many threads."""
    if mallopt := getattr(_library, "mallopt", None):
        mallopt(_M_ARENA_MAX, ARENAS)


def give_back() -> None:
    """Give back all that is free."""
    if trim := getattr(_library, "malloc_trim", None):
        trim(0)
