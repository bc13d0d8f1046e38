"""Save or share: the reading, its numbers and figures as files, and a link to the drawing."""

import io
import json

import streamlit as st

from demo import link
from mnist_transformer import Page, Reading


def show(page: Page, reading: Reading, strokes: list[dict]) -> None:
    """Draw the downloads, and the button that puts the drawing in the address.

    Args:
        page: all that was read.
        reading: the line, or the row that was chosen.
        strokes: of a drawing made on the empty sheet.
    """
    if not reading.steps:
        return
    with st.popover("Save or share"):
        _download("Reading (JSON)", "reading.json", lambda: _json(page, reading))
        _download("All numbers and maps (NPZ)", "reading.npz", lambda: _npz(reading))
        _download(
            "Cross-attention to play (HTML)",
            "cross_attention.html",
            lambda: reading.plot_cross_attention().to_html(include_plotlyjs=True, auto_play=False),
        )
        st.caption("Every figure has a camera in its corner that saves it as SVG.")
        if not strokes:
            st.caption("A link holds what you draw, but no pictures.")
        elif st.button("Put the drawing in the address bar", key="make-link"):
            try:
                st.query_params["drawing"] = link.encode(strokes)
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
