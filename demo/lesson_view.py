"""The course on the page: the lesson that the address names, and whether its task is done."""

from collections.abc import Sequence
from pathlib import Path

import streamlit as st

from demo import changes, redraw, screen
from demo.course import LESSONS, Seen
from mnist_transformer import Reading
from mnist_transformer.figures.live import read_source

FOLDER = Path(__file__).parent
START = """
export default ({ data, parentElement, setTriggerValue }) =>
  drawLesson(parentElement, data, (name, number) => setTriggerValue(name, number));
"""
_draw = st.components.v2.component(
    "lesson",
    css=(FOLDER / "lesson.css").read_text(encoding="utf-8"),
    js="\n".join(
        [
            read_source("follow.js"),
            *((FOLDER / name).read_text(encoding="utf-8") for name in ("pointer.js", "lesson.js")),
            START,
        ]
    ),
    isolate_styles=False,
)


def number() -> int:
    """The lesson that the address names, counted from 1; 0 if it names none."""
    asked = screen.counted(st.query_params.get("lesson", ""))
    return asked if asked <= len(LESSONS) else 0


def show(reading: Reading, changed: Reading, strokes: Sequence[dict]) -> None:
    """Draw the button of the course or, of a lesson, its card; and notice what is done.

    Args:
        reading: by the whole machine.
        changed: by the machine as the visitor has changed it.
        strokes: what the visitor drew.
    """
    state = st.session_state
    lesson = LESSONS[number() - 1] if number() else None
    if state.get("lesson") != number():  # another lesson begins
        if lesson and lesson.way:
            state.way = lesson.way
        state.lesson_done, state.read_before = False, []
        state.lesson = number()  # last: a run may end between any two of these
    seen = Seen(
        reading,
        changed,
        len(strokes),
        changes.chosen()["off"],
        any(run.history and not run.running for run in state.get("runs", [])),
        state.read_before,
    )
    if lesson and lesson.done and lesson.done(seen):
        state.lesson_done = True
    if reading.digits not in seen.read_before[-1:]:
        state.read_before = [*seen.read_before, reading.digits]
    data = {
        "number": number(),
        "titles": [each.title for each in LESSONS],
        "lesson": lesson and {n: v for n, v in vars(lesson).items() if n != "done"},
        "done": state.lesson_done,
        "steps": changed.steps,
        "screen": screen.chosen(),
    }
    _draw(data=data, key="lesson-card", on_go_change=_go, on_did_change=_did)


def _go() -> None:
    redraw.note(redraw.PAGE)
    asked = int(st.session_state["lesson-card"].go)
    if 0 < asked <= len(LESSONS):
        st.query_params["lesson"] = str(asked)
        if LESSONS[asked - 1].section != "Intervene":
            changes.reset()  # what another lesson had one switch off is no part of this one
    elif "lesson" in st.query_params:
        del st.query_params["lesson"]


def _did() -> None:
    redraw.note(redraw.PAGE)
    if st.session_state["lesson-card"].did == number():
        st.session_state.lesson_done = True
