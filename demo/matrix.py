"""The table of the machine's parts, in which a click switches one off."""

from collections.abc import Mapping

import streamlit as st

from demo import changes, redraw
from mnist_transformer import Transformer
from mnist_transformer.explain.heads import all_heads
from mnist_transformer.figures import matrix_data
from mnist_transformer.figures.live import read_source

START = """
export default ({ data, parentElement, setTriggerValue }) =>
  drawMatrix(parentElement, data, { changed: (made) => setTriggerValue("changes", made) });
"""
_draw = st.components.v2.component(
    "matrix",
    css=read_source("matrix.css"),
    js=read_source("matrix.js") + START,
    isolate_styles=False,
)


def show(model: Transformer, lost: Mapping[str, float], before: str, now: str) -> None:
    """Draw the table; what is clicked is in `changes` when the page is next drawn.

    Args:
        model: whose parts they are.
        lost: what the reading loses without each (see `matrix_data`).
        before, now: the digits that the whole machine reads, and as it is changed.
    """
    state = st.session_state

    def take() -> None:
        redraw.note(redraw.PAGE)
        taken = state["matrix"].changes
        changes.choose(taken, model)
        state["matrix-answers"] = taken["sent"]

    data = matrix_data(all_heads(model.config), lost, **changes.chosen())
    data["reads"] = [before, now]
    data["answers"] = state.get("matrix-answers", 0)
    _draw(data=data, key="matrix", on_changes_change=take)
