"""Train your own: short runs in the background, live curves, and the new model's reading."""

import tempfile
from pathlib import Path

import streamlit as st
from PIL import Image
from streamlit import runtime
from streamlit.runtime.scriptrunner import get_script_run_ctx

from demo.jobs import TrainingJob
from demo.look_view import plot
from demo.read_view import reading_html
from mnist_transformer import (
    CheckpointError,
    Classifier,
    InkError,
    Transformer,
    load_classifier,
    load_model,
)
from mnist_transformer.figures import class_figure, curve_figure, reading_order_figure

RUNS_KEPT = 5  # of each visitor, to compare
LARGEST_WEIGHTS = 20_000_000  # bytes


def show(drawing: Image.Image | None, shipped: Transformer) -> None:
    """Draw the section; `drawing` is what the new model is to read, beside the shipped one."""
    state = st.session_state
    runs: list[TrainingJob] = state.setdefault("runs", [])  # the visitor's own, newest last
    job = runs[-1] if runs else None
    running = job is not None and job.running
    asked = _form(disabled=running)
    if asked and not running:
        del runs[: 1 - RUNS_KEPT]
        runs.append(TrainingJob(*asked, _abandoned()))
        runs[-1].start()
        st.rerun()
    if job is None:
        st.caption(
            "A run of 30,000 drawings takes a minute or two. Lines grow from one digit to eight "
            "while it learns; the model above stays as it is."
        )
    else:
        st.fragment(_show_run, run_every=1.0 if running else None)(runs, running)
        if not running and job.result is not None:
            _compare("Your model", job.result.model, drawing, shipped)
    _upload(drawing, shipped)


def _form(disabled: bool) -> tuple[str, int, int, float] | None:
    """What to train and how; None until Start is pressed."""
    with st.form("training", border=False):
        model, length, batch, rate, start = st.columns(
            [2, 2, 1.5, 1.5, 1], vertical_alignment="bottom"
        )
        kind = model.selectbox(
            "Model",
            ["transformer", "classifier"],
            key="train-model",
            persist_state="page",
            help="The transformer reads lines; the classifier, its encoder alone, one digit.",
        )
        samples = length.select_slider(
            "Length of the run",
            [2_000, 10_000, 30_000, 60_000, 120_000],
            value=30_000,
            format_func=lambda n: f"{n:,} drawings",
            key="train-samples",
            persist_state="page",
            help="Every drawing is new: longer runs see more hands, not the same ones again.",
        )
        batch_size = batch.selectbox(
            "Batch size",
            [16, 32, 64, 128],
            index=1,
            key="train-batch",
            persist_state="page",
            help="Drawings a step. Small: many noisy steps. Large: few steady ones.",
        )
        lr = rate.select_slider(
            "Learning rate",
            [0.0003, 0.001, 0.002, 0.004, 0.01],
            value=0.002,
            key="train-lr",
            persist_state="page",
            help="How far a step goes. Too low learns slowly, too high not at all. It rises at "
            "first, then falls to 0 along a cosine.",
        )
        pressed = start.form_submit_button(
            "Start", type="primary", width="stretch", disabled=disabled
        )
    return (kind, samples, batch_size, lr) if pressed else None


def _abandoned():
    """A question the training thread may ask: has this visitor closed the page?"""
    context = get_script_run_ctx()
    if context is None or not runtime.exists():
        return lambda: False
    return lambda: not runtime.get_instance().is_active_session(context.session_id)


def _show_run(runs: list[TrainingJob], was_running: bool) -> None:
    """Progress, buttons and curves of the newest run."""
    job = runs[-1]
    if job.running != was_running:
        st.rerun()  # the whole page: the form opens or closes, the comparison comes or goes
    last = job.history[-1] if job.history else None
    bar, save, button = st.columns([5, 1, 1], vertical_alignment="center")
    if job.error:
        bar.error(job.error)
    else:
        bar.progress(last.step / last.steps if last else 0.0, _status(job))
    if job.weights.exists():
        save.download_button(
            "Download",
            job.weights.read_bytes,
            job.weights.name,
            on_click="ignore",
            width="stretch",
            disabled=job.running,
            key="train-download",
        )
    if job.can_resume:
        button.button("Resume", key="train-resume", width="stretch", on_click=job.start)
    else:
        button.button(
            "Stop",
            key="train-stop",
            width="stretch",
            disabled=not job.running or job.stopping,
            on_click=job.stop,
        )
    # Numbered, as two runs may have the same settings.
    names = [f"{n}: {run.name}" for n, run in enumerate(runs, 1)]
    histories = {
        name: list(run.history)
        for name, run in zip(names, runs, strict=True)
        if run.kind == job.kind
    }
    for column, name in zip(st.columns(3), ("loss", "accuracy", "lr"), strict=True):
        with column:
            plot(curve_figure(histories, names[-1], name), f"{name}-figure")
    if job.glimpse is not None and job.glimpse.steps:
        st.markdown(f"**One fixed line, 314159, as it reads it now: {job.glimpse.digits}**")
        st.caption("Where it looks at each step. Reading from left to right is a falling diagonal.")
        plot(reading_order_figure(job.glimpse), "order-figure")


def _status(job: TrainingJob) -> str:
    if job.place_in_line:
        return f"In line: {job.place_in_line} to go before your turn"
    if not job.history:
        return "Starting…"
    last = job.history[-1]
    state = "Training" if job.running else "Finished" if last.step == last.steps else "Stopped"
    if job.stopping:
        state = "Stopping"
    return (
        f"{state}: step {last.step:,} of {last.steps:,} · loss {last.loss:.2f} · "
        f"accuracy {last.accuracy:.0%} · {last.seconds:.0f} s"
    )


def _compare(
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
            ours.html(reading_html(model.read(drawing)))
            theirs.markdown("**The shipped model reads**")
            theirs.html(reading_html(shipped.read(drawing)))
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


def _upload(drawing: Image.Image | None, shipped: Transformer) -> None:
    """Weights that were downloaded here, or trained in the shell, read the drawing again."""
    with st.expander("Read with weights of your own"):
        file = st.file_uploader("A .safetensors file of this project", key="weights-upload")
        if file is None:
            return
        if file.size > LARGEST_WEIGHTS:
            st.error(f"{file.name} is larger than any model of this project.")
            return
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder) / "upload.safetensors"
            path.write_bytes(file.getvalue())
            try:
                model = load_model(path)
            except CheckpointError as error:
                st.error(str(error).replace(str(path), file.name))
                return
        _compare("Your file", model, drawing, shipped)


@st.cache_resource(show_spinner=False)
def _shipped_classifier() -> Classifier:
    return load_classifier()
