"""The moments of training runs: as a slider, and as curves beside one another."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

SOURCES = ("mover.js", "curves.js")
TIMELINE_SOURCES = ("mover.js", "timeline.js")


@dataclass(frozen=True)
class Run:
    """One run, as it is drawn.

    Attributes:
        id: what it is told apart by.
        title: what people read.
        steps: of its moments, ascending.
        drawings: that it had learned from at each, those of the run it came from included.
        numbers: name of a chart -> what was measured at each moment; None where nothing was.
        parent: the id of the run it came from, and how many drawings that had learned from.
        hue: which of the colours it has, whatever other runs are shown.
    """

    id: str
    title: str
    steps: Sequence[int]
    drawings: Sequence[int]
    numbers: Mapping[str, Sequence[float | None]]
    parent: tuple[str, int] | None = None
    hue: int = 0


@dataclass(frozen=True)
class Chart:
    """One number over the drawings learned from.

    Attributes:
        name: the number's, in `Run.numbers`.
        title: what it is, in a few words.
        share: whether it lies in 0 to 1 and is told in per cent.
        lines: of the chosen run alone, in place of one line for every run: names and numbers.
    """

    name: str
    title: str
    share: bool = False
    lines: Sequence[tuple[str, Sequence[float | None]]] = ()


@dataclass(frozen=True)
class HeadOverTime:
    """What one head does from moment to moment of the chosen run.

    Attributes:
        name: the head's.
        habit: what it looks at in the end.
        shares: of its attention that go there at each moment; None where it read too little.
        found: the moment, counted from 0, from which on it has that habit; None if it has none.
    """

    name: str
    habit: str
    shares: Sequence[float | None]
    found: int | None


def curves_data(
    runs: Sequence[Run],
    charts: Sequence[Chart],
    at: tuple[str, int],
    follows: bool = False,
    habits: Sequence[HeadOverTime] = (),
) -> dict:
    """All that `drawCurves` shows, as JSON takes it.

    Args:
        runs: at least one.
        charts: what is drawn of them.
        at: the id of the chosen run and the step of its moment that the page shows.
        follows: whether the page is about that run, so that it goes where the pointer rests.
        habits: of the chosen run's heads; none leaves them out.
    """
    return {
        "runs": [
            {
                "id": run.id,
                "title": run.title,
                "steps": list(run.steps),
                "drawings": list(run.drawings),
                "hue": run.hue,
                "parent": run.parent and {"id": run.parent[0], "drawings": run.parent[1]},
                **{name: _rounded(numbers) for name, numbers in run.numbers.items()},
            }
            for run in runs
        ],
        "charts": [
            {"name": chart.name, "title": chart.title, "share": chart.share}
            | (
                {
                    "lines": [
                        {"name": name, "values": _rounded(numbers)} for name, numbers in chart.lines
                    ]
                }
                if chart.lines
                else {}
            )
            for chart in charts
        ],
        "at": {"run": at[0], "step": at[1]},
        "follows": follows,
        "habits": {
            "heads": [
                {
                    "name": head.name,
                    "habit": head.habit,
                    "shares": _rounded(head.shares),
                    "found": head.found,
                }
                for head in habits
            ]
        }
        if habits
        else None,
    }


def timeline_data(
    run: str, steps: Sequence[int], shares: Sequence[float], at: int, says: Sequence[str]
) -> dict:
    """All that `drawTimeline` shows.

    Args:
        run: the id of the run.
        steps: of its moments, ascending.
        shares: how well it read at each, 0 to 1.
        at: the step of the moment that the page shows.
        says: what is said of each.
    """
    return {
        "run": run,
        "steps": list(steps),
        "values": _rounded(shares),
        "at": at,
        "says": list(says),
        "label": "Moment of the training that the page shows",
    }


def _rounded(numbers: Sequence[float | None]) -> list[float | None]:
    """With three digits; what is no number, and what JSON cannot hold, as None."""
    known = [None if number is None or not math.isfinite(number) else number for number in numbers]
    return [None if number is None else float(f"{number:.3g}") for number in known]
