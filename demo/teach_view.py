"""Teach it your hand: digits from the sheet, corrected and kept, and a model that learns them."""

from collections import Counter
from collections.abc import Callable, Sequence

import numpy as np
import streamlit as st

from demo import models
from demo.jobs import TrainingJob, new_lesson
from mnist_transformer import Reading
from mnist_transformer.explain.cut import cut_digits
from mnist_transformer.hands.own import (
    MOST_DIGITS,
    OwnDigit,
    OwnDigitsError,
    digits_from_json,
    digits_to_json,
    own_digit,
)
from mnist_transformer.training.teach import Lesson

LEAVE = "not this one"
SHOWN = 40  # of the digits that were kept
SAYS = """
Write digits as you write them, a crossed 7 or a 4 in one stroke, and correct what was read wrong.
Ten of each form are enough. The model that the page is about then learns them beside the digits
that it knew; it stays as it was, and what learns is a copy. Your digits stay in this visit and end
with it: download them to have them again.
"""


def show(reading: Reading, abandoned: Callable[[], bool], disabled: bool) -> TrainingJob | None:
    """Draw the section; gives the run that is asked for, not begun yet."""
    state = st.session_state
    kept: list[OwnDigit] = state.setdefault("own_digits", [])
    st.caption(SAYS)
    _show_sheet(reading, kept)
    _show_kept(kept)
    chosen = models.chosen()
    title = "the shipped model" if chosen.name == models.SHIPPED else chosen.title
    pressed = st.button(
        f"Teach {title} these {len(kept)} digits",
        type="primary",
        disabled=disabled or not kept,
        key="teach",
    )
    if not pressed:
        return None
    work = new_lesson(chosen.model, tuple(kept), chosen.run)
    forms = ", ".join(f"{count} × {label}" for label, count in _counts(kept))
    said = f"{title} taught {forms}"
    parent = chosen.run
    number = models.next_number()
    return TrainingJob(number, said, "transformer", work, abandoned, parent)


def _show_sheet(reading: Reading, kept: list[OwnDigit]) -> None:
    """The digits on the sheet, cut by the model's own reading, each with a label to correct."""
    state = st.session_state
    if not reading.digits:
        st.info("Write digits on the sheet above, and they stand here to be named and kept.")
        return
    cut = cut_digits(reading)
    drawn = hash((state.in_sight[0], reading.digits))
    labels: list[str] = []
    for column, (n, picture) in zip(st.columns(max(6, len(cut))), enumerate(cut), strict=False):
        with column:
            st.image(_framed(picture), width=64)
            read = reading.digits[n]
            labels.append(
                st.selectbox(
                    f"Digit {n + 1} is a",
                    [*"0123456789", LEAVE],
                    index=int(read),
                    key=f"own-{drawn}-{n}",
                )
            )
    added = st.button(f"Keep these {len(cut)} digits", key="keep-digits")
    if not added:
        return
    try:
        new = [
            own_digit(int(label), picture)
            for label, picture in zip(labels, cut, strict=True)
            if label != LEAVE
        ]
    except OwnDigitsError as error:
        st.error(f"Not kept: {error}.")
        return
    _keep(new, kept)


def _keep(new: Sequence[OwnDigit], kept: list[OwnDigit]) -> None:
    if len(kept) + len(new) > MOST_DIGITS:
        st.error(f"At most {MOST_DIGITS:,} digits are kept: forget some first.")
        return
    kept.extend(new)


def _show_kept(kept: list[OwnDigit]) -> None:
    """What was kept so far, as files and to be forgotten."""
    state = st.session_state
    said = ", ".join(f"{count} × {label}" for label, count in _counts(kept)) or "none yet"
    st.markdown(f"**Your digits: {said}**")
    if kept:
        newest = kept[-SHOWN:]
        strip = np.concatenate([255 - digit.image for digit in newest], axis=1)
        st.image(strip, width=min(1100, 36 * len(newest)))
    save, take, forget = st.columns([1, 2, 1], vertical_alignment="bottom")
    save.download_button(
        "Download them",
        lambda: digits_to_json(kept),
        "my-digits.json",
        on_click="ignore",
        disabled=not kept,
        width="stretch",
        key="own-download",
    )
    take.file_uploader(
        "Digits that you downloaded before", type=["json"], key="own-upload", on_change=_take
    )
    forget.button("Forget them", on_click=kept.clear, disabled=not kept, width="stretch")
    if problem := state.get("own_problem"):
        st.error(problem)


def _take() -> None:
    state = st.session_state
    state.own_problem = None
    file = state["own-upload"]
    if file is None:
        return
    try:
        new = digits_from_json(file.getvalue())
    except OwnDigitsError as error:
        state.own_problem = f"{file.name} was not taken: {error}."
        return
    kept = state.own_digits
    if len(kept) + len(new) > MOST_DIGITS:
        state.own_problem = f"At most {MOST_DIGITS:,} digits are kept: forget some first."
        return
    kept.extend(new)


def show_lesson(lesson: Lesson) -> None:
    """What a model learned, and what it forgot over it."""
    before, after = lesson.before, lesson.after
    st.markdown(
        f"**Of your digits it reads {after.own:.0%}, {before.own:.0%} before; of 500 lines that it "
        f"never saw, {after.lines:.1%}, {before.lines:.1%} before.** Digit by digit on these lines:"
    )
    rows = {
        "": [f"<b>{digit}</b>" for digit in after.per_digit],
        "before": [f"{share:.1%}" for share in before.per_digit.values()],
        "after": [f"{share:.1%}" for share in after.per_digit.values()],
    }
    cells = "".join(
        f"<tr><th>{name}</th>" + "".join(f"<td>{text}</td>" for text in row) + "</tr>"
        for name, row in rows.items()
    )
    told = f'data-own="{after.own:.3f}" data-lines="{after.lines:.3f}"'
    st.html(f'<div class="numbers" {told}><table>{cells}</table></div>')


def _counts(kept: Sequence[OwnDigit]) -> list[tuple[int, int]]:
    return sorted(Counter(digit.label for digit in kept).items())


def _framed(picture: np.ndarray) -> np.ndarray:
    """The digit's ink on a square of paper, as large as it takes."""
    rows, columns = (np.flatnonzero((picture > 0.1).any(axis)) for axis in (1, 0))
    if not len(rows):
        return np.full((32, 32), 255, np.uint8)
    ink = picture[rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1]
    side = max(ink.shape) + 4
    paper = np.zeros((side, side))
    top, left = (side - ink.shape[0]) // 2, (side - ink.shape[1]) // 2
    paper[top : top + ink.shape[0], left : left + ink.shape[1]] = ink
    return (255 * (1 - paper)).astype(np.uint8)
