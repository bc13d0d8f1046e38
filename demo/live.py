"""The live views of `mnist_transformer.figures.live` as parts of the page.

A part keeps its key and changes its data, so that nothing is mounted anew and nothing shifts. Its
elements lie in the page itself, not in a shadow of their own: one style and one store for all.
"""

import streamlit as st

from mnist_transformer.figures.live import curves as curves_files
from mnist_transformer.figures.live import details, machine, read_source
from mnist_transformer.figures.live import gaze as gaze_files
from mnist_transformer.figures.live import ledger as ledger_files
from mnist_transformer.figures.live import stage as stage_files


def component(
    name: str,
    draw: str,
    sources: tuple[str, ...],
    styles: tuple[str, ...] = ("live.css",),
    states: tuple[str, ...] = (),
    triggers: tuple[str, ...] = (),
):
    """A Streamlit component of a view's own files; call it with `data` and a `key`.

    Args:
        name: of the component, unique on the page.
        draw: the view's function, called with an element and the data; gives what ends it.
        sources: the files of JavaScript that the function needs.
        styles: the files of its style.
        states: options of the function that it calls with what the visitor chose; the server keeps
            that as the component's state of the same name.
        triggers: the same for what happens once.
    """
    calls = [f"{option}: (value) => setStateValue('{option}', value)" for option in states]
    calls += [f"{option}: (value) => setTriggerValue('{option}', value)" for option in triggers]
    start = (
        "export default ({ parentElement, data, setStateValue, setTriggerValue }) =>"
        f" {draw}(parentElement, data, {{ {', '.join(calls)} }});"
    )
    return st.components.v2.component(
        name,
        css=read_source(*styles),
        js=f"{read_source(*sources)}\n{start}",
        isolate_styles=False,
    )


stage = component("stage", "drawStage", stage_files.SOURCES)
strip = component("strip", "drawStrip", machine.SOURCES, ("strip.css",), states=("opened",))
detail = component("detail", "drawDetail", details.SOURCES, ("detail.css",), triggers=("switched",))
ledger = component(
    "ledger", "drawLedger", ledger_files.SOURCES, ("ledger.css",), triggers=("step", "picked")
)
gaze = component(
    "gaze", "drawGaze", gaze_files.SOURCES, ("ledger.css",), triggers=("step", "looked")
)
timeline = component(
    "timeline", "drawTimeline", curves_files.TIMELINE_SOURCES, ("curves.css",), triggers=("moved",)
)
curves = component(
    "curves", "drawCurves", curves_files.SOURCES, ("curves.css",), triggers=("moved",)
)
