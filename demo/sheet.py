"""The sheet: a canvas to draw on, or an example, an upload or a link's drawing laid on it."""

import json
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import streamlit as st
from PIL import Image, ImageOps
from streamlit_drawable_canvas import st_canvas

from demo import link
from mnist_transformer import InkError, open_drawing
from mnist_transformer.ink.brush import BRUSH, SHEET

PHONE_SHEET = (330, 150)  # width and height in pixels
EXAMPLES = sorted((Path(__file__).parent / "examples").glob("*.png"))


@dataclass(frozen=True)
class InSight:
    """What lies on the sheet.

    Attributes:
        strokes: what was drawn, as the canvas gives it.
        picture: the example or upload that lies under the strokes, if any.
        pixels: (height, width, 4), the strokes as the canvas shows them; None before it has.
        version: changes whenever what is in sight does.
    """

    strokes: list[dict]
    picture: Image.Image | None
    pixels: np.ndarray | None
    version: tuple[int, str]

    def drawing(self) -> Image.Image | None:
        """The strokes, the picture, or the strokes on the picture; None for an empty sheet."""
        if not self.strokes:
            return self.picture
        if self.pixels is None:  # strokes that a link brought have no pixels yet
            drawn = link.picture(self.strokes, size()).convert("RGBA")
        else:
            drawn = Image.fromarray(self.pixels).convert("RGBA")
        if self.picture is None:
            return drawn
        return Image.alpha_composite(_fit(self.picture, drawn.size), drawn)


def show() -> InSight:
    """Draw the sheet, and below it what else can be laid on it."""
    state = st.session_state
    state.setdefault("picture", None)  # an example or an upload, lying under the pen
    state.setdefault("canvas_number", 0)  # a new number gives an empty canvas
    if "linked" not in state:  # the strokes that the page's address brought, if any
        state.linked = _open_link()

    width, height = size()
    result = st_canvas(
        stroke_width=BRUSH,
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
    version = (state.canvas_number, json.dumps(strokes))
    return InSight(strokes, state.picture, result.image_data, version)


def size() -> tuple[int, int]:
    """Width and height of the sheet that suits the visitor's device."""
    return PHONE_SHEET if "Mobi" in st.context.headers.get("User-Agent", "") else SHEET


def _show_sources() -> None:
    """Examples, upload, and a fresh sheet. Undo and redo are in the canvas's own corner."""
    with st.container(horizontal=True, vertical_alignment="center"):
        st.markdown("Try an example:", width="content")
        for path in EXAMPLES:
            st.button(path.stem, on_click=lambda path=path: _lay_down(Image.open(path)))
        with st.popover("Upload a picture"):
            st.file_uploader(
                "A picture of digits, in one row or several",
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


def _fit(picture: Image.Image, size: tuple[int, int]) -> Image.Image:
    """The picture in the middle of a white sheet."""
    picture = picture.convert("RGBA")
    fitted = ImageOps.contain(picture, size, Image.Resampling.LANCZOS)
    paper = Image.new("RGBA", size, "white")
    place = ((size[0] - fitted.width) // 2, (size[1] - fitted.height) // 2)
    paper.alpha_composite(fitted, place)
    return paper
