"""Intervene: switch parts of the model off and watch the reading change."""

import streamlit as st

from demo.controls import head_name, plot, reading_html
from mnist_transformer import Reading, Transformer
from mnist_transformer.explain.heads import Head, all_heads
from mnist_transformer.explain.interventions import (
    Intervention,
    head_importance,
    logit_lens,
    read_changed,
)
from mnist_transformer.figures import importance_figure, lens_figure, timeline_figure

NAMES = {
    "encoder": "Encoder self-attention",
    "decoder": "Decoder self-attention",
    "cross": "Cross-attention",
}
OFF, UNIFORM = "Switch heads off", "Make heads attend uniformly"


@st.fragment
def show(reading: Reading, model: Transformer) -> None:
    """Draw the section for a reading made with its attention maps."""
    if not reading.steps:
        st.info("Draw something above, then take the model apart here.")
        return
    change = _choose(model)
    before, after = st.columns(2)
    before.markdown("**Original**")
    before.html(reading_html(reading, model.config.max_digits))
    after.markdown("**With intervention**")
    changed = read_changed(model, reading.canvas, change) if change else reading
    after.html(reading_html(changed, model.config.max_digits))
    matter, lens = st.columns([2, 3])
    with matter:
        st.markdown("**Which heads matter for this drawing**")
        st.caption(
            "How much less likely the digits become when one head is off. 0.00: the others can do "
            "without it, as heads stand in for one another; switch off several."
        )
        plot(importance_figure(head_importance(model, reading)), "importance")
    with lens:
        st.markdown("**What the decoder would have said after each layer**")
        st.caption("The logit lens: the unfinished answer, read out early.")
        plot(lens_figure(reading, logit_lens(model, reading)), "lens")
    if change:
        st.markdown("**Where the heads look now**")
        plot(timeline_figure(changed), "changed-timeline")


def _choose(model: Transformer) -> Intervention:
    """The controls: which heads, which layers, the positions."""
    how = st.segmented_control(
        "Intervention", [OFF, UNIFORM], default=OFF, required=True, key="how", persist_state="page"
    )
    heads = all_heads(model.config)
    chosen: list[Head] = []
    left, right = st.columns([4, 3])
    for column, (attention, name) in zip((left, right, left), NAMES.items(), strict=True):
        chosen += column.pills(
            name,
            [head for head in heads if head.attention == attention],
            selection_mode="multi",
            format_func=head_name,
            help="Layer.head",
            key=f"heads-{attention}",
            persist_state="page",
        )
    layers = [("encoder", n) for n in range(model.config.encoder_layers)]
    layers += [("decoder", n) for n in range(model.config.decoder_layers)]
    ablated_layers = right.pills(
        "Whole layers off",
        layers,
        selection_mode="multi",
        format_func=lambda layer: f"{layer[0].capitalize()} {layer[1] + 1}",
        key="layers-off",
        persist_state="page",
    )
    ablated_positions = st.toggle(
        "Positional encoding off", key="positions-off", persist_state="page"
    )
    heads_chosen = frozenset(chosen)
    return Intervention(
        ablated_heads=heads_chosen if how == OFF else frozenset(),
        heads_uniform=heads_chosen if how == UNIFORM else frozenset(),
        ablated_layers=frozenset(ablated_layers),
        ablated_positions=ablated_positions,
    )
