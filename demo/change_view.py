"""Change one thing about the drawing or the decoding, and see what it could be instead."""

import streamlit as st
import torch

from demo import link, live, redraw
from demo.controls import reading_hints
from mnist_transformer import InkError, Reading, Transformer, drawing_to_canvas
from mnist_transformer.explain.decoding import DecodedLine, beam_search, sample_lines
from mnist_transformer.explain.perturb import perturb
from mnist_transformer.figures.live import stage_data

SHOWN = 5


@st.fragment
def show(reading: Reading, strokes: list[dict], size: tuple[int, int], model: Transformer) -> None:
    """Draw the section.

    Args:
        reading: of what is in sight.
        strokes: of a drawing made on the canvas alone.
        size: (width, height) of their sheet in pixels.
        model: whose reading it is.
    """
    redraw.only(redraw.SECTION)
    if not reading.steps:
        st.info("Draw something above, then change it here.")
        return
    sliders, result = st.columns([2, 3])
    with sliders:
        rotation = st.slider("Turn, in degrees", -45, 45, 0, key="rotation", persist_state="page")
        thickness = st.slider(
            "Thickness", -1.0, 1.0, 0.0, 0.1, key="thickness", persist_state="page"
        )
        noise = st.slider("Noise", 0.0, 0.8, 0.0, 0.05, key="noise", persist_state="page")
        kept = len(strokes)
        if kept > 1:
            # A line of more strokes starts whole.
            kept = st.slider(
                "Strokes kept", 1, kept, kept, key=f"strokes-of-{kept}", persist_state="page"
            )
        temperature = st.slider(
            "Temperature of the samples",
            0.1,
            5.0,
            1.0,
            0.1,
            key="temperature",
            persist_state="page",
        )
    canvas = reading.canvas
    if kept < len(strokes):
        try:
            canvas = drawing_to_canvas(link.picture(strokes[:kept], size), model.config)
        except InkError as error:
            result.warning(str(error))
            return
    canvas = perturb(canvas, rotation, thickness, noise)
    with result:
        if torch.equal(canvas, reading.canvas):
            st.caption("Move a slider: here is what the changed drawing is read as, and why.")
        else:
            changed = model.read_canvases(canvas[None], attention=True)[0]
            hints = reading_hints(changed, changed.probabilities, model.config.max_digits)
            live.stage(data=stage_data(changed, hints=hints), key="changed-stage")
        likeliest, drawn = st.columns(2)
        likeliest.markdown("**The likeliest lines** (beam search)")
        likeliest.html(_lines(beam_search(model, canvas, SHOWN)))
        drawn.markdown(f"**100 samples** at temperature {temperature:g}")
        drawn.html(_lines(sample_lines(model, canvas, temperature)[:SHOWN]))


def _lines(lines: list[DecodedLine]) -> str:
    """Lines of digits, each over a bar as long as it is likely."""
    return "".join(
        f'<div class="guess"><b>{line.digits or "nothing"}</b><span>{line.probability:.1%}</span>'
        f'<i style="width:{line.probability:.1%}"></i></div>'
        for line in lines
    )
