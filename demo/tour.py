"""A tour of five short stops for a first visit, which can be left at any time."""

import streamlit as st

STOPS = [
    "**Write** a line of digits on the sheet, or take an example. Lift the pen, and it is read.",
    "**The tiles** are the reading: one token at a time, each with its probability. A dashed tile "
    "is a digit the model is not sure of.",
    "**Look inside**: press Play and see where every attention head looks as each digit is chosen.",
    "**Intervene**: switch a head or a layer off and see what it was there for. **Change one "
    "thing** does the same to your drawing.",
    "**Train your own**: in a minute or two, a model of your own reads your drawing beside ours.",
]


def show() -> None:
    """Draw the current stop, unless the tour is over."""
    stop = st.session_state.setdefault("tour", 0)
    place = st.container()  # there without the tour too, so that nothing below changes its place
    if stop >= len(STOPS):
        return
    with place.container(border=True, key="tour"):
        text, forward, leave = st.columns([8, 1, 1], vertical_alignment="center")
        text.markdown(f"{stop + 1} of {len(STOPS)} · {STOPS[stop]}")
        last = stop + 1 == len(STOPS)
        if not last:
            forward.button("Next", on_click=_go, args=(stop + 1,), width="stretch")
        leave.button("Done" if last else "Leave", on_click=_go, args=(len(STOPS),), width="stretch")


def _go(stop: int) -> None:
    st.session_state.tour = stop
