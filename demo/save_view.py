"""Save or share: the reading, its numbers and figures as files, and a link to the drawing."""

import io
import json

import streamlit as st

from demo import link
from mnist_transformer import Reading


def show(reading: Reading, strokes: list[dict]) -> None:
    """Draw the downloads of one reading, and the button that puts the drawing in the address."""
    if not reading.steps:
        return
    with st.popover("Save or share"):
        _download("Reading (JSON)", "reading.json", lambda: json.dumps(reading.to_dict(), indent=1))
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


def _npz(reading: Reading) -> bytes:
    buffer = io.BytesIO()
    reading.save_npz(buffer)
    return buffer.getvalue()
