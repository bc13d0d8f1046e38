"""The top of the page: its name, and the model that all of it is about."""

import streamlit as st
from streamlit.delta_generator import DeltaGenerator

from demo import models, moments_view
from demo.jobs import TrainingJob

TITLE = "<h1>MNIST Transformer</h1>"
SAYS = """<p>An encoder-decoder Transformer, trained to read handwritten digits token by token.
Watch where it looks.</p>"""


def show(top: DeltaGenerator, chosen: models.Chosen) -> None:
    """Draw the top, with the model to be chosen, and the one that the page is about now."""
    names = models.titles()
    with top:
        st.html(TITLE)
        with st.container(key="says"):
            if chosen.run is None:
                st.html(SAYS)
            else:
                moments_view.show_timeline(*chosen.run)
        with st.popover(f"Model: {chosen.title}"):
            _choose(names, chosen.name)
            if chosen.run is not None:
                _download_moment(*chosen.run)
            st.file_uploader(
                "Weights of your own: a .safetensors file of this project",
                key="weights-upload",
                on_change=lambda: models.take_upload(st.session_state["weights-upload"]),
            )
            if problem := st.session_state.get("upload_problem"):
                st.error(problem)
            st.caption(
                "A model that you train under *Train your own* is here to be chosen, too, at any "
                "moment of its training. Runs and files are yours alone and end with your visit: a "
                "link always opens the shipped model."
            )


def _choose(names: dict[str, str], chosen: str) -> None:
    """All models that there are; each has a choice of its own, as a browser that has closed one
    would go on sending what was chosen there before."""
    state, key = st.session_state, f"model-while-{chosen}"
    st.radio(
        "All of the page is about",
        list(names),
        index=list(names).index(chosen),
        format_func=names.__getitem__,
        key=key,
        on_change=lambda: state.update({"model": state[key]}),
    )


def _download_moment(run: TrainingJob, step: int) -> None:
    """The weights of the moment that the page is about, which can be uploaded again."""
    st.download_button(
        f"Download it as it was after step {step:,}",
        lambda: run.moments.file(step).read_bytes(),
        f"{run.id}-step-{step}.safetensors",
        on_click="ignore",
        key="moment-download",
    )
