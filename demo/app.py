"""The demo: `streamlit run demo/app.py`. Draw digits, watch a Transformer read them."""

import sys
from pathlib import Path

import streamlit as st
import torch

sys.path.insert(0, str(Path(__file__).parent.parent))

from demo import (
    apart_view,
    change_view,
    intervene_view,
    machine_view,
    read_view,
    screen,
    train_view,
)
from mnist_transformer import load_transformer

# Each visitor has a thread of his own. Sharing one reading between several gains little, and costs
# seconds where they wait for one another on cores that train for somebody else.
torch.set_num_threads(1)
st.set_page_config(page_title="MNIST Transformer", page_icon="✍️", layout="wide")
st.html(Path(__file__).parent / "style.css")
TOP = """<header class="top"><h1>MNIST Transformer</h1><p>An encoder-decoder Transformer, trained
to read handwritten digits one token at a time. Write, and watch where it looks.</p></header>"""


@st.cache_resource(show_spinner="Loading the model…")
def shipped_model():
    """One model for all visitors: reading changes nothing in it."""
    return load_transformer()


st.html(TOP)
st.html(screen.hidden_style())
model = shipped_model()
screen.open_changes(model)
shown = read_view.show(model)
if "machine" in screen.sections():
    machine_view.show(shown.reading, model)
tabs = {
    "Change one thing": (
        "change",
        lambda: change_view.show(shown.reading, shown.strokes, shown.size, model),
    ),
    "Intervene": ("intervene", lambda: intervene_view.show(shown.reading, model)),
    "Take it apart": ("apart", lambda: apart_view.show(shown, model)),
    "Train your own": ("train", lambda: train_view.show(shown.drawing, model)),
}
titles = [title for title, (section, _) in tabs.items() if section in screen.sections()]
# Only the open section is worked out; another when it is opened.
for title, tab in zip(titles, st.tabs(titles, on_change="rerun") if titles else [], strict=True):
    if tab.open:
        with tab:
            tabs[title][1]()
