"""The painted gaze: say where the decoder is to look, and see what it reads."""

import dataclasses

import streamlit as st
import torch
from torch import Tensor

from demo import changes, live, redraw
from demo.controls import download_figure, reading_html, step_shown, take_step
from mnist_transformer import Reading, Transformer
from mnist_transformer.explain.gaze import (
    Gaze,
    all_digits,
    between_digits,
    blank_paper,
    read_painted,
    spread,
    where_it_looked,
)
from mnist_transformer.explain.heads import Head, all_heads
from mnist_transformer.explain.parts import intervention
from mnist_transformer.figures import step_names
from mnist_transformer.figures.live.gaze import gaze_data

SAYS = """
Take the model by the hand: choose a digit on the stage above, then paint on the drawing, or name a
place, where the model is to look while it reads that digit; it reads on from there. Try it with
only one of the two layers: which of them reads, and which only finds the place?
"""
OWN = "own"  # the place at which the model itself looked


@st.fragment
def show(reading: Reading, model: Transformer) -> None:
    """Draw the section for a reading made with its attention maps."""
    redraw.only(redraw.SECTION)
    if not reading.steps:
        st.info("Draw something above, then show the model here where to look.")
        return
    state = st.session_state
    if state.get("gaze-of") is not reading:
        state["looked"], state["gaze-of"] = {}, reading
    st.caption(SAYS)
    step = step_shown(reading)
    looking = _choose_parts(model, step, step_names(reading)[step])
    weights = _weights(reading, step, state["looked"])
    shown = where_it_looked(reading, step) if weights is None else weights
    place = state["looked"].get("place", OWN) if "patches" not in state["looked"] else None
    data = gaze_data(
        reading,
        step,
        shown if shown.dim() == 1 else shown.mean((0, 1)),
        _places(reading, step),
        place,
    )
    live.gaze(
        data=data, key="gaze", on_step_change=lambda: take_step("gaze"), on_looked_change=_take_look
    )
    heads = frozenset[Head]().union(*looking.values())
    gazes = [] if weights is None else [Gaze(step, weights, heads)]
    painted = _show_readings(reading, model, gazes, step, list(looking))
    if painted and step < painted.steps:
        download_figure("This gaze", "gaze", lambda: painted.plot_cross_attention(step))


def _choose_parts(model: Transformer, step: int, name: str) -> dict[str, frozenset[Head]]:
    """The layers of cross-attention, and single heads, that are to look there; at first all."""
    cross = [head for head in all_heads(model.config) if head.attention == "cross"]
    layers: dict[str, frozenset[Head]] = {}
    for head in cross:
        layer = f"cross {head.layer + 1}"
        layers[layer] = layers.get(layer, frozenset()) | {head}
    single = {head.name: frozenset({head}) for head in cross}
    whole = st.pills(
        f"Which layers of cross-attention look there at step {step + 1}, “{name}”",
        list(layers),
        default=list(layers),
        selection_mode="multi",
        key=f"gaze-layers-of-{len(layers)}",
        persist_state="page",
    )
    with st.expander("Single heads as well"):
        heads = st.pills(
            "Which heads look there, too",
            list(single),
            selection_mode="multi",
            key=f"gaze-heads-of-{len(single)}",
            label_visibility="collapsed",
            persist_state="page",
        )
    return {part: (layers | single)[part] for part in [*whole, *heads]}


def _show_readings(
    reading: Reading, model: Transformer, gazes: list[Gaze], step: int, looking: list[str]
) -> Reading | None:
    """What is read without and with the gaze, side by side; gives the second, if there is one."""
    before, after = st.columns(2)
    before.markdown("**By itself it reads**")
    alone = changes.apply(model, reading)[1]
    before.html(reading_html(alone, model.config.max_digits))
    after.markdown("**Looking where you say, it reads**")
    change = intervention(model.config, **changes.chosen())
    try:
        painted = read_painted(model, reading.canvas, gazes, change)
    except ValueError:  # a changed machine may end before this step
        after.warning(
            f"Changed as it is, the machine ends the line before step {step + 1}. "
            "Choose an earlier digit on the stage above."
        )
        return None
    # That ink is passed over is what was asked for, and no cause for doubt.
    tiles = reading_html(dataclasses.replace(painted, unread=[]), model.config.max_digits)
    turned = painted.digits[step : step + 1] != alone.digits[step : step + 1]
    told = f'data-looking="{", ".join(looking)}" data-turned="{turned}"'
    after.html(f'<div data-painted="{painted.digits}" {told}>{tiles}</div>')
    return painted


def _places(reading: Reading, step: int) -> dict[str, str]:
    """What can be named, by the names that `_weights` understands."""
    places = {OWN: "where it looks by itself"}
    places |= {
        f"digit {n}": f"the {digit}" + (" (its own)" if n == step else "")
        for n, digit in enumerate(reading.digits)
    }
    places |= {
        f"gap {n}": f"between {one} and {other}"
        for n, (one, other) in enumerate(zip(reading.digits, reading.digits[1:], strict=False))
        if n in (step - 1, step)
    }
    all_of_them = {"all": "all digits at once"} if reading.digits else {}
    return places | {"paper": "blank paper"} | all_of_them


def _weights(reading: Reading, step: int, looked: dict) -> Tensor | None:
    """Where to look; None for where it looks by itself."""
    if "patches" in looked:
        paint = torch.tensor(looked["patches"], dtype=torch.float32)
        return spread(paint.unflatten(0, reading.maps.grid), reading.maps.grid)
    kind, _, number = looked.get("place", OWN).partition(" ")
    if kind == "digit":
        return where_it_looked(reading, int(number))
    if kind == "gap":
        return between_digits(reading, int(number))
    return {"paper": blank_paper, "all": all_digits}[kind](reading) if kind != OWN else None


def _take_look() -> None:
    redraw.note(redraw.SECTION)
    st.session_state["looked"] = dict(st.session_state["gaze"].looked or {})
