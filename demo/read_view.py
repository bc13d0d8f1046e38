"""The top of the page: draw, pick an example or upload a picture, and see what is read."""

import hashlib
import html
from pathlib import Path

import numpy as np
import streamlit as st
from PIL import Image, UnidentifiedImageError
from streamlit_drawable_canvas import st_canvas

from mnist_transformer import InkError, Reading, Transformer
from mnist_transformer.figures import drawing_image

WIDTH, HEIGHT = 1100, 190
BRUSH = 12
DOUBT = 0.7  # a digit less likely than this is marked as doubtful
EXAMPLES = sorted((Path(__file__).parent / "examples").glob("*.png"))


def show(model: Transformer) -> tuple[Image.Image | None, Reading]:
    """Draw the section; the drawing in sight (None if there is none) and its reading."""
    state = st.session_state
    state.setdefault("picture", None)  # an example or an upload, lying under the pen
    state.setdefault("canvas_number", 0)  # a new number gives an empty canvas

    result = st_canvas(
        stroke_width=BRUSH,
        stroke_color="#111111",
        background_color="#ffffff",
        background_image=None if state.picture is None else _fit(state.picture),
        width=WIDTH,
        height=HEIGHT,
        return_image_data=True,
        key=f"canvas-{state.canvas_number}",
    )
    _show_sources()
    drawing = _drawing(result, state.picture)
    reading, problem = _read(model, drawing)
    answer, view = st.columns([3, 2], vertical_alignment="center")
    answer.html(reading_html(reading, problem))
    view.image(drawing_image(reading.canvas), caption="What the model sees", width="stretch")
    return drawing, reading


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
        f'<div class="tile{" doubtful" if probability < DOUBT else ""}">'
        f'<div class="digit">{digit}</div>'
        f'<div class="bar"><i style="width:{probability:.0%}"></i></div>'
        f'<div class="sure">{probability:.0%}</div></div>'
        for digit, probability in zip(reading.digits, reading.probabilities, strict=True)
    )
    return f'<div class="reading" role="status" data-digits="{reading.digits}">{tiles}</div>'


def _show_sources() -> None:
    """Examples, upload, and a fresh sheet. Undo and redo are in the canvas's own corner."""
    label, *examples, upload, fresh = st.columns(
        [1.1] + [0.9] * len(EXAMPLES) + [1.4, 0.9], vertical_alignment="center"
    )
    label.markdown("Try an example:")
    for column, path in zip(examples, EXAMPLES, strict=True):
        column.button(
            path.stem,
            width="stretch",
            on_click=lambda path=path: _lay_down(Image.open(path)),
        )
    with upload.popover("Upload a picture", width="stretch"):
        st.file_uploader(
            "A picture of one line of digits",
            type=["png", "jpg", "jpeg", "webp", "bmp"],
            key="upload",
            on_change=_take_upload,
        )
    fresh.button("Clear", width="stretch", on_click=lambda: _lay_down(None))
    if st.session_state.get("upload_error"):
        st.error(st.session_state.upload_error)


def _lay_down(picture: Image.Image | None) -> None:
    """Put a picture, or nothing, on an empty canvas."""
    st.session_state.picture = picture
    st.session_state.canvas_number += 1
    st.session_state.upload_error = None


def _take_upload() -> None:
    upload = st.session_state.upload
    if upload is None:
        return
    try:
        picture = Image.open(upload)
        picture.load()
        _lay_down(picture)
    except (UnidentifiedImageError, OSError, ValueError, Image.DecompressionBombError) as error:
        st.session_state.upload_error = f"{upload.name} cannot be opened as a picture: {error}"


def _fit(picture: Image.Image) -> Image.Image:
    """The picture in the middle of a white sheet of the canvas's size."""
    picture = picture.convert("RGBA")
    scale = min(WIDTH / picture.width, HEIGHT / picture.height)
    size = (max(1, round(picture.width * scale)), max(1, round(picture.height * scale)))
    picture = picture.resize(size, Image.Resampling.LANCZOS)
    sheet = Image.new("RGBA", (WIDTH, HEIGHT), "white")
    sheet.alpha_composite(picture, ((WIDTH - size[0]) // 2, (HEIGHT - size[1]) // 2))
    return sheet


def _drawing(result, picture: Image.Image | None) -> Image.Image | None:
    """What is in sight: the strokes, the picture, or the strokes on the picture."""
    strokes = None
    if result.json_data and result.json_data.get("objects") and result.image_data is not None:
        strokes = Image.fromarray(np.asarray(result.image_data))
    if picture is None:
        return strokes
    if strokes is None:
        return picture
    return Image.alpha_composite(_fit(picture), strokes.convert("RGBA").resize((WIDTH, HEIGHT)))


def _read(model: Transformer, drawing: Image.Image | None) -> tuple[Reading, str | None]:
    """The drawing's reading and what is wrong with it, anew only if the drawing changed."""
    state = st.session_state
    content = b"" if drawing is None else drawing.convert("RGBA").tobytes()
    digest = hashlib.sha256(content).hexdigest()
    if state.get("read_digest") != digest:
        blank = Image.new("L", (8, 8), 255)
        try:
            state.reading, state.problem = model.read(drawing or blank, attention=True), None
        except InkError as error:
            state.reading, state.problem = model.read(blank), str(error)
        state.read_digest = digest
    return state.reading, state.problem
