"""Train your own: short runs in the background, live curves, and the new model's reading."""

import streamlit as st
from PIL import Image
from streamlit import runtime
from streamlit.runtime.scriptrunner import get_script_run_ctx

from demo import compare_view
from demo.controls import plot
from demo.jobs import SHORT, TrainingJob
from demo.models import shipped_model
from mnist_transformer.figures import curve_figure, reading_order_figure
from mnist_transformer.train import Progress

PACE_OVER = 10  # reports: a pace of late, as others come and go on the same cores
MOST_DIGITS = SHORT["transformer"].config.max_digits
RUNS_KEPT = 5  # of each visitor, to compare


def show(drawing: Image.Image | None) -> None:
    """Draw the section; `drawing` is what the new model is to read, beside the shipped one."""
    state = st.session_state
    runs: list[TrainingJob] = state.setdefault("runs", [])  # the visitor's own, newest last
    job = runs[-1] if runs else None
    running = job is not None and job.running
    asked = _form(disabled=running)
    if asked and not running:
        del runs[: 1 - RUNS_KEPT]
        state.runs_begun = state.get("runs_begun", 0) + 1
        runs.append(TrainingJob(state.runs_begun, *asked, _abandoned()))
        runs[-1].start()
        st.rerun()
    if job is None:
        st.caption(
            "A run of 30,000 drawings takes minutes, how many depends on who else is here; once it "
            "runs, it says. Lines grow from one digit to "
            f"{MOST_DIGITS} while it learns. Then you may look into it as into the shipped one."
        )
    else:
        st.fragment(_show_run, run_every=1.0 if running else None)(runs, running)
        if not running and job.result is not None:
            compare_view.show("Your model", job.result.model, drawing, shipped_model())


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
    _show_curves(runs)
    if job.glimpse is not None and job.glimpse.steps:
        st.markdown(f"**One fixed line, 314159, as it reads it now: {job.glimpse.digits}**")
        st.caption("Where it looks at each step. Reading from left to right is a falling diagonal.")
        plot(reading_order_figure(job.glimpse), "order-figure")


def _show_curves(runs: list[TrainingJob]) -> None:
    """Loss, accuracy and learning rate of the newest run, beside the others of its kind."""
    # Numbered, as two runs may have the same settings.
    histories = {
        f"{n}: {run.name}": list(run.history)
        for n, run in enumerate(runs, 1)
        if run.kind == runs[-1].kind
    }
    newest = list(histories)[-1]
    steps = max((history[-1].steps for history in histories.values() if history), default=1)

    def points(name: str) -> dict[str, list[tuple[int, float]]]:
        """Of every run, the number of that name at each step that has one."""
        return {
            run: [(p.step, getattr(p, name)) for p in history if getattr(p, name) is not None]
            for run, history in histories.items()
        }

    tokens, lines = "tokens right", "lines right"
    if runs[-1].kind == "classifier":  # one digit a drawing
        tokens = lines = "digits right"
    left, right = st.columns(2)
    with left:
        plot(curve_figure(points("loss"), newest, "loss", steps), "loss-figure")
        figure = curve_figure(
            points("validation_accuracy"), newest, f"new {lines}", steps, marks=True, shares=True
        )
        plot(figure, "validation-figure")
    with right:
        figure = curve_figure(points("accuracy"), newest, tokens, steps, shares=True)
        plot(figure, "accuracy-figure")
        plot(curve_figure(points("lr"), newest, "learning rate", steps), "lr-figure")
    st.caption(
        f"Loss: how surprised it was by what it should have read. {tokens.capitalize()}: of what "
        f"it trains on, one by one. New {lines}: of drawings that it never trained on, read "
        "without a fault. Grey: your earlier runs."
    )


def _status(job: TrainingJob) -> str:
    if job.place_in_line:
        before = job.place_in_line
        return f"Queued: {before} run{'s' if before > 1 else ''} ahead"
    if not job.history:
        return "Starting…"
    last = job.history[-1]
    state = "Training" if job.running else "Finished" if last.step == last.steps else "Stopped"
    if job.stopping:
        state = "Stopping"
    said = (
        f"{state}: step {last.step:,} of {last.steps:,} · loss {last.loss:.2f} · "
        f"accuracy {last.accuracy:.0%} · {last.seconds:.0f} s"
    )
    return f"{said} · {time_left(job.history)}" if state == "Training" else said


def time_left(history: list[Progress]) -> str:
    """How much longer a run takes, from the pace of its last reports."""
    last, earlier = history[-1], history[-min(len(history), PACE_OVER)]
    if last.step == earlier.step:
        return "measuring its pace"
    pace = (last.seconds - earlier.seconds) / (last.step - earlier.step)
    seconds = pace * (last.steps - last.step)
    if seconds < 55:
        return f"about {max(5, 5 * round(seconds / 5))} s left"
    minutes = round(seconds / 60)
    return f"about {minutes} minute{'s' if minutes > 1 else ''} left"
