"""The demo: `streamlit run demo/app.py`. Draw digits, watch a Transformer read them."""

import sys
from pathlib import Path

import streamlit as st
import torch

sys.path.insert(0, str(Path(__file__).parent.parent))

from demo import (
    apart_view,
    change_view,
    changes,
    folders,
    intervene_view,
    machine_view,
    memory,
    messages,
    model_view,
    models,
    read_view,
    redraw,
    screen,
    train_view,
)
from demo.turns import turns

# Each visitor has a thread of his own, and they take turns. Sharing one reading between several
# gains little, and costs seconds where they wait for one another on cores that train for somebody
# else.
torch.set_num_threads(1)
redraw.begin()
memory.share()
folders.of_this_server()


def head() -> None:
    """The page's name and style.

    A browser that has them can wait for them: to be sent them again costs it several milliseconds.
    """
    st.set_page_config(page_title="MNIST Transformer", page_icon="✍️", layout="wide")
    style = (Path(__file__).parent / "style.css").read_text(encoding="utf-8")
    st.html(f"<style>{style}</style>{screen.hidden_style()}")


is_new = "read" not in st.session_state
if is_new:
    head()
# All places are held from the beginning, and filled in the order in which one waits for them.
top = st.container(horizontal=True, vertical_alignment="center", key="top")
# Once: a little later, a run that goes on has another newest moment.
chosen = models.chosen()
model = chosen.model
screen.open_changes(model)
changes.fit(model)
shown = read_view.show(model)
if not is_new:
    head()
messages.tell()
model_view.show(top, chosen)
if "machine" in screen.sections():
    with turns.rest():
        machine_view.show(shown.reading, model)
sections = {
    "Change one thing": (
        "change",
        lambda: change_view.show(shown.reading, shown.strokes, shown.size, model),
    ),
    "Intervene": ("intervene", lambda: intervene_view.show(shown.reading, model)),
    "Take it apart": ("apart", lambda: apart_view.show(shown, model)),
    "Train your own": ("train", lambda: train_view.show(shown.reading, shown.drawing)),
}
titles = [title for title, (section, _) in sections.items() if section in screen.sections()]
# Only the open section is worked out; another when it is opened.
if titles:
    opened = screen.choose_section(titles)
    with st.container(key=f"section-{sections[opened][0]}"), turns.rest():
        sections[opened][1]()
