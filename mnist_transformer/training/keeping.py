"""Which moments of a run are kept, and which of them is missed least."""

import math

KEPT = 50  # moments of a run
EXACT = 4  # of them with the exact state of training, which is several times as large


def moment_steps(steps: int, keep: int = KEPT, first: int = 0) -> set[int]:
    """After which of a run's steps a moment is kept: at most `keep`, denser at the start.

    From `first`, where the run begins, to its end the root of the step grows evenly, as most is
    learned early.
    """
    return {first + round((steps - first) * (n / (keep - 1)) ** 2) for n in range(keep)}


def exact_steps(steps: int, keep: int = KEPT, exact: int = EXACT, first: int = 0) -> set[int]:
    """Which moments keep the exact state, evenly to the end; arguments as in `moment_steps`."""
    moments = sorted(moment_steps(steps, keep, first))
    wanted = (first + (steps - first) * (n + 1) / exact for n in range(exact))
    return {min(moments, key=lambda step: abs(step - place)) for place in wanted}


def least_missed(steps: list[int], power: float) -> int | None:
    """Of ascending steps, without first and last, the one in the smallest gap; None if none is."""
    places = [math.pow(step, power) for step in steps]
    inner = range(1, len(steps) - 1)
    return steps[min(inner, key=lambda n: places[n + 1] - places[n - 1])] if inner else None
