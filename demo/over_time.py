"""What is worked out for every moment of a run, a little at a time, and kept for its visitor."""

import time
from dataclasses import dataclass, field

import streamlit as st
import torch
from torch import Tensor

from demo.jobs import TrainingJob
from demo.models import shipped_model
from mnist_transformer import Reading, Transformer
from mnist_transformer.config import Config
from mnist_transformer.dataset import load_digits, make_lines
from mnist_transformer.explain.habits import NO_HABIT, Habit, head_habits
from mnist_transformer.explain.heads import Head
from mnist_transformer.explain.over_time import found_at, given_probabilities
from mnist_transformer.figures.live.curves import HeadOverTime
from mnist_transformer.training.moments import MomentError

AT_ONCE = 0.2  # seconds of work, so that the page stays quick for everyone
WATCHED = 7  # lines
SEED = 14


@dataclass
class Known:
    """What is known of one run.

    Attributes:
        drawing: what the visitor's drawing was told apart by.
        canvas: of it.
        digits: what the shipped model reads there.
        probabilities: step -> of each digit and of the end; None where the model cannot read it.
        habits: step -> of every head; None where too little was read.
    """

    drawing: object = None
    canvas: Tensor = field(default_factory=lambda: torch.zeros(0))
    digits: str = ""
    probabilities: dict[int, list[float] | None] = field(default_factory=dict)
    habits: dict[int, dict[Head, Habit] | None] = field(default_factory=dict)


def drawing(run: TrainingJob, reading: Reading) -> tuple[list[tuple[str, list]], bool]:
    """How likely every digit of the drawing was at each moment, those before it given.

    Returns:
        Every digit, as the shipped model reads them, with its probability at each moment, None
        where it is not known yet; and whether all is known.
    """
    known = _known(run)
    steps = run.moments.steps
    # The sheet says what is drawn; the reading is another for every moment.
    version = st.session_state.read.version, _row()
    if known.drawing != version:
        known.drawing, known.probabilities = version, {}
        known.canvas, known.digits = reading.canvas, _digits_of(reading)
    if not known.digits:
        return [], True
    until = time.monotonic() + AT_ONCE
    for step in steps:
        if step not in known.probabilities and time.monotonic() < until:
            model = _model(run, step)
            if model is not None:
                known.probabilities[step] = _of_each_digit(model, known)
    rows = [known.probabilities.get(step) for step in steps]
    lines = [
        (digit, [None if row is None else row[n] for row in rows])
        for n, digit in enumerate(known.digits)
    ]
    return lines, all(step in known.probabilities for step in steps)


def _of_each_digit(model: Transformer, known: Known) -> list[float] | None:
    """None if the model reads other canvases or shorter lines."""
    config = model.config
    fits = known.canvas.shape == (config.canvas_height, config.canvas_width)
    if not fits or len(known.digits) > config.max_digits:
        return None
    return given_probabilities(model, known.canvas, known.digits)


def _digits_of(reading: Reading) -> str:
    """What the shipped model reads; nothing if its canvas is another."""
    shipped = shipped_model()
    shape = shipped.config.canvas_height, shipped.config.canvas_width
    if not reading.steps or reading.canvas.shape != shape:
        return ""
    return shipped.read_canvases(reading.canvas[None])[0].digits


def habits(run: TrainingJob) -> tuple[list[HeadOverTime], bool]:
    """What every head does at each moment that is known so far; and whether all are."""
    known = _known(run)
    steps = run.moments.steps
    until = time.monotonic() + AT_ONCE
    # The newest first, as it says what is followed.
    for step in [steps[-1], *steps]:
        if step not in known.habits and time.monotonic() < until:
            known.habits[step] = _watch(run, step)
    at = [known.habits.get(step) for step in steps]
    last = known.habits.get(steps[-1])
    if last is None:
        return [], True
    return [_over_time(head, last[head], at) for head in last], all(
        s in known.habits for s in steps
    )


def share_of_habits(run: TrainingJob) -> float:
    """Of its moments, for how many it is known what heads do."""
    return min(1.0, len(_known(run).habits) / max(1, len(run.moments.steps)))


def _over_time(head: Head, last: Habit, at: list[dict[Head, Habit] | None]) -> HeadOverTime:
    place = last.name if last.name != NO_HABIT else max(last.shares, key=last.shares.__getitem__)
    return HeadOverTime(
        head.name,
        last.name,
        [None if habits is None else habits[head].shares[place] for habits in at],
        found_at([None if habits is None else habits[head].name for habits in at]),
    )


def _watch(run: TrainingJob, step: int) -> dict[Head, Habit] | None:
    model = _model(run, step)
    try:
        return None if model is None else head_habits(model, _lines(model.config))
    except ValueError:  # it reads fewer than two digits anywhere
        return None


def _model(run: TrainingJob, step: int) -> Transformer | None:
    """None if the moment has gone meanwhile."""
    try:
        model = run.moments.model(step, keep=False)
    except MomentError:
        return None
    return model if isinstance(model, Transformer) else None


def _known(run: TrainingJob) -> Known:
    kept = st.session_state.setdefault("over_time", {})
    for name in set(kept) - {other.id for other in st.session_state.runs}:
        del kept[name]
    return kept.setdefault(run.id, Known())


def _row() -> object:
    """Which row of the paper the page is about."""
    parts = sum(len(row.parts) for row in st.session_state.read.page.rows)
    return st.session_state.get(f"row-of-{parts}")


@st.cache_resource(show_spinner=False)
def _lines(config: Config) -> Tensor:
    """(lines, height, width): the same for all visitors, of digits that no run trains on."""
    digits = load_digits("validation", download=False)
    generator = torch.Generator().manual_seed(SEED)
    return make_lines(digits, WATCHED, config, generator=generator, lengths=(3, 5), augmentation=0)[
        0
    ]
