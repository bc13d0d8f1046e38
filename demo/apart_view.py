"""Take an answer apart, and what makes it: five ways, of which one is shown."""

import streamlit as st

from demo import gaze_view, habits_view, pen_view, receipt_view, swap_view
from demo.read_view import Shown
from mnist_transformer import Transformer

WAYS = ["The receipt", "Paint the gaze", "Swap a thought", "Pen time", "Heads’ habits"]


def show(shown: Shown, model: Transformer) -> None:
    """Draw the section."""
    way = st.segmented_control(
        "Take an answer apart",
        WAYS,
        # A lesson may have chosen one before it is drawn.
        default=None if "way" in st.session_state else WAYS[0],
        required=True,
        key="way",
        label_visibility="collapsed",
        persist_state="page",
    )
    if way == WAYS[0]:
        receipt_view.show(shown.reading, model)
    elif way == WAYS[1]:
        gaze_view.show(shown.reading, model)
    elif way == WAYS[2]:
        swap_view.show(shown.reading, model)
    elif way == WAYS[3]:
        pen_view.show(shown.strokes, shown.size, model)
    else:
        habits_view.show(model)
