"""Train your own: a short run in the background, live curves, and the new model's reading."""

import plotly.graph_objects as go
import streamlit as st
from PIL import Image
from streamlit import runtime
from streamlit.runtime.scriptrunner import get_script_run_ctx

from demo.jobs import TrainingJob
from demo.read_view import reading_html
from mnist_transformer import InkError, Transformer, load_classifier
from mnist_transformer.figures import ACCENT


def show(drawing: Image.Image | None, shipped: Transformer) -> None:
    """Draw the section; `drawing` is what the new model is to read, beside the shipped one."""
    job: TrainingJob | None = st.session_state.get("job")
    running = job is not None and job.running
    with st.form("training", border=False):
        model, length, batch, rate, start = st.columns(
            [2, 2, 1.5, 1.5, 1], vertical_alignment="bottom"
        )
        kind = model.selectbox("Model", ["transformer", "classifier"], key="train-model")
        samples = length.select_slider(
            "Length of the run",
            [2_000, 10_000, 30_000, 60_000, 120_000],
            value=30_000,
            format_func=lambda n: f"{n:,} drawings",
            key="train-samples",
        )
        batch_size = batch.selectbox("Batch size", [16, 32, 64, 128], index=1, key="train-batch")
        lr = rate.select_slider(
            "Learning rate", [0.0003, 0.001, 0.002, 0.004, 0.01], value=0.002, key="train-lr"
        )
        pressed = start.form_submit_button(
            "Start", type="primary", width="stretch", disabled=running
        )
    if pressed and not running:
        st.session_state.job = TrainingJob(kind, samples, batch_size, lr, _abandoned())
        st.session_state.job.start()
        st.rerun()
    if job is not None:
        _show_job(job, drawing, shipped)
    else:
        st.caption(
            "A run of 30,000 drawings takes a minute or two. Lines grow from one digit to eight "
            "while it learns; the model above stays as it is."
        )


def _abandoned():
    """A question the training thread may ask: has this visitor closed the page?"""
    context = get_script_run_ctx()
    if context is None or not runtime.exists():
        return lambda: False
    return lambda: not runtime.get_instance().is_active_session(context.session_id)


def _show_job(job: TrainingJob, drawing: Image.Image | None, shipped: Transformer) -> None:
    if job.running:
        st.fragment(_show_live, run_every=1.0)(job)
    else:
        _show_state(job)
        _compare(job, drawing, shipped)


def _show_live(job: TrainingJob) -> None:
    _show_state(job)
    if not job.running:
        st.rerun()  # the whole page: the form opens again, the comparison appears


def _show_state(job: TrainingJob) -> None:
    """Progress bar, stop button and curves; the same places whether running or not."""
    last = job.history[-1] if job.history else None
    bar, button = st.columns([6, 1], vertical_alignment="center")
    if job.error:
        bar.error(job.error)
    else:
        bar.progress(last.step / last.steps if last else 0.0, _status(job))
    button.button(
        "Stop",
        key="train-stop",
        width="stretch",
        disabled=not job.running or job.stopping,
        on_click=job.stop,
    )
    loss, accuracy = st.columns(2)
    loss.plotly_chart(_curve(job, "loss"), key="loss-figure", config={"displayModeBar": False})
    accuracy.plotly_chart(
        _curve(job, "accuracy"), key="accuracy-figure", config={"displayModeBar": False}
    )


def _status(job: TrainingJob) -> str:
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


def _curve(job: TrainingJob, name: str) -> go.Figure:
    history = list(job.history)
    figure = go.Figure(
        go.Scatter(
            x=[p.step for p in history],
            y=[getattr(p, name) for p in history],
            mode="lines",
            name="while training",
            line={"color": ACCENT},
        )
    )
    steps = history[-1].steps if history else 1
    if name == "accuracy":
        validated = [p for p in history if p.validation is not None]
        meaning = "whole lines of 1-8 digits" if job.kind == "transformer" else "new digits"
        figure.add_scatter(
            x=[p.step for p in validated],
            y=[p.validation for p in validated],
            mode="lines+markers",
            name=meaning,
            line={"color": "#1971c2"},
        )
        figure.update_yaxes(range=[0, 1.02], tickformat=".0%")
    figure.update_xaxes(range=[0, steps], title="step")
    figure.update_yaxes(title=name)
    figure.update_layout(
        height=260,
        margin={"l": 10, "r": 10, "t": 26, "b": 10},
        showlegend=name == "accuracy",
        legend={"orientation": "h", "y": 1.15},
        uirevision="keep",
    )
    return figure


def _compare(job: TrainingJob, drawing: Image.Image | None, shipped: Transformer) -> None:
    """The drawing above, read by the new model beside the shipped one."""
    if job.result is None:
        return
    if drawing is None:
        st.info("Draw something above to have the new model read it, too.")
        return
    ours, theirs = st.columns(2)
    try:
        if job.kind == "transformer":
            ours.markdown("**Your model reads**")
            ours.html(reading_html(job.result.model.read(drawing)))
            theirs.markdown("**The shipped model reads**")
            theirs.html(reading_html(shipped.read(drawing)))
        else:
            ours.markdown("**Your classifier says**")
            _bars(ours, job.result.model.read(drawing).probabilities, "ours-bars")
            theirs.markdown("**The shipped classifier says**")
            _bars(theirs, _shipped_classifier().read(drawing).probabilities, "shipped-bars")
            st.caption("The classifier takes the whole drawing for one digit.")
    except InkError as error:
        st.warning(str(error))


def _bars(column, probabilities: list[float], key: str) -> None:
    best = max(probabilities)
    figure = go.Figure(
        go.Bar(
            x=list("0123456789"),
            y=probabilities,
            marker_color=[ACCENT if p == best else "#adb5bd" for p in probabilities],
        )
    )
    figure.update_yaxes(range=[0, 1], tickformat=".0%")
    figure.update_xaxes(type="category", tickangle=0)
    figure.update_layout(height=200, margin={"l": 10, "r": 10, "t": 10, "b": 10})
    column.plotly_chart(figure, key=key, config={"displayModeBar": False})


@st.cache_resource(show_spinner=False)
def _shipped_classifier():
    return load_classifier()
