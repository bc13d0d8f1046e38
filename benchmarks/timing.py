"""Fair times: everything measured in turn, several rounds over, and the median of each."""

import os
import platform
import statistics
import time
from collections.abc import Callable

import torch


def machine() -> str:
    """What the numbers were measured on, in words."""
    return (
        f"{os.cpu_count()} cores ({torch.get_num_threads()} threads), {platform.machine()} "
        f"{torch.backends.cpu.get_cpu_capability()}, torch {torch.__version__}"
    )


def medians(
    things: dict[str, Callable], rounds: int, clock: Callable[[], float] = time.perf_counter
) -> dict[str, float]:
    """Seconds that each call takes: the median of `rounds`, taken in turn, after two uncounted.

    On a machine that others use, too, `time.thread_time` as `clock` counts one thread's work alone.
    """
    times: dict[str, list[float]] = {name: [] for name in things}
    for n in range(rounds + 2):
        for name, call in things.items():
            started = clock()
            call()
            if n >= 2:
                times[name].append(clock() - started)
    return {name: statistics.median(all_times) for name, all_times in times.items()}


def fastest_multiplication() -> float:
    """FLOP a second that a large matrix product reaches here."""
    size = 2048
    a, b = torch.rand(2, size, size)
    return 2 * size**3 / medians({"product": lambda: a @ b}, 10)["product"]
