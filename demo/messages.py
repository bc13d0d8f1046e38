"""What is to be told in a corner of the page, once the page's style is sent.

The browser keeps both in one place, one after the other: a message that came first would take the
place of the style until that is sent again.
"""

from typing import Literal

import streamlit as st


def add(text: str, duration: Literal["short", "infinite"] = "short") -> None:
    """Tell a visitor something once, in this run of the page or the next that gets so far."""
    st.session_state.setdefault("messages", {})[text] = duration


def tell() -> None:
    """Show what was added."""
    for text, duration in st.session_state.pop("messages", {}).items():
        st.toast(text, duration=duration)
