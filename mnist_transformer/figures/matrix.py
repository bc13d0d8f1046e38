"""The parts of the machine as a table: which of them a reading needs, and which are off."""

import math
from collections.abc import Mapping, Sequence

from ..explain.heads import Head


def matrix_data(
    heads: Sequence[Head],
    lost: Mapping[str, float],
    off: Sequence[str] = (),
    blurred: Sequence[str] = (),
) -> dict:
    """What `live/matrix.js` draws: an attention a row, a head a column, and what heads are part of.

    Args:
        heads: of the model, as `all_heads` gives them.
        lost: part -> the mean loss of log probability without it, as `importance` gives it. A part
            that has no number is shown without one.
        off: the parts that are off.
        blurred: the heads that look everywhere alike.

    Returns:
        What JSON can hold. Of every cell `name`, the `parts` that a click on it changes, the `row`
        and `column` where it stands, counted from 0, over how many `rows` and `columns` it reaches,
        and `costs`: how much of its likelihood a digit that is read loses, in [0, 1].
    """
    rows = _rows(heads)
    width = max(head.head for head in heads) + 1
    cells: list[dict] = []
    for row, attention in enumerate(rows.values()):
        cells += [_cell(h.name, [h.name], row, h.head) for h in attention]
        cells.append(_cell(attention[0].group, [h.name for h in attention], row, width))
    layers = [attention[0].layer_name for attention in rows.values()]
    for layer in dict.fromkeys(layers):
        first, count = layers.index(layer), layers.count(layer)
        cells.append(_cell(layer, [layer], first, width + 1, rows=count))
    cross = [h.name for h in heads if h.attention == "cross"]
    cells.append(_cell("all cross-attention", cross, len(rows), 0, columns=width + 1))
    cells.append(_cell("places", ["places"], len(rows), width + 1))
    for cell in cells:
        nats = lost.get(cell["name"])
        cell["costs"] = None if nats is None else round(1 - math.exp(min(0.0, -nats)), 4)
    return {
        "columns": [*(f"head {n + 1}" for n in range(width)), "all heads", "whole layer"],
        "rows": [*rows, "together"],
        "cells": cells,
        "heads": {head.name: head.layer_name for head in heads},
        "off": list(off),
        "blurred": list(blurred),
    }


def _rows(heads: Sequence[Head]) -> dict[str, list[Head]]:
    """Attention by attention, those of one layer under one another: "self 1", "cross 1", ..."""
    found: dict[str, list[Head]] = {}
    for head in sorted(heads, key=lambda h: (h.attention != "encoder", h.layer)):
        found.setdefault(head.name.split(",")[0], []).append(head)
    return found


def _cell(
    name: str, parts: list[str], row: int, column: int, rows: int = 1, columns: int = 1
) -> dict:
    place = {"row": row, "column": column, "rows": rows, "columns": columns}
    return {"name": name, "parts": parts} | place
