"""The machine under the stage: every part of the model in one row, and the one that is opened."""

from dataclasses import dataclass

import streamlit as st
import torch
from torch import Tensor

from demo import changes, live, redraw
from mnist_transformer import Reading, Transformer
from mnist_transformer.config import START
from mnist_transformer.explain.activations import Trace
from mnist_transformer.explain.lens import lens, memory_lens
from mnist_transformer.explain.relevance import mean_cross_attention, relevance, rollout
from mnist_transformer.explain.source import Source, part_source
from mnist_transformer.explain.trace import trace
from mnist_transformer.figures.live import machine_data, part_data


@dataclass(frozen=True)
class Machine:
    """The model as it is changed, and what passed through it.

    Attributes:
        made_of: the reading and the changes that all this belongs to.
        model: with the changes made to it.
        reading: what it reads.
        trace: of that reading; of a blank sheet only the parts are shown, with nothing in them.
        lens: the answer after each part; None for a blank sheet.
    """

    made_of: tuple[Reading, dict[str, list[str]]]
    model: Transformer
    reading: Reading
    trace: Trace
    lens: Tensor | None


@st.fragment
def show(reading: Reading, model: Transformer) -> None:
    """Draw the strip, and below it the part that was chosen there.

    Args:
        reading: made with its attention maps, or of a blank sheet.
        model: what made it; the visitor's changes are made to it here.
    """
    redraw.only(redraw.MACHINE)
    state = st.session_state

    def switch() -> None:
        changes.switch(state["detail"].switched, model)
        redraw.note(redraw.PAGE)  # the other views show what is changed, too

    machine = _machine(reading, model)
    off = changes.chosen()["off"]
    data = machine_data(machine.reading, machine.trace, machine.lens, off)
    told = live.strip(data=data, key="strip", on_opened_change=lambda: redraw.note(redraw.MACHINE))
    part = told.opened
    # Another model may not have the part that was opened.
    is_open = part in [box["name"] for box in data["parts"]] and machine.reading.steps > 0
    shown = _details(part, machine, off) if is_open else {}
    live.detail(data=shown, key="detail", on_switched_change=switch)


def _machine(reading: Reading, model: Transformer) -> Machine:
    """Gone through once for a reading and what is changed, whatever is then opened."""
    state = st.session_state
    kept: Machine | None = state.get("machine")
    made_of = reading, changes.chosen()
    if kept is None or kept.made_of[0] is not reading or kept.made_of[1] != made_of[1]:
        changed, read = changes.apply(model, reading)
        if read.steps:
            passed = trace(changed, read)
            kept = Machine(made_of, changed, read, passed, lens(changed, passed).distributions)
        else:
            passed = trace(changed, torch.zeros_like(read.canvas), [START])
            kept = Machine(made_of, changed, read, passed, None)
        state["machine"] = kept
    return kept


def _details(part: str, machine: Machine, off: list[str]) -> dict:
    """All that is shown of one part."""
    model, reading = machine.model, machine.reading
    used, early = None, []
    if part == "answer":
        used = {
            "Raw: the mean of all cross-attention heads": mean_cross_attention(reading),
            "Rollout: followed back through the encoder": rollout(reading),
            "Relevance: what spoke for this choice": relevance(model, reading),
        }
    if part == "memory" or part.startswith("encoder"):
        early = memory_lens(model, reading).digits
    source = _source(part, reading, model)
    return part_data(part, reading, machine.trace, machine.lens, used, early, source, off)


def _source(part: str, reading: Reading, model: Transformer) -> list[Source]:
    """The part's lines. Their shapes depend on nothing of the drawing but its number of steps, and
    of the model on its config alone."""
    kept = st.session_state.setdefault("sources", {})
    asked = part, reading.steps, model.config
    if asked not in kept:
        kept[asked] = part_source(model, reading, part)
    return kept[asked]
