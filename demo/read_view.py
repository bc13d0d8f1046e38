"""The top of the page: draw, pick an example or upload a picture, and see what is read."""

from dataclasses import dataclass

import streamlit as st
from PIL import Image

from demo import live, save_view, sheet
from demo.controls import canvas_html, hint_html, page_html
from mnist_transformer import InkError, Page, Reading, Transformer
from mnist_transformer.figures.live import stage_data

BLANK = Image.new("L", (8, 8), 255)


@dataclass(frozen=True)
class Shown:
    """What the sections below the sheet are about.

    Attributes:
        drawing: what is in sight; None if nothing is.
        strokes: those of a line drawn on the empty sheet alone; a picture has none.
        reading: of the line, or of the row that was chosen, or of nothing.
    """

    drawing: Image.Image | None
    strokes: list[dict]
    reading: Reading


def show(model: Transformer) -> Shown:
    """Draw the section; gives what the others are to show."""
    state = st.session_state
    in_sight = sheet.show()
    if state.get("in_sight") != in_sight.version:  # else the page is only drawn anew
        state.drawing = in_sight.drawing()
        state.page, state.problem = _read(model, state.drawing)
        state.in_sight = in_sight.version
    page = state.page
    answer, view = st.columns([3, 2], vertical_alignment="center")
    with answer:
        reading = _show_answer(page, model, state.problem)
    view.html(canvas_html(reading, "What the model sees"))
    strokes = [] if in_sight.picture else in_sight.strokes
    with view:
        save_view.show(page, reading, strokes)
    live.stage(data=stage_data(reading), key="stage")
    return Shown(state.drawing, strokes if is_line(page) else [], reading)


def is_line(page: Page) -> bool:
    """Whether all of the page is one line that the model reads as a whole."""
    return len(page.rows) == 1 and len(page.rows[0].parts) == 1


def _show_answer(page: Page, model: Transformer, problem: str | None) -> Reading:
    """What was read, as tiles; gives the reading that the other sections are about."""
    most = model.config.max_digits
    if not page.rows:
        hint = f"Write 1 to {most} digits above. Undo is in the sheet's corner."
        st.html(hint_html(problem or hint))
        return model.read(BLANK)
    tiles = st.container()  # filled last, as it marks what is chosen below it
    reading = page.rows[0].parts[0] if is_line(page) else _choose(page)
    tiles.html(page_html(page, most, chosen=reading))
    return reading


def _choose(page: Page) -> Reading:
    """Which row, or which part of a long one, the other sections are about."""
    places = [
        (f"{n}, part {m}" if len(row.parts) > 1 else f"{n}", part)
        for n, row in enumerate(page.rows, 1)
        for m, part in enumerate(row.parts, 1)
    ]
    chosen = st.segmented_control(
        "Which row, or part of a long row, the rest of the page shows",
        range(len(places)),
        default=0,
        required=True,
        format_func=lambda n: f"{places[n][0]}: {places[n][1].digits or 'nothing'}",
        key=f"row-of-{len(places)}",  # when a row is added, the first is shown again
        persist_state="page",
    )
    return places[chosen][1]


def _read(model: Transformer, drawing: Image.Image | None) -> tuple[Page, str | None]:
    """The drawing, row by row, and what is wrong with it if it cannot be read."""
    try:
        return model.read_page(drawing or BLANK, attention=True), None
    except InkError as error:
        return Page([]), str(error)
