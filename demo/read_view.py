"""The top of the page: draw, pick an example or upload a picture, and see what is read."""

from dataclasses import dataclass

import streamlit as st
from PIL import Image
from streamlit.delta_generator import DeltaGenerator

from demo import changes, lesson_view, live, pauses, save_view, sheet
from demo.controls import page_html, reading_hints
from demo.turns import turns
from mnist_transformer import InkError, Page, Reading, Transformer
from mnist_transformer.figures.live import stage_data
from mnist_transformer.ink.prepare import prepare_page
from mnist_transformer.page import read_prepared

BLANK = Image.new("L", (8, 8), 255)
CAUTIOUS = "tiles are more cautious than bars, as they also weigh other looks and the line's end"


@dataclass(frozen=True, eq=False)
class Read:
    """What was read, and of what. It changes at once, as a run may end between two assignments, and
    the next one be about another model.

    Attributes:
        version: of what lies on the sheet (`sheet.InSight`).
        model: that read it.
        page: what was read.
        problem: what is wrong with the drawing if it cannot be read.
    """

    version: tuple[int, str]
    model: Transformer
    page: Page
    problem: str | None


@dataclass(frozen=True)
class Shown:
    """What the sections below the sheet are about.

    Attributes:
        drawing: what is in sight; None if nothing is.
        strokes: those of a line drawn on the empty sheet alone; a picture has none.
        size: (width, height) of their sheet in pixels.
        reading: of the line, or of the row that was chosen, or of nothing.
    """

    drawing: Image.Image | None
    strokes: list[dict]
    size: tuple[int, int]
    reading: Reading


def show(model: Transformer) -> Shown:
    """Draw the section; gives what the others are to show.

    The stage is sent before all else: a browser takes up what it is sent piece by piece, and each
    piece costs it several milliseconds, changed or not. Only on arrival the sheet goes before it.
    """
    state = st.session_state
    tools = st.container(horizontal=True, vertical_alignment="center", key="tools")
    paper = st.container(key="sheet")
    # There without rows too, so that nothing changes its place.
    rows = st.container(horizontal=True, vertical_alignment="center", key="rows")
    stage = st.container()
    in_sight = sheet.look()
    arrives = "read" not in state
    if arrives:
        sheet.show(paper)
    with turns.first():
        read = state.get("read")
        if read is None or read.version != in_sight.version:
            state.drawing, state.prepared = in_sight.drawing(), None
        if read is None or (read.version, read.model) != (in_sight.version, model):
            read = state.read = Read(in_sight.version, model, *_read(model, state.drawing))
        page = read.page  # read before, if the page is only drawn anew
        reading, probabilities = _choose(page, rows, model)
        _, changed = changes.apply(model, reading)
        if changed is not reading:  # the whole page shows the machine as it is now
            probabilities = changed.probabilities
        hints = _hints(page, changed, probabilities, model, read.problem)
        if _differ(probabilities, changed.probabilities):
            hints.append(CAUTIOUS)
        if any(changes.chosen().values()):
            hints.append(changes.in_words().lower())
        data = stage_data(changed, probabilities, hints)
        with stage:
            live.stage(data=data, key="stage")
    if data != state.get("staged"):
        state.staged = data
        pauses.pause(pauses.ARRIVAL if arrives else pauses.STAGE)
    turns.give_way()
    if not arrives:
        sheet.show(paper)
    strokes = [] if in_sight.picture else in_sight.strokes
    with tools:
        sheet.show_tools(bool(in_sight.strokes))
        save_view.show(page, reading, strokes, in_sight.size, model)
        lesson_view.show(reading, changed, strokes)
    return Shown(state.drawing, strokes if is_line(page) else [], in_sight.size, reading)


def is_line(page: Page) -> bool:
    """Whether all of the page is one line that the model reads as a whole."""
    return len(page.rows) == 1 and len(page.rows[0].parts) == 1


def _choose(page: Page, rows: DeltaGenerator, model: Transformer) -> tuple[Reading, list[float]]:
    """The line, or which of the `rows`, or part of a long one, all else is about; and how sure its
    digits are, as the page knows it."""
    places = [
        (f"{n}, part {m}" if len(row.parts) > 1 else f"{n}", part, probabilities)
        for n, row in enumerate(page.rows, 1)
        for m, (part, probabilities) in enumerate(
            zip(row.parts, row.probabilities_by_part, strict=True), 1
        )
    ]
    if not places:
        return model.read(BLANK), []
    if len(places) == 1:
        return places[0][1:]
    with rows:
        tiles = st.container(width="content")  # filled last, as it marks what is chosen below it
        chosen = st.segmented_control(
            "Which row, or part of a long row, the rest of the page shows",
            range(len(places)),
            default=0,
            required=True,
            format_func=lambda n: f"{places[n][0]}: {places[n][1].digits or 'nothing'}",
            key=f"row-of-{len(places)}",  # when a row is added, the first is shown again
            persist_state="page",
            label_visibility="collapsed",
        )
        tiles.html(page_html(page, model.config.max_digits, chosen=places[chosen][1]))
    return places[chosen][1:]


def _hints(
    page: Page,
    reading: Reading,
    probabilities: list[float],
    model: Transformer,
    problem: str | None,
) -> list[str]:
    """What else is to be said of what is shown."""
    most = model.config.max_digits
    if not page.rows:
        return [problem or f"Write 1 to {most} digits on the sheet."]
    if reading.steps and not reading.digits:
        return ["it sees no digits here"]
    return reading_hints(reading, probabilities, most)


def _differ(tiles: list[float], bars: list[float]) -> bool:
    """Whether any digit's numbers are so far apart that one asks which is true."""
    return any(abs(tile - bar) > 0.1 for tile, bar in zip(tiles, bars, strict=True))


def _read(model: Transformer, drawing: Image.Image | None) -> tuple[Page, str | None]:
    """The drawing, row by row, and what is wrong with it if it cannot be read.

    Its ink is found once for all models of one shape, as one slides through a run's moments.
    """
    state = st.session_state
    try:
        if state.prepared is None or state.prepared[0] != model.config:
            state.prepared = model.config, prepare_page(drawing or BLANK, model.config)
        return read_prepared(model, state.prepared[1], attention=True), None
    except InkError as error:
        return Page([]), str(error)
