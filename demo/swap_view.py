"""The swapped thought: carry something over from another drawing, and see when the answer flips."""

import streamlit as st

from demo import changes, live, redraw
from demo.controls import download_figure, reading_html, step_shown, take_step
from demo.sheet import EXAMPLES
from mnist_transformer import Reading, Transformer
from mnist_transformer.explain.heads import Head, all_heads
from mnist_transformer.explain.patching import (
    Swap,
    SwapMap,
    layer_title,
    read_swapped,
    swap_map,
)
from mnist_transformer.figures import drawing_image
from mnist_transformer.figures.distribution import OUTCOMES
from mnist_transformer.figures.live.ledger import ledger_data

SAYS = """
Two drawings, one model: the numbers say how far one square of the memory, one head or one layer,
carried over from the second drawing, would move this step's answer on its way to the other one.
Click them, and the first drawing is read with those thoughts of the second. Choose the digit on the
stage above.
"""
MINE = "keep mine"


@st.fragment
def show(reading: Reading, model: Transformer) -> None:
    """Draw the section for a reading made with its attention maps."""
    redraw.only(redraw.SECTION)
    if not reading.steps:
        st.info("Draw something above, then carry thoughts over to it here.")
        return
    state = st.session_state
    model, reading = changes.apply(model, reading)
    if state.get("swap-of") is not reading:
        state["carried"], state["swap-of"] = [], reading
    st.caption(SAYS)
    donor = _choose_donor(reading, model)
    first, second = st.columns(2)
    first.markdown("**Your drawing, with what is carried over**")
    second.markdown("**The second drawing**")
    second.image(drawing_image(donor.canvas))
    second.html(reading_html(donor, model.config.max_digits))
    swap = _swap(state["carried"], model)
    swapped = read_swapped(model, reading, donor, swap)
    first.image(drawing_image(reading.canvas))
    tiles = reading_html(swapped, model.config.max_digits)
    turned = swapped.digits != reading.digits
    first.html(f'<div data-swapped="{swapped.digits}" data-turned="{turned}">{tiles}</div>')
    carried = ", ".join(_title(name, reading) for name in state["carried"])
    first.markdown(f"Carried over: {carried or 'nothing yet'}.")
    step = step_shown(reading)
    if problem := _why_not(reading, donor, step):
        st.info(f"{problem} Choose another digit on the stage above.")
    else:
        _show_map(reading, swap_map(model, reading, donor, step), step)


def _choose_donor(reading: Reading, model: Transformer) -> Reading:
    """An example, or a drawing that was kept."""
    state = st.session_state
    kept = _kept(model)
    names = [path.stem for path in EXAMPLES]
    donors, keep = st.columns([4, 1], vertical_alignment="bottom")
    chosen = donors.segmented_control(
        "The second drawing",
        [*names, *([MINE] if kept else [])],
        default=next(name for name in names if name != reading.digits),
        required=True,
        format_func=lambda name: f"yours, {kept.digits}" if name == MINE and kept else name,
        key="donor",
        persist_state="page",
    )
    keep.button(
        "Keep my drawing as second",
        key="keep",
        on_click=lambda: state.update({"kept": (reading, model)}),
    )
    if chosen == MINE and kept:
        return kept
    return model.read(EXAMPLES[names.index(chosen)])


def _kept(model: Transformer) -> Reading | None:
    """The drawing that was kept, as this model reads it."""
    state = st.session_state
    if "kept" not in state:
        return None
    reading, of = state["kept"]
    if of is not model:
        shape = model.config.canvas_height, model.config.canvas_width
        fits = reading.canvas.shape == shape
        reading = (
            model.read_canvases(reading.canvas[None], attention=True)[0]
            if fits
            else model.read(reading.canvas.numpy(), attention=True)
        )
        state["kept"] = reading, model
    return reading


def _why_not(reading: Reading, donor: Reading, step: int) -> str | None:
    """Why nothing can be carried over at this step, from 0, if that is so."""
    if step >= donor.steps:
        return f"The second drawing is read in {donor.steps} steps: it has no step {step + 1}."
    answer, other = (int(each.distributions[step].argmax()) for each in (reading, donor))
    if answer == other:
        said = f"Both drawings say “{OUTCOMES[answer]}” at step {step + 1}"
        return f"{said}: there is nothing to carry over."
    return None


def _swap(carried: list[int | str], model: Transformer) -> Swap:
    """What the names of bars, and the numbers of patches, stand for."""
    heads, layers = _heads(model), _layers(model)
    return Swap(
        frozenset(heads[name] for name in carried if name in heads),
        frozenset(layers[name] for name in carried if name in layers),
        frozenset(name for name in carried if isinstance(name, int)),
    )


def _heads(model: Transformer) -> dict[int | str, Head]:
    return {head.name: head for head in all_heads(model.config)}


def _layers(model: Transformer) -> dict[int | str, tuple[str, int]]:
    everything = sorted(Swap.everything(model.config).layers)
    return {layer_title(stack, layer): (stack, layer) for stack, layer in everything}


def _title(name: int | str, reading: Reading) -> str:
    if isinstance(name, str):
        return name
    row, column = divmod(name, reading.maps.grid[1])
    return f"the square in row {row + 1}, column {column + 1}"


def _show_map(reading: Reading, found: SwapMap, step: int) -> None:
    state = st.session_state
    data = ledger_data(
        reading,
        found.patches,
        found.parts,
        label="How far each square would carry the answer over",
        step=step,
        picked=state["carried"],
        percent=True,
    )
    live.ledger(
        data=data, key="swap", on_step_change=lambda: take_step("swap"), on_picked_change=_take_pick
    )
    download_figure("This map", "swap", lambda: reading.plot_swap(found))


def _take_pick() -> None:
    """Carry one thing more over, or put it back."""
    redraw.note(redraw.SECTION)
    state = st.session_state
    what = state["swap"].picked["what"]
    kept = [name for name in state["carried"] if name != what]
    state["carried"] = kept if what in state["carried"] else [*kept, what]
