"""Inside one head: the numbers of any head, for one step or patch, in the order of the formula."""

import streamlit as st
from torch import Tensor

from demo.controls import is_narrow, pick_patch, pick_step, plot
from mnist_transformer import Reading, Transformer
from mnist_transformer.explain.heads import Head, all_heads
from mnist_transformer.explain.relevance import inside_head
from mnist_transformer.figures import head_scores_figure, head_step_figure, step_names

SAYS = """
A head compares one **query** with every **key**: their product, over the square root of their size,
is the score, and the softmax makes shares of 100 % of all scores. What **comes out** is the values
of all keys, each by its share; the layer's output matrix then adds it to the residual stream.
"""


def show(
    reading: Reading, model: Transformer, head: Head | None = None, step: int | None = None
) -> None:
    """Draw the numbers of one head.

    Args:
        reading: made with its attention maps by `model`; not of a blank sheet.
        model: what made it, changed or not.
        head: the one to show; None draws a choice of all heads.
        step: the decoding step; None draws a choice. For a head of the encoder the query is a
            patch, at first the one that this step looks at most.
    """
    if head is None:
        heads = all_heads(model.config)
        last_cross = next(h for h in heads if (h.attention, h.layer + 1) == _last_cross(model))
        head = st.selectbox(
            "Head",
            heads,
            heads.index(last_cross),
            format_func=lambda h: h.name,
            key="inside-head",
            persist_state="page",
        )
    if step is None:
        step = pick_step(reading, "Decoding step", "inside-step")
    query, weights = _query(reading, head, step)
    key = _key(reading, head, query, weights)
    inside = inside_head(model, reading, head, query, key)
    plot(
        head_scores_figure(inside, _key_names(reading, head)[: len(inside.scores)], key),
        "inside-scores",
    )
    plot(head_step_figure(inside, stacked=is_narrow()), "inside-figure")
    total, size = float(inside.products.sum()), len(inside.query)
    st.latex(
        rf"\begin{{aligned}} q \cdot k &= {total:.2f} \\ \tfrac{{q \cdot k}}{{\sqrt{{{size}}}}} "
        rf"&= {inside.score:.2f} \\ \mathrm{{softmax}} &= {inside.weight * 100:.1f}\,\% "
        rf"\;\mathrm{{of}}\; {len(inside.scores)} \end{{aligned}}"
    )
    st.caption(SAYS)


def _last_cross(model: Transformer) -> tuple[str, int]:
    return "cross", model.config.decoder_layers


def _query(reading: Reading, head: Head, step: int) -> tuple[int, Tensor]:
    """Who asks, a step or a patch, and what it gives to each key."""
    maps = reading.maps
    if head.attention != "encoder":
        return step, getattr(maps, head.attention)[head.layer, head.head, step]
    looked_at = maps.cross[:, :, step].mean((0, 1))
    start = int(looked_at.argmax())
    query = pick_patch(reading, "query", "The patch that asks (the query)", start, looked_at)
    return query, maps.encoder[head.layer, head.head, query]


def _key(reading: Reading, head: Head, query: int, weights: Tensor) -> int:
    """Which key is compared; at first the one that the query looks at most."""
    strongest = int(weights.argmax())
    if head.attention == "decoder":
        names = _key_names(reading, head)[: query + 1]
        return st.segmented_control(
            "The token it is compared with (the key)",
            range(query + 1),
            default=strongest,
            required=True,
            format_func=lambda n: f"{n}: {names[n]}",
            key=f"inside-key-{head.name}-{query}-of-{reading.digits}",
        )
    label = "The patch it is compared with (the key), under the weights of all"
    return pick_patch(reading, "key", label, strongest, weights)


def _key_names(reading: Reading, head: Head) -> list[str]:
    if head.attention == "decoder":
        return ["start", *step_names(reading)]
    rows, columns = reading.maps.grid
    return [f"row {r + 1}, column {c + 1}" for r in range(rows) for c in range(columns)]
