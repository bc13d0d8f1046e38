"""Fork a run: go on from one of its moments with something changed."""

import dataclasses
from typing import Any

import streamlit as st

from demo import models
from demo.jobs import TrainingJob, new_fork
from mnist_transformer.explain.heads import all_heads
from mnist_transformer.training.forks import check_changes, steps_in
from mnist_transformer.training.recipes import Recipe

AS_BEFORE = "as before"
NONE = "all heads"
DATA: dict[str, dict[str, Any]] = {
    AS_BEFORE: {},
    "plain lines, nothing bent": {"augmentation": 0.0},
    "bent, thick and wide lines": {"augmentation": 1.0},
    "half drawn by code": {"synthetic": 0.5, "non_digits": 0.0},
    "half of 13 other people": {"uci": 0.5, "synthetic": 0.0, "non_digits": 0.0},
}
TO_ITS_END = 0
RATES = [0.0003, 0.001, 0.003, 0.01]
BATCHES = [16, 32, 64, 128]


def show(abandoned, disabled: bool) -> TrainingJob | None:
    """Draw the form; gives the fork that is asked for, not begun yet."""
    runs = [run for run in models.runs() if models.can_be_shown(run)]
    if not runs:
        st.info("Train a model of your own first; then go on from any moment of its training here.")
        return None
    parent, step = models.chosen().run or (runs[-1], runs[-1].moments.steps[-1])
    moment, own = parent.moments.moment(step), parent.moments.recipe
    assert own is not None, "a run with moments has a recipe"
    st.markdown(
        f"From **{parent.title}** after **{moment.drawings:,} drawings**. Another moment is chosen "
        "with the slider at the top of the page, or on the curves below. The run itself stays."
    )
    with st.form("fork", border=False):
        first, second = st.columns(3), st.columns(3)
        rates = sorted({*RATES, own.lr})
        lr = first[0].selectbox(
            "Highest learning rate", rates, index=rates.index(own.lr), key=f"fork-lr-{parent.id}"
        )
        batches = sorted({*BATCHES, own.batch_size})
        batch_size = first[1].selectbox(
            "Batch size", batches, index=batches.index(own.batch_size), key=f"fork-b-{parent.id}"
        )
        lengths = [TO_ITS_END] if step < _steps(own) else []
        more = first[2].selectbox(
            "Goes on for",
            [*lengths, 2_000, 10_000, 30_000],
            format_func=lambda n: f"{n:,} drawings" if n else "what the run had left",
            key=f"fork-more-{bool(lengths)}",
        )
        heads = {head.name: head for head in all_heads(own.config)}
        without = second[0].selectbox("Without a head", [NONE, *heads], key="fork-head")
        data = second[1].selectbox("Trained on", list(DATA), key="fork-data")
        places = second[2].checkbox("Without positions", key="fork-places")
        pressed = st.form_submit_button("Fork", type="primary", disabled=disabled)
    if not pressed:
        return None
    changed = DATA[data] | {"lr": lr, "batch_size": batch_size}
    if without != NONE:
        changed["ablated_heads"] = (*own.ablated_heads, heads[without])
    changed["ablated_positions"] = own.ablated_positions or places
    try:
        recipe = _longer(dataclasses.replace(own, **changed), own, step, more)
        check_changes(own, recipe, step)
    except ValueError as error:
        st.error(f"This cannot be forked: {error}.")
        return None
    said = _in_words(own, recipe, without, data)
    number = models.next_number()
    work = new_fork(parent.moments, step, recipe)
    return TrainingJob(number, said, parent.kind, work, abandoned, (parent, step))


def _steps(recipe: Recipe) -> int:
    assert recipe.samples_per_epoch is not None
    return recipe.epochs * max(1, recipe.samples_per_epoch // recipe.batch_size)


def _longer(recipe: Recipe, own: Recipe, step: int, more: int) -> Recipe:
    """The recipe with so many more drawings, as one epoch: several would round them up."""
    if more == TO_ITS_END:
        return recipe
    drawings = steps_in(recipe, own, step) * recipe.batch_size + more
    return dataclasses.replace(recipe, epochs=1, samples_per_epoch=drawings)


def _in_words(own: Recipe, recipe: Recipe, without: str, data: str) -> str:
    """What the fork does otherwise."""
    said = []
    if recipe.lr != own.lr:
        said.append(f"rate {recipe.lr:g}")
    if recipe.batch_size != own.batch_size:
        said.append(f"batch {recipe.batch_size}")
    if without != NONE:
        said.append(f"without {without}")
    if recipe.ablated_positions and not own.ablated_positions:
        said.append("without positions")
    if data != AS_BEFORE:
        said.append(data)
    return ", ".join(said) or "nothing changed"
