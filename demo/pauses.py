"""Pauses in which a browser shows what it was sent, before it is sent the rest."""

import time

import streamlit as st

from demo.turns import LOOK

# Seconds for the stage: the thread that sends it needs Python's lock several times, and would wait
# for it 5 ms each time; and a browser that has more to take up paints the digits only after all of
# that.
STAGE = 0.03
# For the sheet as well, on arrival: a browser has first to load its canvas, and would build all the
# rest meanwhile.
ARRIVAL = 0.2


def pause(seconds: float) -> None:
    """Wait, unless the visitor goes on meanwhile: to look into the state ends this run then."""
    while seconds > 0:
        time.sleep(min(seconds, LOOK))
        seconds -= LOOK
        st.session_state.get("laid")
