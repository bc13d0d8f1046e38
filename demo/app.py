"""The demo: `streamlit run demo/app.py`. Draw digits, watch a Transformer read them."""

import sys
from pathlib import Path

import streamlit as st
import torch

sys.path.insert(0, str(Path(__file__).parent.parent))

from demo import apart_view, change_view, intervene_view, machine_view, read_view, train_view
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
model = shipped_model()
shown = read_view.show(model)
machine_view.show(shown.reading, model)
# Only the open section is worked out; another when it is opened.
change, intervene, apart, train = st.tabs(
    ["Change one thing", "Intervene", "Take it apart", "Train your own"], on_change="rerun"
)
if change.open:
    with change:
        change_view.show(shown.reading, shown.strokes, shown.size, model)
if intervene.open:
    with intervene:
        intervene_view.show(shown.reading, model)
if apart.open:
    with apart:
        apart_view.show(shown, model)
if train.open:
    with train:
        train_view.show(shown.drawing, model)
