"""The top of the page: draw, pick an example or upload a picture, and see what is read."""

import html
import json
from pathlib import Path

import numpy as np
import streamlit as st
from PIL import Image, ImageOps
from streamlit_drawable_canvas import st_canvas

from demo import link, take_view
from mnist_transformer import InkError, Reading, Transformer
from mnist_transformer.figures import drawing_image
from mnist_transformer.ink import open_drawing
from mnist_transformer.pen import SHEET

PHONE_SHEET = (330, 150)  # width and height in pixels
EXAMPLES = sorted((Path(__file__).parent / "examples").glob("*.png"))


def show(model: Transformer) -> tuple[Image.Image | None, list[dict], Reading]:
    """Draw the section; gives what is in sight (None if nothing), its strokes, and its reading.

    Only what was drawn on the empty sheet has strokes; a picture has none.
    """
    state = st.session_state
    state.setdefault("picture", None)  # an example or an upload, lying under the pen
    state.setdefault("canvas_number", 0)  # a new number gives an empty canvas
    if "linked" not in state:  # the strokes that the page's address brought, if any
        state.linked = _open_link()

    width, height = sheet()
    result = st_canvas(
        stroke_width=link.BRUSH,
        stroke_color=link.INK,
        initial_drawing=None if state.linked is None else {"objects": state.linked},
        background_color="#ffffff",
        background_image=None if state.picture is None else _fit(state.picture, (width, height)),
        width=width,
        height=height,
        return_image_data=True,
        key=f"canvas-{state.canvas_number}",
    )
    _show_sources()
    strokes = (result.json_data or {}).get("objects", [])
    now_in_sight = (state.canvas_number, json.dumps(strokes))
    if state.get("in_sight") != now_in_sight:  # else the page is only drawn anew
        image = result.image_data if strokes else None
        if strokes and image is None:  # strokes that a link brought have no picture yet
            image = np.asarray(link.picture(strokes, (width, height)))
        state.drawing = _drawing(image, state.picture)
        state.reading, state.problem = _read(model, state.drawing)
        state.in_sight = now_in_sight
    answer, view = st.columns([3, 2], vertical_alignment="center")
    answer.html(reading_html(state.reading, state.problem))
    strokes = [] if state.picture else strokes
    picture = drawing_image(state.reading.canvas)
    view.image(picture, caption="What the model sees", width="stretch")
    with view:
        take_view.show(state.reading, strokes)
    return state.drawing, strokes, state.reading


def reading_html(reading: Reading, problem: str | None = None) -> str:
    """The digits as tiles, each with its confidence, or a hint where there are none."""
    if not reading.digits:
        hint = "Write one to eight digits above. Undo is in the sheet's corner."
        if reading.steps:
            hint = "The model sees no digits here."
        if problem:
            hint = html.escape(problem)
        return f'<div class="reading"><span class="hint">{hint}</span></div>'
    tiles = "".join(
        f'<div class="tile{" doubtful" if doubt else ""}">'
        f'<div class="digit">{digit}</div>'
        f'<div class="bar"><i style="width:{probability:.0%}"></i></div>'
        f'<div class="sure">{probability:.0%}</div></div>'
        for digit, probability, doubt in zip(
            reading.digits, reading.probabilities, reading.uncertain, strict=True
        )
    )
    if any(reading.uncertain):
        tiles += '<span class="hint">dashed: not sure</span>'
    if reading.truncated:
        tiles += '<span class="hint">… the line goes on: eight digits are the most</span>'
    return f'<div class="reading" role="status" data-digits="{reading.digits}">{tiles}</div>'


def _show_sources() -> None:
    """Examples, upload, and a fresh sheet. Undo and redo are in the canvas's own corner."""
    with st.container(horizontal=True, vertical_alignment="center"):
        st.markdown("Try an example:", width="content")
        for path in EXAMPLES:
            st.button(path.stem, on_click=lambda path=path: _lay_down(Image.open(path)))
        with st.popover("Upload a picture"):
            st.file_uploader(
                "A picture of one line of digits",
                type=["png", "jpg", "jpeg", "webp", "bmp"],
                key="upload",
                on_change=_take_upload,
            )
        st.button("Clear", on_click=lambda: _lay_down(None))
    with st.container():  # there without an error too, so that nothing below changes its place
        if st.session_state.get("upload_error"):
            st.error(st.session_state.upload_error)


def _open_link() -> list[dict] | None:
    """The strokes in the page's address; a link that holds none is said so."""
    text = st.query_params.get("drawing")
    if not text:
        return None
    try:
        return link.decode(text)
    except link.LinkError as error:
        st.session_state.upload_error = str(error)
        return None


def _lay_down(picture: Image.Image | None) -> None:
    """Put a picture, or nothing, on an empty canvas."""
    st.session_state.picture = picture
    st.session_state.linked = None
    st.session_state.canvas_number += 1
    st.session_state.upload_error = None


def _take_upload() -> None:
    upload = st.session_state.upload
    if upload is None:
        return
    try:
        _lay_down(open_drawing(upload))
    except InkError as error:
        st.session_state.upload_error = f"{upload.name} was not read: {error}"


def sheet() -> tuple[int, int]:
    """Width and height of the sheet that suits the visitor's device."""
    return PHONE_SHEET if "Mobi" in st.context.headers.get("User-Agent", "") else SHEET


def _fit(picture: Image.Image, size: tuple[int, int]) -> Image.Image:
    """The picture in the middle of a white sheet."""
    picture = picture.convert("RGBA")
    fitted = ImageOps.contain(picture, size, Image.Resampling.LANCZOS)
    paper = Image.new("RGBA", size, "white")
    place = ((size[0] - fitted.width) // 2, (size[1] - fitted.height) // 2)
    paper.alpha_composite(fitted, place)
    return paper


def _drawing(strokes: np.ndarray | None, picture: Image.Image | None) -> Image.Image | None:
    """What is in sight: the strokes, the picture, or the strokes on the picture."""
    if strokes is None:
        return picture
    drawn = Image.fromarray(strokes).convert("RGBA")
    if picture is None:
        return drawn
    return Image.alpha_composite(_fit(picture, drawn.size), drawn)


def _read(model: Transformer, drawing: Image.Image | None) -> tuple[Reading, str | None]:
    """The drawing's reading, and what is wrong with the drawing if it cannot be read."""
    blank = Image.new("L", (8, 8), 255)
    try:
        return model.read(drawing or blank, attention=True), None
    except InkError as error:
        return model.read(blank), str(error)
