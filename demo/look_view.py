"""Look inside: every layer's and head's attention over the drawing."""

import streamlit as st

from demo import head_view
from demo.controls import is_narrow, own_scale, pick_patch, pick_step, plot
from mnist_transformer import Reading, Transformer
from mnist_transformer.explain.heads import all_heads
from mnist_transformer.explain.relevance import mean_cross_attention, relevance, rollout
from mnist_transformer.figures import (
    decoder_attention_figure,
    encoder_attention_figure,
    relevance_figure,
    timeline_figure,
)

KINDS = {
    "Cross-attention": "Where each head of the decoder looked while it chose a digit.",
    "Encoder self-attention": "Touch a patch of the drawing.",
    "Decoder self-attention": "Which tokens, read before, each step looked back at. "
    "The grey half is the future: masked, so never seen.",
    "What it used": "Attention is where a head looked; these follow what came of it.",
    "Inside one head": "The numbers of any head, for one step or one patch.",
}
SOURCES = """
**Raw** shows where the heads looked; a patch of the memory has mixed with others before.
**Rollout** ([Abnar & Zuidema 2020](https://arxiv.org/abs/2005.00928)) follows that mixing back
through the encoder, but would be the same for any other choice.
**Relevance** ([Chefer et al. 2021](https://arxiv.org/abs/2103.15679)) weighs each head by what it
would change in this choice; what the convolutions did stays out of sight.
"""


@st.fragment
def show(reading: Reading, model: Transformer) -> None:
    """Draw the section for a reading made with its attention maps."""
    if not reading.steps:
        st.info("Draw something above, and every attention head appears here.")
        return
    kind = st.segmented_control(
        "Attention",
        list(KINDS),
        default="Cross-attention",
        required=True,
        key="kind",
        persist_state="page",
    )
    st.caption(KINDS[kind])
    if kind == "Cross-attention":
        _timeline(reading, model)
    elif kind == "Encoder self-attention":
        _encoder(reading)
    elif kind == "Decoder self-attention":
        figure = decoder_attention_figure(reading, own_scale("decoder"), is_narrow())
        plot(figure, "decoder-figure")
    elif kind == "What it used":
        _used(reading, model)
    else:
        head_view.show(reading, model)


def _timeline(reading: Reading, model: Transformer) -> None:
    """All heads as small multiples, or the one that was clicked, large."""
    heads = [head for head in all_heads(model.config) if head.attention == "cross"]
    head = st.pills(
        "One head, large",
        heads,
        format_func=lambda head: head.name,
        help="Click again for all",
        key="one-head",
        persist_state="page",
    )
    # Plotly's slider takes no keys: for the keyboard, a row that is seen only in focus.
    with st.container(key="step-keys"):
        step = pick_step(reading, "Decoding step", "step")
    figure = timeline_figure(reading, step, head, own_scale("cross"), is_narrow())
    plot(figure, "timeline")


def _encoder(reading: Reading) -> None:
    ink = reading.canvas.unflatten(0, (reading.maps.grid[0], -1))
    ink = ink.unflatten(2, (reading.maps.grid[1], -1)).sum((1, 3))
    patch = pick_patch(reading, "patch", "Touch a patch", int(ink.argmax()))
    direction = st.segmented_control(
        "Direction",
        ["Where it looks", "Who looks at it"],
        default="Where it looks",
        required=True,
        key="direction",
        persist_state="page",
        label_visibility="collapsed",
    )
    figure = encoder_attention_figure(
        reading, patch, direction == "Who looks at it", own_scale("encoder"), is_narrow()
    )
    plot(figure, "encoder-figure")


def _used(reading: Reading, model: Transformer) -> None:
    maps = {
        "Raw: the mean of all cross-attention heads": mean_cross_attention(reading),
        "Rollout: followed back through the encoder": rollout(reading),
        "Relevance: what spoke for this choice": relevance(model, reading),
    }
    plot(relevance_figure(reading, maps), "relevance")
    st.markdown(SOURCES)
