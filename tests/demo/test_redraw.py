"""What is due besides the fragment that runs: all is drawn anew, once."""

import pytest
import streamlit as st

from demo import redraw


class Rerun(Exception):
    """In place of what Streamlit ends a run with."""


@pytest.fixture(autouse=True)
def page(monkeypatch):
    state = {}

    def rerun():
        raise Rerun

    monkeypatch.setattr(st, "session_state", state)
    monkeypatch.setattr(st, "rerun", rerun)
    redraw.begin()


def test_a_fragment_that_alone_is_due_runs_alone():
    redraw.only(redraw.MACHINE)
    redraw.note(redraw.MACHINE)
    redraw.only(redraw.MACHINE)


def test_what_nothing_notes_runs_alone_where_nothing_is_due():
    redraw.only()
    redraw.note(redraw.MACHINE)
    with pytest.raises(Rerun):
        redraw.only()


@pytest.mark.parametrize("also", [redraw.PAGE, redraw.SECTION])
def test_where_more_is_due_all_is_drawn_anew_once(also):
    redraw.note(redraw.MACHINE)
    redraw.note(also)
    with pytest.raises(Rerun):
        redraw.only(redraw.MACHINE)
    redraw.begin()
    redraw.only(redraw.MACHINE)
    redraw.only(redraw.SECTION)
