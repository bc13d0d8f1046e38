"""The receipt: what paid for an answer, on the drawing and part by part."""

import plotly.graph_objects as go

from ..explain.receipt import Bill
from ..reading import Reading
from .on_drawing import drawing_over_bars


def receipt_figure(reading: Reading, bill: Bill) -> go.Figure:
    """Every patch's amount on the drawing, and below it every line, the largest first.

    The last bar is the total, which the lines sum to.

    Args:
        reading: with maps, that the bill is of.
        bill: as `Receipt.bill` gives it.

    Raises:
        ValueError: if the reading has no maps.
    """
    bars = [*bill.lines, ("total", bill.total)]
    return drawing_over_bars(reading, bill.per_patch, bars, "+.2f", "logits")
