"""What has to be drawn anew besides the fragment that runs.

A browser puts into one message what several parts of the page tell at one moment: a stroke and a
part that is opened, say. For it Streamlit runs the fragment of one of them alone, and the others
would stay as they were. So whatever the page itself may tell, without a touch, notes here that it
is due (its callback comes before any run), and a fragment that runs looks whether it is enough.
What a button gives to the run itself is lost then: its callback does what is to be done.
"""

import streamlit as st

PAGE, MACHINE, SECTION = "page", "machine", "section"  # all of it, and what is drawn by itself


def note(part: str) -> None:
    """A part of the page, or all of it, has to be drawn anew; to be called back."""
    st.session_state["due"] = _due() | {part}


def begin() -> None:
    """All of the page is drawn anew from here on."""
    st.session_state["due"] = frozenset()


def only(fragment: str | None = None) -> None:
    """To be called first by a fragment: where more is due than itself, all is drawn anew.

    Args:
        fragment: which it is; None if nothing notes that it is due, as with what follows a run.
    """
    st.session_state["due"] = others = _due() - {fragment}
    if others:
        st.rerun()


def _due() -> frozenset[str]:
    return st.session_state.get("due", frozenset())
