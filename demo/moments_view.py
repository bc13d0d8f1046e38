"""A run's moments: the slider at the top of the page, and the curves of all runs."""

from collections.abc import Iterator
from itertools import count

import streamlit as st

from demo import live, models, over_time, redraw
from demo.jobs import TrainingJob
from mnist_transformer import Reading
from mnist_transformer.figures.live.curves import (
    Chart,
    HeadOverTime,
    Run,
    curves_data,
    timeline_data,
)

CHARTS = {
    "transformer": [
        Chart("decoder_loss", "decoder's loss, nats a token"),
        Chart("tokens_right", "tokens right, those before given", share=True),
        Chart("lines_right", "lines right", share=True),
        Chart("ctc_loss", "encoder's own loss (CTC), nats"),
        Chart("lr", "learning rate"),
    ],
    "classifier": [
        Chart("decoder_loss", "loss, nats a digit"),
        Chart("tokens_right", "digits right", share=True),
        Chart("lr", "learning rate"),
    ],
}
SAYS = """
**Choose a moment** on the lanes or curves, or at the top of the page: all of the page then shows
the model as it was then, on your drawing. Measured on 64 lines that no run trains on; across, the
drawings learned from.
"""


def show_timeline(run: TrainingJob, step: int) -> None:
    """The slider of the run that the page is about; it follows while the run goes on."""
    if run.running:
        st.fragment(_follow, run_every=1.0)(run, step, count())
    else:
        _draw_timeline(run, step)


def _follow(run: TrainingJob, step: int, times: Iterator[int]) -> None:
    redraw.only()
    if next(times):  # at first all of the page is drawn, and moments may come faster than it is
        if models.step_shown(run) != step:
            st.rerun()  # the page is about another moment now
        if not run.running:
            st.rerun()
    _draw_timeline(run, step)


def _draw_timeline(run: TrainingJob, step: int) -> None:
    moments = run.moments.numbers
    live.timeline(
        data=timeline_data(
            run.id,
            [moment.step for moment in moments],
            [moment.lines_right for moment in moments],
            step,
            [f"{moment.drawings:,} drawings: {moment.lines_right:.0%} right" for moment in moments],
        ),
        key="timeline",
        on_moved_change=lambda: _take_move("timeline"),
    )


def _take_move(key: str) -> None:
    moved = st.session_state[key].moved
    if any(run.id == moved["run"] and models.can_be_shown(run) for run in models.runs()):
        models.show_moment(moved["run"], int(moved["step"]))
        redraw.note(redraw.PAGE)


def show_curves(reading: Reading) -> bool:
    """The tree of runs and their curves, in a fragment; whether all of it is worked out.

    Args:
        reading: of the drawing on the page.
    """
    kind = models.runs()[-1].kind
    runs = [run for run in models.runs() if run.kind == kind and run.moments.steps]
    if not runs:
        return True
    chosen = models.chosen().run
    follows = chosen is not None and chosen[0] in runs
    run, step = chosen if chosen and follows else (runs[-1], runs[-1].moments.steps[-1])
    numbers = [moment for each in runs for moment in each.moments.numbers]
    # What no run has, as CTC's loss where one was only taught, has no chart.
    charts = [
        chart
        for chart in CHARTS[kind]
        if any(getattr(moment, chart.name) is not None for moment in numbers)
    ]
    habits: list[HeadOverTime] = []
    complete = True
    if kind == "transformer":
        lines, complete = over_time.drawing(run, reading)
        if lines:
            charts.append(Chart("own", "your drawing: each digit", share=True, lines=lines))
        if st.session_state.get("habits"):
            habits, known = over_time.habits(run)
            complete = complete and known
    live.curves(
        data=curves_data([_plain(each) for each in runs], charts, (run.id, step), follows, habits),
        key="curves",
        on_moved_change=lambda: _take_move("curves"),
    )
    st.caption(SAYS)
    if kind == "transformer":
        st.toggle(
            "What every head does, at every moment (takes a while)",
            key="habits",
            persist_state="page",
            on_change=lambda: redraw.note(redraw.PAGE),
        )
        if habits and not complete:
            st.progress(over_time.share_of_habits(run), "Watching every head on seven lines…")
    return complete


def _plain(run: TrainingJob) -> Run:
    """The run as it is drawn."""
    moments = run.moments.numbers
    names = [chart.name for chart in CHARTS[run.kind]]
    return Run(
        run.id,
        run.name,
        [moment.step for moment in moments],
        run.drawings(moments),
        {name: [getattr(moment, name) for moment in moments] for name in names},
        run.parent and (run.parent[0], run.parent[1].drawings),
        run.number - 1,
    )
