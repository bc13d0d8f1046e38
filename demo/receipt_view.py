"""The receipt: what every part of the model and every patch of the drawing paid for an answer."""

import streamlit as st

from demo import changes, live, receipt_line, redraw
from demo.controls import download_figure, step_shown, take_step
from mnist_transformer import Reading, Transformer
from mnist_transformer.config import NUM_CLASSES
from mnist_transformer.explain.attribution import attribute
from mnist_transformer.explain.receipt import Receipt
from mnist_transformer.explain.trace import trace
from mnist_transformer.figures import receipt_figure
from mnist_transformer.figures.live.ledger import ledger_data

SAYS = """
An answer's score is a sum, and this is its receipt: what every square of the drawing and every part
of the machine added, down to the total. Choose a digit on the stage above; click any line below,
and of a *cross* head a square, to see the numbers behind it. A square stands for what the encoder
made of it, mixed with its neighbours: further back no exact sum exists.
"""
NOTHING = "nothing, its own score"
NAMES = [*"0123456789", "the end"]


@st.fragment
def show(reading: Reading, model: Transformer) -> None:
    """Draw the section for a reading made with its attention maps."""
    redraw.only(redraw.SECTION)
    if not reading.steps:
        st.info("Draw something above, then see here what each part of it paid for.")
        return
    state = st.session_state
    model, reading = changes.apply(model, reading)
    if state.get("receipt-of") is not reading:
        passed = trace(model, reading)
        state["paid"] = passed, attribute(model, passed)
        state["receipt-line"] = state["receipt-patch"] = None
        state["receipt-of"] = reading  # last: a run may end between any two of these
    passed, receipt = state["paid"]
    step = step_shown(reading)
    answer, over = _choose(receipt, step)
    bill = receipt.bill(step, answer, over)
    name, patch = state["receipt-line"], state["receipt-patch"]
    head = receipt_line.decoder_heads(model).get(name)
    st.caption(SAYS)
    numbers = bill.per_patch
    if head and head.attention == "cross":
        numbers = bill.patches[head.layer, head.head]
    data = ledger_data(
        reading,
        numbers,
        [*bill.lines, ("total", bill.total)],
        label=f"What each square added for {_asked(answer, over)}",
        step=step,
        picked=[what for what in (name, patch) if what is not None],
    )
    live.ledger(
        data=data,
        key="receipt",
        on_step_change=lambda: take_step("receipt"),
        on_picked_change=_take_pick,
    )
    download_figure("This receipt", "receipt", lambda: receipt_figure(reading, bill))
    if name is not None:
        asked = step, answer, over
        receipt_line.show(name, patch, asked, bill, reading, passed, model)


def _choose(receipt: Receipt, step: int) -> tuple[int, int | None]:
    """Which answer, and against which other one; at first the likeliest two."""
    best, second = receipt.logits[step].topk(2).indices.tolist()
    why, rather = st.columns(2)
    answer = why.selectbox(
        "Why",
        range(NUM_CLASSES),
        index=best,
        format_func=NAMES.__getitem__,
        key=f"why-{step}-{best}",
    )
    others = [None, *(other for other in range(NUM_CLASSES) if other != answer)]
    over = rather.selectbox(
        "rather than",
        others,
        index=others.index(second if second != answer else best),
        format_func=lambda other: NOTHING if other is None else NAMES[other],
        key=f"rather-{step}-{best}-{answer}",
    )
    return answer, over


def _asked(answer: int, over: int | None) -> str:
    return NAMES[answer] + ("" if over is None else f" rather than {NAMES[over]}")


def _take_pick() -> None:
    """A click on what stands out already puts it back."""
    redraw.note(redraw.SECTION)
    state = st.session_state
    what = state["receipt"].picked["what"]
    key = "receipt-line" if isinstance(what, str) else "receipt-patch"
    state[key] = None if state[key] == what else what
