"""Train your own: runs in the background, their curves and forks, and digits of one's own hand."""

import streamlit as st
from PIL import Image
from streamlit import runtime
from streamlit.runtime.scriptrunner import get_script_run_ctx

from demo import compare_view, fork_view, models, moments_view, redraw, teach_view
from demo.jobs import SHORT, TrainingJob, new_run, seconds_left
from mnist_transformer import Reading
from mnist_transformer.train import Progress

DRAWINGS = SHORT["transformer"].epochs * (SHORT["transformer"].samples_per_epoch or 0)
RUNS_KEPT = 5  # of each visitor, to compare
NEW, FORK, TEACH = "A run from nothing", "Fork a run", "Teach it your hand"


def show(reading: Reading, drawing: Image.Image | None) -> None:
    """Draw the section.

    Args:
        reading: that the page shows.
        drawing: all that lies on the sheet, which every model that is trained reads, too.
    """
    runs = models.runs()
    running = any(run.running for run in runs)
    way = st.segmented_control(
        "What to train",
        [NEW, FORK, TEACH],
        default=NEW,
        required=True,
        key="train-way",
        persist_state="page",
        label_visibility="collapsed",
    )
    if way == NEW:
        job = _form(disabled=running)
    elif way == FORK:
        job = fork_view.show(abandoned(), disabled=running)
    else:
        job = teach_view.show(reading, abandoned(), disabled=running)
    if job is not None and not running:
        begin(job)
    if not runs:
        if way == NEW:
            most = SHORT["transformer"].config.max_digits
            st.caption(
                f"A run of {DRAWINGS:,} drawings takes a minute or two, or more where others "
                f"train, too; once it runs, it says. Lines grow from one digit to {most} while it "
                "learns. You may look into it from its first moment on, as into the shipped one."
            )
        return
    every = _every()
    st.fragment(_watch, run_every=every)(reading, drawing, every)


def _every() -> float | None:
    """After how many seconds the runs are drawn anew; None if nothing changes by itself."""
    running = next((run for run in models.runs() if run.running), None)
    if running is not None:
        return 3.0 if running.place_in_line else 1.0
    return None if st.session_state.get("all-known", True) else 0.5


def begin(job: TrainingJob) -> None:
    """Start a run of this visitor's; the oldest of his gives way to it."""
    runs = models.runs()
    for old in runs[: max(0, len(runs) + 1 - RUNS_KEPT)]:
        old.throw_away()
        runs.remove(old)
    runs.append(job)
    job.start()
    st.rerun()


def abandoned():
    """A question the training thread may ask: has this visitor closed the page?"""
    context = get_script_run_ctx()
    if context is None or not runtime.exists():
        return lambda: False
    return lambda: not runtime.get_instance().is_active_session(context.session_id)


def _form(disabled: bool) -> TrainingJob | None:
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
            sorted({2_000, 10_000, DRAWINGS, 120_000}),
            value=DRAWINGS,
            format_func=lambda n: f"{n:,} drawings",
            key="train-samples",
            persist_state="page",
            help="Every drawing is new: longer runs see more hands, not the same ones again.",
        )
        batch_size = batch.selectbox(
            "Batch size",
            fork_view.BATCHES,
            index=fork_view.BATCHES.index(SHORT["transformer"].batch_size),
            key="train-batch",
            persist_state="page",
            help="Drawings a step. Small: many noisy steps. Large: few steady ones.",
        )
        lr = rate.select_slider(
            "Learning rate",
            fork_view.RATES,
            value=SHORT["transformer"].lr,
            key="train-lr",
            persist_state="page",
            help="How far a step goes. Too low learns slowly, too high not at all. It rises at "
            "first, then falls to 0 along a cosine.",
        )
        pressed = start.form_submit_button(
            "Start", type="primary", width="stretch", disabled=disabled
        )
    if not pressed:
        return None
    said = f"{kind}, {samples:,} drawings, batch {batch_size}, rate {lr:g}"
    work = new_run(kind, samples, batch_size, lr)
    return TrainingJob(models.next_number(), said, kind, work, abandoned())


def _watch(reading: Reading, drawing: Image.Image | None, every: float | None) -> None:
    """Progress, buttons and curves of the visitor's runs, drawn anew `every` so many seconds."""
    redraw.only()
    state, runs = st.session_state, models.runs()
    if _every() != every:
        st.rerun()  # the form opens or closes
    job = next((run for run in runs if run.running), runs[-1])
    _show_progress(job)
    if job.scores is not None:
        teach_view.show_lesson(*job.scores, finished=bool(job.finished))
    state["all-known"] = moments_view.show_curves(reading)
    if _every() != every:
        st.rerun()  # there is something to work out, or nothing any more
    compare_view.show(runs, drawing, job.running)


def _show_progress(job: TrainingJob) -> None:
    last = job.history[-1] if job.history else None
    bar, rest = st.columns([4, 4.2], vertical_alignment="center")
    buttons = rest.container(horizontal=True)  # which wrap where there is no room, on a phone
    if job.error:
        bar.error(job.error)
    else:
        bar.progress(last.step / last.steps if last else 0.0, status(job))
    if job.moments.problem:
        st.warning(job.moments.problem)
    if models.can_be_shown(job):
        is_shown = st.session_state.get("model") == job.id
        buttons.button(
            "Shown" if is_shown else "Look into it",
            key="train-look",
            disabled=is_shown,
            on_click=_look,
            args=(job.id,),
            help="All of the page, from the sheet to the receipt, is about this run then.",
        )
    buttons.download_button(
        "Download",
        job.weights.read_bytes,
        job.weights.name,
        on_click="ignore",
        disabled=job.running or not job.weights.exists(),
        key="train-download",
    )
    if job.can_resume:
        buttons.button("Resume", key="train-resume", on_click=job.start)
    else:
        buttons.button(
            "Stop",
            key="train-stop",
            disabled=not job.running or job.stopping,
            on_click=job.stop,
        )
    buttons.button(
        "Throw away",
        key="train-away",
        disabled=job.running,
        on_click=_throw_away,
        args=(job,),
    )


def _look(run: str) -> None:
    models.show_moment(run)
    redraw.note(redraw.PAGE)


def _throw_away(job: TrainingJob) -> None:
    job.throw_away()
    models.runs().remove(job)
    redraw.note(redraw.PAGE)


def status(job: TrainingJob) -> str:
    """How far a run is, how fast, and how long it takes yet."""
    if before := job.place_in_line:
        turn = job.seconds_until_turn
        soon = "" if turn is None else f", your turn in {in_words(turn)}"
        return f"Queued: {before} run{'s' if before > 1 else ''} ahead{soon}"
    if not job.history:
        return "Starting…" if job.running else "Stopped before its turn came"
    last = job.history[-1]
    state = "Training" if job.running else "Finished" if last.step == last.steps else "Stopped"
    if job.stopping:
        state = "Stopping"
    step = f"step {last.step:,} of {last.steps:,} · {last.seconds:.0f} s"
    said = f"{job.title.capitalize()} · {state}: {step}"
    if state != "Training":
        return said
    pace = job.drawings_a_second
    pace_said = "" if pace is None else f" · {pace:.0f} drawings a second"
    return f"{said}{pace_said} · {time_left(job.history)}"


def time_left(history: list[Progress]) -> str:
    """How much longer a run takes, from the pace of its last reports."""
    seconds = seconds_left(history)
    return "measuring its pace" if seconds is None else f"{in_words(seconds)} left"


def in_words(seconds: float) -> str:
    """A time that is not known to the second."""
    if seconds < 55:
        return f"about {max(5, 5 * round(seconds / 5))} s"
    minutes = round(seconds / 60)
    return f"about {minutes} minute{'s' if minutes > 1 else ''}"
