"""Pen time: what the model would have said while one was still writing."""

from itertools import pairwise

import numpy as np
import streamlit as st
import torch

from demo import link, redraw
from demo.controls import download_figure, plot
from mnist_transformer import Transformer
from mnist_transformer.explain.pen_time import Moment, pen_time
from mnist_transformer.figures import pen_time_figure

SAYS = """
Your drawing was read again after every few points of the pen. Each piece of a stroke has the colour
of the digit that the model would have said there, and below stands how sure it was of each.
"""
SLOW = 40  # moments from which on one is told how far it is


@st.fragment
def show(strokes: list[dict], size: tuple[int, int], model: Transformer) -> None:
    """Draw the section.

    Args:
        strokes: of a line drawn on the empty sheet; none for a picture or several rows.
        size: (width, height) of the sheet in pixels.
        model: what reads.
    """
    redraw.only(redraw.SECTION)
    if not strokes:
        st.info("Write one line on an empty sheet above, and see here how it was read on the way.")
        return
    st.caption(SAYS)
    every = st.slider(
        "Points of the pen between two readings", 1, 12, 4, key="every", persist_state="page"
    )
    points = link.points(strokes)
    brush = strokes[-1]["strokeWidth"]
    moments = _moments(model, points, size, brush, every)
    turns = _turns(moments)
    story = "; ".join(turns) or "No stroke changed its digit on the way."
    st.html(f'<p data-moments="{len(moments)}" data-turns="{len(turns)}">{story}</p>')
    figure = pen_time_figure(
        [np.array(stroke) for stroke in points],
        [(moment.stroke, moment.point) for moment in moments],
        [moment.said for moment in moments],
        torch.stack([moment.distribution for moment in moments]),
    )
    plot(figure, "pen-time")
    download_figure("This pen time", "pen-time", lambda: figure)


def _moments(
    model: Transformer, points: list, size: tuple[int, int], brush: float, every: int
) -> list[Moment]:
    """Worked out once for a drawing, with a bar where it takes long."""
    state = st.session_state
    asked = (model, points, size, brush, every)
    if state.get("pen-asked") != asked:
        many = sum(map(len, points)) / every > SLOW
        bar = st.progress(0.0, "Reading stroke by stroke…") if many else None
        state["pen-moments"] = pen_time(
            model, points, size, brush, every, lambda share: bar and bar.progress(share)
        )
        state["pen-asked"] = asked
        if bar is not None:
            bar.empty()
    return state["pen-moments"]


def _turns(moments: list[Moment]) -> list[str]:
    """Where on its way a stroke became another digit, in words."""
    return [
        f"stroke {after.stroke + 1}, point {after.point + 1}: "
        f"{before.said} became <b>{after.said}</b>"
        for before, after in pairwise(moments)
        if None not in (before.said, after.said)
        and before.said != after.said
        and before.stroke == after.stroke
    ]
