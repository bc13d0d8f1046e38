"""Look inside: every layer's and head's attention over the drawing."""

import plotly.graph_objects as go
import streamlit as st

from mnist_transformer import Reading
from mnist_transformer.figures import (
    decoder_attention_figure,
    encoder_attention_figure,
    timeline_figure,
)

KINDS = {
    "Cross-attention": "Where each head of the decoder looked while it chose a digit.",
    "Encoder self-attention": "Where one patch of the drawing, framed in blue, looked.",
    "Decoder self-attention": "Which tokens, read before, each step looked back at. "
    "The grey half is the future: masked, so never seen.",
}
# No mode bar over the pictures, but the figure can still be hovered.
CONFIG = {"displayModeBar": False}


@st.fragment
def show(reading: Reading) -> None:
    """Draw the section for a reading made with its attention maps."""
    if not reading.steps:
        st.info("Draw something above, and every attention head appears here.")
        return
    kind = st.segmented_control(
        "Attention", list(KINDS), default="Cross-attention", required=True, key="kind"
    )
    st.caption(KINDS[kind])
    if kind == "Cross-attention":
        _cross(reading)
    elif kind == "Encoder self-attention":
        _encoder(reading)
    else:
        plot(decoder_attention_figure(reading), "decoder-figure")


def _cross(reading: Reading) -> None:
    plot(timeline_figure(reading), "timeline")


def _encoder(reading: Reading) -> None:
    rows, columns = _grid(reading)
    row_ink = reading.canvas.unflatten(0, (rows, -1)).unflatten(2, (columns, -1)).sum((1, 3))
    row, column = st.columns(2)
    y = row.slider("Row of the patch that looks", 0, rows - 1, int(row_ink.sum(1).argmax()))
    x = column.slider(
        "Column of the patch that looks", 0, columns - 1, int(row_ink.argmax()) % columns
    )
    plot(encoder_attention_figure(reading, y * columns + x), "encoder-figure")


def _grid(reading: Reading) -> tuple[int, int]:
    height, width = reading.canvas.shape
    side = round((height * width / reading.attention.encoder.shape[-1]) ** 0.5)
    return height // side, width // side


def plot(figure: go.Figure, key: str) -> None:
    """Show a figure at the page's width."""
    st.plotly_chart(figure, width="stretch", config=CONFIG, key=key)
