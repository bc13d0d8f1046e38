"""The table of the machine's parts, in which a click switches one off."""

from collections.abc import Mapping
from pathlib import Path

import streamlit as st

from demo import changes
from mnist_transformer import Transformer, figures
from mnist_transformer.explain.heads import all_heads
from mnist_transformer.figures import matrix_data

LIVE = Path(figures.__file__).parent / "live"
JS = """
export default function ({ data, parentElement, setTriggerValue }) {
  drawMatrix(parentElement.querySelector("#matrix"), data, {
    changed: (changes) => setTriggerValue("changes", changes),
  });
}
"""
_draw = st.components.v2.component(
    "matrix",
    html='<div id="matrix"></div>',
    css=(LIVE / "matrix.css").read_text(),
    js=(LIVE / "matrix.js").read_text() + JS,
    isolate_styles=False,
)


def show(model: Transformer, lost: Mapping[str, float]) -> None:
    """Draw the table; what is clicked is in `changes` when the page is next drawn.

    Args:
        model: whose parts they are.
        lost: what the reading loses without each (see `matrix_data`).
    """
    state = st.session_state

    def take() -> None:
        taken = state["matrix"].changes
        changes.choose(taken, model)
        state["matrix-answers"] = taken["sent"]

    data = matrix_data(all_heads(model.config), lost, **changes.chosen())
    data["answers"] = state.get("matrix-answers", 0)
    _draw(data=data, key="matrix", on_changes_change=take)
