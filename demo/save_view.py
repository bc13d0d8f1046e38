"""Save or share: the reading, its numbers and figures as files, and a link to the drawing."""

import io
import json

import streamlit as st

from demo import link
from mnist_transformer import Page, Reading
from mnist_transformer.figures.live import page_html


def show(page: Page, reading: Reading, strokes: list[dict], size: tuple[int, int]) -> None:
    """Draw the downloads, and the button that puts the drawing in the address.

    Args:
        page: all that was read.
        reading: the line, or the row that was chosen.
        strokes: of a drawing made on the empty sheet.
        size: (width, height) of that sheet in pixels.
    """
    if not reading.steps:
        return
    with st.popover("Save or share"):
        _download("Reading (JSON)", "reading.json", lambda: _json(page, reading))
        _download("All numbers and maps (NPZ)", "reading.npz", lambda: _npz(reading))
        _download(
            "Reading to play (HTML)",
            "reading.html",
            lambda: page_html(reading),
        )
        st.caption("Every figure has a camera in its corner that saves it as SVG.")
        if not strokes:
            st.caption("A link holds what you draw, but no pictures.")
        elif st.button("Put the drawing in the address bar", key="make-link"):
            try:
                address = link.encode(strokes, size)
                st.session_state.address = st.query_params["drawing"] = address
                st.success("The page's address now reopens this drawing.")
            except link.LinkError as error:
                st.error(str(error))


def _download(label: str, name: str, content) -> None:
    st.download_button(label, content, name, on_click="ignore", width="stretch", key=name)


def _json(page: Page, reading: Reading) -> str:
    """The line with its distributions, or all rows of a page of several."""
    is_line = page.digits == reading.digits
    return json.dumps(reading.to_dict() if is_line else page.to_dict(), indent=1)


def _npz(reading: Reading) -> bytes:
    buffer = io.BytesIO()
    reading.save_npz(buffer)
    return buffer.getvalue()
