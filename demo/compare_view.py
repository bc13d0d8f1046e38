"""Another model reads the drawing, beside the shipped one."""

import tempfile
from pathlib import Path

import streamlit as st
from PIL import Image

from demo.controls import page_html, plot
from mnist_transformer import (
    CheckpointError,
    Classifier,
    InkError,
    Transformer,
    load_classifier,
    load_model,
)
from mnist_transformer.figures import class_figure

LARGEST_WEIGHTS = 20_000_000  # bytes


def show(
    name: str,
    model: Transformer | Classifier,
    drawing: Image.Image | None,
    shipped: Transformer,
) -> None:
    """The drawing above, read by the new model beside the shipped one."""
    if drawing is None:
        st.info("Draw something above to have the new model read it, too.")
        return
    ours, theirs = st.columns(2)
    try:
        if isinstance(model, Transformer):
            ours.markdown(f"**{name} reads**")
            ours.html(page_html(model.read_page(drawing), model.config.max_digits))
            theirs.markdown("**The shipped model reads**")
            theirs.html(page_html(shipped.read_page(drawing), shipped.config.max_digits))
        else:
            with ours:
                st.markdown(f"**{name} says**")
                plot(class_figure(model.read(drawing)), f"{name}-bars")
            with theirs:
                st.markdown("**The shipped classifier says**")
                plot(class_figure(_shipped_classifier().read(drawing)), f"{name}-shipped-bars")
            st.caption("The classifier takes the whole drawing for one digit.")
    except InkError as error:
        st.warning(str(error))


def show_upload(drawing: Image.Image | None, shipped: Transformer) -> None:
    """Weights that were downloaded here, or trained in the shell, read the drawing again."""
    with st.expander("Read with weights of your own"):
        file = st.file_uploader("A .safetensors file of this project", key="weights-upload")
        if file is None:
            return
        if file.size > LARGEST_WEIGHTS:
            st.error(f"{file.name} is larger than any model of this project.")
            return
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder) / "upload.safetensors"
            path.write_bytes(file.getvalue())
            try:
                model = load_model(path)
            except CheckpointError as error:
                st.error(str(error).replace(str(path), file.name))
                return
        show("Your file", model, drawing, shipped)


@st.cache_resource(show_spinner=False)
def _shipped_classifier() -> Classifier:
    return load_classifier()
