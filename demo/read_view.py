"""The top of the page: draw, pick an example or upload a picture, and see what is read."""

import streamlit as st
from PIL import Image

from demo import save_view, sheet
from demo.controls import canvas_html, reading_html
from mnist_transformer import InkError, Reading, Transformer


def show(model: Transformer) -> tuple[Image.Image | None, list[dict], Reading]:
    """Draw the section; gives what is in sight (None if nothing), its strokes, and its reading.

    Only what was drawn on the empty sheet has strokes; a picture has none.
    """
    state = st.session_state
    in_sight = sheet.show()
    if state.get("in_sight") != in_sight.version:  # else the page is only drawn anew
        state.drawing = in_sight.drawing()
        state.reading, state.problem = _read(model, state.drawing)
        state.in_sight = in_sight.version
    answer, view = st.columns([3, 2], vertical_alignment="center")
    answer.html(reading_html(state.reading, model.config.max_digits, state.problem))
    strokes = [] if in_sight.picture else in_sight.strokes
    view.html(canvas_html(state.reading.canvas, "What the model sees"))
    with view:
        save_view.show(state.reading, strokes)
    return state.drawing, strokes, state.reading


def _read(model: Transformer, drawing: Image.Image | None) -> tuple[Reading, str | None]:
    """The drawing's reading, and what is wrong with the drawing if it cannot be read."""
    blank = Image.new("L", (8, 8), 255)
    try:
        return model.read(drawing or blank, attention=True), None
    except InkError as error:
        return model.read(blank), str(error)
