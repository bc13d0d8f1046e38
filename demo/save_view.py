"""Save or share: the reading, its numbers and figures as files, and a link to the drawing."""

import io
import json
from dataclasses import replace

import numpy as np
import streamlit as st

from demo import changes, link, models, screen
from mnist_transformer import Page, Reading, Transformer
from mnist_transformer.explain.activations import as_lists
from mnist_transformer.explain.attribution import attribute
from mnist_transformer.explain.trace import trace
from mnist_transformer.figures.live import page_html


def show(
    page: Page,
    reading: Reading,
    strokes: list[dict],
    size: tuple[int, int],
    model: Transformer,
) -> None:
    """Draw the downloads, and the button that puts the drawing in the address.

    The files are of the machine as the visitor has changed it, except for a page of several rows,
    which the whole machine has read.

    Args:
        page: all that was read.
        reading: the line, or the row that was chosen, as the whole machine reads it.
        strokes: of a drawing made on the empty sheet.
        size: (width, height) of that sheet in pixels.
        model: what made the reading.
    """
    model, reading = changes.apply(model, reading)
    # There for an empty sheet, too, so that what stands beside it keeps its place.
    with st.popover("Save or share", disabled=not reading.steps):
        if not reading.steps:
            return
        if any(changes.chosen().values()):
            said = f"The files are of the machine as it is now: {changes.in_words().lower()}."
            st.caption(said + " Of several rows, the JSON is the whole machine's." * _is_page(page))
        # What is downloaded is made outside of the page's run, which alone knows what is chosen.
        about = {"model": models.chosen().title, "changes": changes.chosen()}
        _download("Reading (JSON)", "reading.json", lambda: _json(page, reading, model, about))
        _download("All numbers and maps (NPZ)", "reading.npz", lambda: _npz(reading, model))
        _download(
            "All numbers and maps (JSON)", "numbers.json", lambda: _numbers(reading, model, about)
        )
        _download(
            "Reading to play (HTML)",
            "reading.html",
            lambda: page_html(reading),
        )
        st.caption(
            "A figure is saved as SVG by the camera in its corner or the button beside its title."
        )
        told = screen.button("Put this screen in the address bar")
        if told:
            _put_in_address(told, strokes, size)
        st.caption(
            "The address then holds what you drew or the example, what is chosen and what is "
            "switched off; of an uploaded picture, nothing."
        )
        if models.chosen().name != models.SHIPPED:
            st.caption("A link opens the shipped model: this one is yours alone.")


def _put_in_address(told: dict, strokes: list[dict], size: tuple[int, int]) -> None:
    try:
        drawing = link.encode(strokes, size) if strokes else st.session_state.laid.example
    except link.LinkError as error:
        st.error(str(error))
        return
    screen.put(told, drawing)
    laid = st.session_state.laid
    st.session_state.laid = replace(laid, address=drawing)
    st.success("The page's address now reopens this screen.")


def _download(label: str, name: str, content) -> None:
    st.download_button(label, content, name, on_click="ignore", width="stretch", key=name)


def _is_page(page: Page) -> bool:
    """Whether it has several rows, or one that was read in parts."""
    return sum(len(row.parts) for row in page.rows) > 1


def _json(page: Page, reading: Reading, model: Transformer, about: dict) -> str:
    """The line with its distributions and receipt, or all rows of a page of several."""
    if _is_page(page):
        told = {"changes": {}} | page.to_dict()
    else:
        told = reading.to_dict() | {"receipt": attribute(model, reading).to_dict()}
    return json.dumps(about | told, indent=1)


def _npz(reading: Reading, model: Transformer) -> bytes:
    buffer = io.BytesIO()
    reading.save_npz(buffer, _arrays(reading, model))
    return buffer.getvalue()


def _numbers(reading: Reading, model: Transformer, about: dict) -> str:
    numbers = as_lists(_arrays(reading, model))
    return json.dumps(about | numbers | reading.to_dict())


def _arrays(reading: Reading, model: Transformer) -> dict[str, np.ndarray]:
    """All that passed through the model for a reading, and what each part paid."""
    passed = trace(model, reading)
    return passed.arrays() | attribute(model, passed).arrays()
