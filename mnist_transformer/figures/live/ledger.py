"""A ledger: numbers on the drawing, patch by patch, and others as bars under it."""

from collections.abc import Sequence

from torch import Tensor

from ...reading import Reading
from .machine import crop
from .packing import pack_canvas

SOURCES = ("follow.js", "ink.js", "paper.js", "ledger.js")


def paper_data(reading: Reading, step: int | None, whole: bool = False) -> dict:
    """What `paintPaper` and `followStep` need: the drawing, its patches, and the step.

    Args:
        reading: made with `attention=True`.
        step: which decoding step is shown, if the view is to follow the page's; from 0.
        whole: whether all paper is shown, or the columns of patches with ink and one beside.

    Raises:
        ValueError: if the reading has no maps.
    """
    columns = reading.maps.grid[1]
    shown = [0, columns] if whole else list(crop(reading.canvas, columns))
    return {
        "canvas": pack_canvas(reading.canvas),
        "grid": list(reading.maps.grid),
        "shown": shown,
        "step": step,
        "steps": None if step is None else reading.steps,
    }


def ledger_data(
    reading: Reading,
    numbers: Tensor,
    bars: Sequence[tuple[str, float]],
    label: str,
    step: int | None = None,
    picked: Sequence[str | int] = (),
    percent: bool = False,
) -> dict:
    """All that `drawLedger` shows, as JSON takes it.

    Args:
        reading: made with `attention=True`, of the drawing that is shown.
        numbers: (patches,), of either sign.
        bars: names and numbers from top to bottom; one called "total" is grey.
        label: what the numbers are, for those who do not see them.
        step: which decoding step they are of, if the ledger is to follow the page's; from 0.
        picked: names of bars, and numbers of patches, that stand out.
        percent: whether the numbers are shares.

    Raises:
        ValueError: if the reading has no maps.
    """
    return paper_data(reading, step) | {
        "numbers": numbers.tolist(),
        "bars": [[name, number] for name, number in bars],
        "label": label,
        "picked": list(picked),
        "percent": percent,
    }
