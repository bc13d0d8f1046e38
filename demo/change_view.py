"""Change one thing about the drawing or the decoding, and see what it could be instead."""

import streamlit as st

from demo import link
from demo.controls import canvas_html, is_narrow, own_scale, plot, reading_html
from mnist_transformer import InkError, Reading, Transformer, drawing_to_canvas
from mnist_transformer.explain.decoding import DecodedLine, beam_search, sample_lines
from mnist_transformer.explain.perturb import perturb
from mnist_transformer.figures import timeline_figure

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
    changed = model.read_canvases(canvas[None], attention=True)[0]
    with result:
        st.html(canvas_html(changed, "What the model sees now"))
        st.html(reading_html(changed, model.config.max_digits))
        likeliest, drawn = st.columns(2)
        likeliest.markdown("**The likeliest lines** (beam search)")
        likeliest.html(_lines(beam_search(model, canvas, SHOWN)))
        drawn.markdown(f"**100 samples** at temperature {temperature:g}")
        drawn.html(_lines(sample_lines(model, canvas, temperature)[:SHOWN]))
    if changed.steps:
        st.markdown("**Where the heads of cross-attention look in the changed drawing**")
        figure = timeline_figure(changed, own_scale=own_scale("change"), stacked=is_narrow())
        plot(figure, "change-timeline")


def _lines(lines: list[DecodedLine]) -> str:
    """Lines of digits, each over a bar as long as it is likely."""
    return "".join(
        f'<div class="guess"><b>{line.digits or "nothing"}</b><span>{line.probability:.1%}</span>'
        f'<i style="width:{line.probability:.1%}"></i></div>'
        for line in lines
    )
