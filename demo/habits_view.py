"""Habits: what each head does over many lines, as a table, and the line on which it shows most."""

from dataclasses import dataclass

import streamlit as st
import torch
from torch import Tensor

from demo import live, redraw
from demo.controls import download_figure
from mnist_transformer import Transformer, make_lines
from mnist_transformer.dataset import embedded_digits
from mnist_transformer.explain.habits import Habit, head_habits
from mnist_transformer.explain.heads import Head
from mnist_transformer.figures import habits_figure
from mnist_transformer.figures.live.ledger import ledger_data

SAYS = """
One drawing can mislead, so every head was watched on {lines} other lines. A head is named after
what most of its attention goes to, if that is so in either half of these lines; “no habit” means
that it does no one thing. Choose a head to see it on the line on which its habit shows most.
"""
LINES, SEED = 60, 13
KINDS = {
    "cross": "heads that look at the drawing",
    "decoder": "heads that look back at tokens",
    "encoder": "heads among patches",
}


@dataclass(frozen=True, eq=False)
class Watched:
    """A model, the lines that it was watched on, and what its heads did there."""

    model: Transformer
    lines: Tensor
    habits: dict[Head, Habit]


# What is kept holds its model, so that no other one can come to the same identity meanwhile.
@st.cache_resource(
    show_spinner=f"Watching every head on {LINES} lines…",
    max_entries=3,
    hash_funcs={Transformer: id},
)
def watch(model: Transformer) -> Watched:
    """Watch a model's heads, once for all visitors, on lines of digits that none was trained on."""
    generator = torch.Generator().manual_seed(SEED)
    most = model.config.max_digits
    lines, _ = make_lines(
        embedded_digits("test"),
        LINES,
        model.config,
        generator=generator,
        lengths=(min(3, most), most),
    )
    return Watched(model, lines, head_habits(model, lines))


@st.fragment
def show(model: Transformer) -> None:
    """Draw the section: of the whole model, whatever is drawn or switched off."""
    redraw.only(redraw.SECTION)
    try:
        watched = watch(model)  # it says so while it goes on, above all else
    except ValueError as error:  # a model that has learnt little reads no line of two digits
        st.info(f"{error}.")
        return
    st.caption(SAYS.format(lines=LINES))
    kind = st.segmented_control(
        "Which heads",
        list(KINDS),
        default="cross",
        required=True,
        format_func=KINDS.__getitem__,
        key="habits-kind",
        label_visibility="collapsed",
        persist_state="page",
    )
    habits = {head: habit for head, habit in watched.habits.items() if head.attention == kind}
    st.html(_table(kind, habits))
    download_figure(
        "These habits",
        "habits",
        lambda: habits_figure({head.name: habit.shares for head, habit in habits.items()}),
    )
    head = st.pills(
        "On the line where it shows most",
        list(habits),
        format_func=lambda head: head.name,
        key=f"habit-of-{kind}",
    )
    if head is not None:
        _show_example(watched, head, habits[head])


def _table(kind: str, habits: dict[Head, Habit]) -> str:
    """A row a head: its name, how often that holds, and all of its shares, shaded."""
    places = list(next(iter(habits.values())).shares)
    width = "tokens wide" if kind == "decoder" else "columns wide"
    titles = ["head", "habit", "holds", *places, "bits", width]
    rows = "".join(
        f'<tr data-head="{head.name}"><th>{head.name}</th><td class="words">{habit.name}</td>'
        f"<td>{habit.holds:.0%}</td>"
        + "".join(
            f'<td style="background: rgba(217, 72, 15, {0.6 * share:.2f})">{share:.0%}</td>'
            for share in habit.shares.values()
        )
        + f"<td>{habit.entropy:.1f}</td><td>{habit.width:.1f}</td></tr>"
        for head, habit in habits.items()
    )
    header = "".join(f"<th>{title}</th>" for title in titles)
    table = f"<table><thead><tr>{header}</tr></thead><tbody>{rows}</tbody></table>"
    return f'<div class="numbers habits" data-habits="{kind}">{table}</div>'


def _show_example(watched: Watched, head: Head, habit: Habit) -> None:
    """The line and the query at which most of the head's attention goes where it goes most."""
    line, query = habit.example
    reading = watched.model.read_canvases(watched.lines[line][None], attention=True)[0]
    weights = getattr(reading.maps, head.attention)[head.layer, head.head, query]
    most = max(habit.shares, key=habit.shares.__getitem__)
    names = [*reading.digits, "the end"]
    if head.attention == "encoder":
        row, column = divmod(query, reading.maps.grid[1])
        when = f"the framed patch in row {row + 1}, column {column + 1} looks at {most}"
    else:
        when = f"at step {query + 1}, “{names[query]}”, it looks at {most}"
    st.html(
        f'<p data-habit="{habit.name}" data-line="{line}">Line {line + 1}, read as '
        f"<b>{reading.digits}</b>: {when}.</p>"
    )
    if head.attention == "decoder":
        st.html(_tokens(["start", *reading.digits][: query + 1], weights))
        return
    data = ledger_data(
        reading,
        weights,
        [],
        label=f"How much of its attention {head.name} gives to each square",
        picked=[query] if head.attention == "encoder" else [],
        percent=True,
    )
    live.ledger(data=data, key="habit")


def _tokens(names: list[str], weights: Tensor) -> str:
    """The tokens up to a step, each with the share of attention that it got."""
    tiles = "".join(
        f'<div class="tile"><div class="digit">{name}</div>'
        f'<div class="bar"><i style="width:{share:.0%}"></i></div>'
        f'<div class="sure">{share:.0%}</div></div>'
        for name, share in zip(names, weights.tolist(), strict=False)
    )
    return f'<div class="rows"><div class="reading">{tiles}</div></div>'
