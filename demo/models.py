"""Which model the page is about: the shipped one, a moment of one of the visitor's own runs, or a
file of his.

`st.session_state.model` is its name, `st.session_state.steps_shown` which moment of each run.
Everything on the page is worked out with the model that `chosen` gives; what is kept from one rerun
to the next is kept together with the reading, or the model, that it was made with.
"""

import tempfile
from dataclasses import dataclass
from pathlib import Path

import streamlit as st
from streamlit.runtime.uploaded_file_manager import UploadedFile

from demo import messages
from demo.jobs import TrainingJob
from mnist_transformer import CheckpointError, Transformer, load_model, load_transformer
from mnist_transformer.training.moments import MomentError

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
        run: whose moment it is, and after which step; None if it is no run's.
    """

    name: str
    title: str
    model: Transformer
    run: tuple[TrainingJob, int] | None = None


@st.cache_resource(show_spinner="Loading the model…")
def shipped_model() -> Transformer:
    """One model for all visitors: reading changes nothing in it."""
    return load_transformer()


def runs() -> list[TrainingJob]:
    """The visitor's own, oldest first."""
    return st.session_state.setdefault("runs", [])


def next_number() -> int:
    """Of the visitor's next run, counted from 1."""
    state = st.session_state
    state.runs_begun = state.get("runs_begun", 0) + 1
    return state.runs_begun


def titles() -> dict[str, str]:
    """Name -> title of every model that this visitor can choose."""
    state = st.session_state
    found = {SHIPPED: "shipped"}
    found |= {run.id: run.title for run in runs() if can_be_shown(run)}
    return found | ({UPLOADED: state.upload_name} if "upload_model" in state else {})


def can_be_shown(run: TrainingJob) -> bool:
    """Whether the page can be about it: it reads lines, and has begun."""
    return run.kind == "transformer" and bool(run.moments.steps)


def chosen() -> Chosen:
    """The model that the page is about; the shipped one if what was chosen is gone."""
    state = st.session_state
    names = titles()
    if state.get("model") not in names:
        state["model"] = SHIPPED
    name = state["model"]
    if name == UPLOADED:
        return Chosen(name, names[name], state.upload_model)
    for run in runs():
        if run.id == name:
            try:
                step = step_shown(run)
                model = run.moments.model(step)
            except MomentError as error:  # thrown away or damaged since
                messages.add(f"{error}.")
                break
            assert isinstance(model, Transformer)
            return Chosen(name, run.title, model, (run, step))
    return Chosen(SHIPPED, names[SHIPPED], shipped_model())


def step_shown(run: TrainingJob) -> int:
    """After which of a run's steps the page shows it: the newest until another is chosen.

    Raises:
        MomentError: if it has no moments any more.
    """
    wanted = st.session_state.get("steps_shown", {}).get(run.id)
    return run.moments.nearest(run.moments.steps[-1] if wanted is None else wanted)


def show_moment(run: str, step: int | None = None) -> None:
    """Let the page be about a moment of a run, by the run's id; None is always its newest."""
    state = st.session_state
    kept = {name: at for name, at in state.get("steps_shown", {}).items() if name != run}
    newest = next((job.moments.steps[-1:] for job in runs() if job.id == run), [])
    state.steps_shown = kept if step is None or [step] == newest else kept | {run: step}
    state["model"] = run  # last: whatever ends this in the midst leaves the page as it was


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
        model = _load(file)
    except CheckpointError as error:
        state.upload_problem = str(error)
        return
    short = file.name.removesuffix(".safetensors")
    state.upload_name = short if len(short) <= LONGEST_NAME else f"{short[: LONGEST_NAME - 1]}…"
    state.upload_model = model  # after its name, as a run may end between the two
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
