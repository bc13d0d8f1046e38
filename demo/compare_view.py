"""Another model reads the drawing, beside the shipped one."""

import streamlit as st
from PIL import Image

from demo.controls import page_html, plot
from mnist_transformer import (
    Classifier,
    InkError,
    Transformer,
    load_classifier,
)
from mnist_transformer.figures import class_figure


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


@st.cache_resource(show_spinner=False)
def _shipped_classifier() -> Classifier:
    return load_classifier()
