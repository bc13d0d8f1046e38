"""The live views of `mnist_transformer.figures.live` as parts of the page.

A part keeps its key and changes its data, so that nothing is mounted anew and nothing shifts. Its
elements lie in the page itself, not in a shadow of their own: one style and one store for all.
"""

import streamlit as st

from mnist_transformer.figures.live import read_source
from mnist_transformer.figures.live.stage import SOURCES


def component(name: str, draw: str, sources: tuple[str, ...]):
    """A Streamlit component of a view's own files; call it with `data` and a `key`.

    Args:
        name: of the component, unique on the page.
        draw: the view's function, called with an element and the data; gives what ends it.
        sources: the files of JavaScript that the function needs.
    """
    start = f"export default ({{ parentElement, data }}) => {draw}(parentElement, data);"
    return st.components.v2.component(
        name,
        css=read_source("live.css"),
        js=f"{read_source(*sources)}\n{start}",
        isolate_styles=False,
    )


stage = component("stage", "drawStage", SOURCES)
