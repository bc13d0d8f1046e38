"""Look inside: every layer's and head's attention over the drawing."""

import streamlit as st

from demo.controls import head_name, pick_patch, pick_step, plot
from mnist_transformer import Reading, Transformer
from mnist_transformer.explain.heads import Head, all_heads
from mnist_transformer.explain.relevance import (
    inside_head,
    mean_cross_attention,
    relevance,
    rollout,
)
from mnist_transformer.figures import (
    decoder_attention_figure,
    encoder_attention_figure,
    head_step_figure,
    relevance_figure,
    timeline_figure,
)

KINDS = {
    "Cross-attention": "Where each head of the decoder looked while it chose a digit.",
    "Encoder self-attention": "Touch a patch of the drawing.",
    "Decoder self-attention": "Which tokens, read before, each step looked back at. "
    "The grey half is the future: masked, so never seen.",
    "What it used": "Attention is where a head looked; these follow what came of it.",
    "Inside one head": "The numbers of one head, for one step and one patch.",
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
        plot(decoder_attention_figure(reading), "decoder-figure")
    elif kind == "What it used":
        _used(reading, model)
    else:
        _inside(reading, model)


def _timeline(reading: Reading, model: Transformer) -> None:
    """All heads as small multiples, or the one that was clicked, large."""
    heads = [head for head in all_heads(model.config) if head.attention == "cross"]
    head = st.pills(
        "One head, large",
        heads,
        format_func=head_name,
        help="Layer.head; click again for all",
        key="one-head",
        persist_state="page",
    )
    # Plotly's slider takes no keys: for the keyboard, a row that is seen only in focus.
    with st.container(key="step-keys"):
        step = pick_step(reading, "Decoding step", "step")
    plot(timeline_figure(reading, step, head), "timeline")


def _encoder(reading: Reading) -> None:
    patch = pick_patch(reading)
    direction = st.segmented_control(
        "Direction",
        ["Where it looks", "Who looks at it"],
        default="Where it looks",
        required=True,
        key="direction",
        persist_state="page",
        label_visibility="collapsed",
    )
    figure = encoder_attention_figure(reading, patch, direction == "Who looks at it")
    plot(figure, "encoder-figure")


def _used(reading: Reading, model: Transformer) -> None:
    maps = {
        "Raw: the mean of all cross-attention heads": mean_cross_attention(reading),
        "Rollout: followed back through the encoder": rollout(reading),
        "Relevance: what spoke for this choice": relevance(model, reading),
    }
    plot(relevance_figure(reading, maps), "relevance")
    st.markdown(SOURCES)


def _inside(reading: Reading, model: Transformer) -> None:
    place, step_field = st.columns(2)
    layer = place.segmented_control(
        "Cross-attention layer",
        range(model.config.decoder_layers),
        default=model.config.decoder_layers - 1,
        required=True,
        format_func=lambda n: str(n + 1),
        key="inside-layer",
        persist_state="page",
    )
    head = place.segmented_control(
        "Head",
        range(model.config.num_heads),
        default=0,
        required=True,
        format_func=lambda n: str(n + 1),
        key="inside-head",
        persist_state="page",
    )
    with step_field:
        step = pick_step(reading, "Decoding step (the query)", "inside-step")
    patch = pick_patch(reading)
    inside = inside_head(model, reading, Head("cross", layer, head), step, patch)
    plot(head_step_figure(inside), "inside-figure")
    total = float(inside.products.sum())
    size = len(inside.query)
    st.latex(
        rf"q \cdot k = {total:.2f} \quad\rightarrow\quad \frac{{q \cdot k}}{{\sqrt{{{size}}}}} = "
        rf"{inside.score:.2f} \quad\rightarrow\quad \mathrm{{softmax}}\;over\;"
        rf"{len(inside.scores)}\;patches = {inside.weight * 100:.1f}\,\%"
    )
    st.caption("That share of the value, with those of all other patches, is what the head adds.")
