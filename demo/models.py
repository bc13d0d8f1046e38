"""Which model the page is about: the shipped one, one of the visitor's own runs, or a file of his.

`st.session_state.model` is its name. Everything on the page is worked out with the model that
`chosen` gives; what is kept from one rerun to the next is kept together with the reading, or the
model, that it was made with.
"""

import tempfile
from dataclasses import dataclass
from pathlib import Path

import streamlit as st
from streamlit.runtime.uploaded_file_manager import UploadedFile

from mnist_transformer import CheckpointError, Transformer, load_model, load_transformer

SHIPPED, UPLOADED = "shipped", "uploaded"
LARGEST_WEIGHTS = 20_000_000  # bytes
LONGEST_NAME = 16  # characters of a file's that have room at the top
MOST_PATCHES = 1_000  # their attention grows with the square


@dataclass(frozen=True, eq=False)
class Chosen:
    """One of the models that the page can be about.

    Attributes:
        name: what it is chosen by.
        title: what people read.
        model: ready to read; two choices of the same name may be two models.
    """

    name: str
    title: str
    model: Transformer


@st.cache_resource(show_spinner="Loading the model…")
def shipped_model() -> Transformer:
    """One model for all visitors: reading changes nothing in it."""
    return load_transformer()


def titles() -> dict[str, str]:
    """Name -> title of every model that this visitor can choose."""
    state = st.session_state
    found = {SHIPPED: "shipped"}
    found |= {run.id: run.title for run in state.get("runs", []) if run.model is not None}
    return found | ({UPLOADED: state.upload_name} if "upload_model" in state else {})


def chosen() -> Chosen:
    """The model that the page is about; the shipped one if what was chosen is gone."""
    state = st.session_state
    names = titles()
    if state.get("model") not in names:
        state["model"] = SHIPPED
    name = state["model"]
    if name == SHIPPED:
        model = shipped_model()
    elif name == UPLOADED:
        model = state.upload_model
    else:
        model = next(run.model for run in state.runs if run.id == name)
    return Chosen(name, names[name], model)


def take_upload(file: UploadedFile | None) -> None:
    """Let the page be about the weights in a file; None takes them away.

    What is wrong with the file is kept in `st.session_state.upload_problem`.
    """
    state = st.session_state
    state.upload_problem = None
    state.pop("upload_model", None)
    if file is None:
        return
    try:
        state.upload_model = _load(file)
    except CheckpointError as error:
        state.upload_problem = str(error)
        return
    short = file.name.removesuffix(".safetensors")
    state.upload_name = short if len(short) <= LONGEST_NAME else f"{short[: LONGEST_NAME - 1]}…"
    state["model"] = UPLOADED


def _load(file: UploadedFile) -> Transformer:
    """Raises CheckpointError if the file holds no model that the page can be about."""
    if file.size > LARGEST_WEIGHTS:
        raise CheckpointError(f"{file.name} is larger than any model of this project.")
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "upload.safetensors"
        path.write_bytes(file.getvalue())
        try:
            model = load_model(path)
        except CheckpointError as error:
            raise CheckpointError(str(error).replace(str(path), file.name)) from error
    if not isinstance(model, Transformer):
        raise CheckpointError(
            f"{file.name} holds a classifier, which names one digit at a time; the page is about "
            "models that read lines. `load_classifier` reads with it in Python."
        )
    if model.config.text_rows > 1:
        raise CheckpointError(
            f"{file.name} reads digits that stand in a square; the page is about models that read "
            "lines. `load_transformer` reads with it in Python."
        )
    if model.config.num_patches > MOST_PATCHES:
        raise CheckpointError(
            f"{file.name} cuts a drawing into {model.config.num_patches:,} patches, more than the "
            f"page can show: at most {MOST_PATCHES:,}."
        )
    return model
