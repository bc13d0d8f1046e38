"""Teach it your hand: digits from the sheet, corrected and kept, and a model that learns them."""

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
import streamlit as st

from demo import models
from demo.jobs import TrainingJob, new_lesson
from mnist_transformer import Reading
from mnist_transformer.explain.cut import cut_digits
from mnist_transformer.hands.own import (
    MOST_BYTES,
    MOST_DIGITS,
    OwnDigit,
    OwnDigitsError,
    digits_from_json,
    digits_to_json,
    own_digit,
)
from mnist_transformer.training.teach import Score

LEAVE = "not this one"
FULL = f"At most {MOST_DIGITS:,} digits are kept: forget some first."
FRAME = 76  # pixels of width for each digit of the sheet and its name
SHOWN = 40  # of the digits that were kept
SAYS = """
Write digits as you write them, a crossed 7 or a 4 in one stroke, and correct what was read wrong.
Ten of each form are enough. They are cut by the reading of the model that the page is about: where
it takes two for one, write them further apart. It then learns them beside the digits that it knew;
it stays as it was, and what learns is a copy. Your digits stay in this visit and end with it:
download them to have them again.
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
        f"Teach {title} {_these(len(kept)) if kept else 'your digits'}",
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


@dataclass
class Naming:
    """What the digits on the sheet are named.

    Attributes:
        drawn: what tells the drawing and its reading from others.
        names: of its digits, one each; `LEAVE` for what is none.
        chosen: which of them is being corrected.
    """

    drawn: int
    names: list[str]
    chosen: int | None = None

    def choose(self, n: int) -> None:
        """Correct this one, or none if it was that already."""
        self.chosen = None if n == self.chosen else n

    def rename(self, key: str) -> None:
        """Name the chosen one as was chosen in the control of this key."""
        if self.chosen is not None:
            self.names[self.chosen] = st.session_state[key]


def _show_sheet(reading: Reading, kept: list[OwnDigit]) -> None:
    """The digits on the sheet, cut by the model's own reading, each with a name to correct."""
    state = st.session_state
    if not reading.digits:
        st.info("Write digits on the sheet above, and they stand here to be named and kept.")
        return
    cut = cut_digits(reading)
    drawn = hash((state.read.version, reading.digits))
    naming: Naming | None = state.get("naming")
    if naming is None or naming.drawn != drawn:
        naming = state["naming"] = Naming(drawn, list(reading.digits))
    together = st.container(horizontal=True)  # as many side by side as have room
    for n, (picture, name) in enumerate(zip(cut, naming.names, strict=True)):
        with together.container(width=FRAME):
            st.image(_framed(picture), width=64)
            st.button(
                "none" if name == LEAVE else name,
                key=f"own-digit-{n + 1}",
                icon=":material/edit:",
                type="primary" if n == naming.chosen else "secondary",
                width="stretch",
                on_click=naming.choose,
                args=(n,),
            )
    if naming.chosen is None:
        st.caption("Is one of them misread? Press its name.")
    else:
        # No list that opens: on a phone it would close as soon as the page is moved.
        key = f"own-name-{drawn}-{naming.chosen}"
        st.pills(
            f"Digit {naming.chosen + 1} is a",
            [*"0123456789", LEAVE],
            default=naming.names[naming.chosen],
            required=True,
            key=key,
            on_change=naming.rename,
            args=(key,),
        )
    added = st.button(f"Keep {_these(len(cut))}", key="keep-digits")
    if not added:
        return
    try:
        # Pressed again, it corrects what was kept of this drawing before.
        left = [own_digit(0, picture) for picture in cut]
        new = [
            own_digit(int(name), picture)
            for name, picture in zip(naming.names, cut, strict=True)
            if name != LEAVE
        ]
    except OwnDigitsError as error:
        st.error(f"Not kept: {error}.")
        return
    if not keep(new, kept, instead=left):
        st.error(FULL)


def keep(new: Sequence[OwnDigit], kept: list[OwnDigit], instead: Sequence[OwnDigit] = ()) -> bool:
    """Put digits among those that are kept, each picture once, as it was named last.

    Args:
        new: to be kept.
        kept: those that are; changed in place.
        instead: pictures that are kept no longer.

    Returns:
        Whether there is room; if not, nothing changes.
    """
    pictures = {digit.image.tobytes() for digit in (*new, *instead)}
    others = [digit for digit in kept if digit.image.tobytes() not in pictures]
    together = [*others, *{digit.image.tobytes(): digit for digit in new}.values()]
    if len(together) > MOST_DIGITS:
        return False
    kept[:] = together
    return True


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
        "Digits that you downloaded before",
        type=["json"],
        max_upload_size=MOST_BYTES // 1_000_000,
        key="own-upload",
        on_change=_take,
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
    if not keep(new, state.own_digits):
        state.own_problem = FULL


def show_lesson(before: Score, after: Score, finished: bool) -> None:
    """What a model learned, and what it forgot over it, be it by the end or by an early stop."""
    stopped = "" if finished else "The lesson was stopped before its end. "
    st.markdown(
        f"**{stopped}Of your digits it reads {after.own:.0%}, {before.own:.0%} before; of 500 "
        f"lines that it never saw, {after.lines:.1%}, {before.lines:.1%} before.** Digit by digit "
        "on these lines:"
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


def _these(count: int) -> str:
    return "this digit" if count == 1 else f"these {count} digits"


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
