"""The drawing as all models of the visitor's read it, side by side."""

import streamlit as st
from PIL import Image

from demo import models
from demo.controls import page_html, plot
from demo.jobs import TrainingJob
from mnist_transformer import Classifier, InkError, Page, Transformer, load_classifier
from mnist_transformer.figures import class_figure, reading_order_figure
from mnist_transformer.training.moments import MomentError

NEWEST, ALIKE = "Newest moments", "Equal drawings"


def show(runs: list[TrainingJob], drawing: Image.Image | None, running: bool) -> None:
    """What every run makes of it, beside the shipped model.

    Args:
        runs: the visitor's own.
        drawing: what lies on the sheet.
        running: whether one of them goes on, so that there is ever more to see.
    """
    if drawing is None:
        st.info("Draw something above to have your models read it, too.")
        return
    if runs[-1].kind == "classifier":
        _compare_classifiers(runs[-1], drawing)
        return
    readers = [run for run in runs if models.can_be_shown(run)]
    head, choice = st.columns(2, vertical_alignment="center")
    head.markdown("**The same drawing, as each of them reads it**")
    way = choice.segmented_control(
        "Which moments are compared",
        [NEWEST, ALIKE],
        default=NEWEST,
        required=True,
        key="compared-at",
        persist_state="page",
        label_visibility="collapsed",
        help="After equally many drawings: as many as the moment that the page is about had "
        "learned from, or where it is about none, as the run that learned from the fewest.",
    )
    columns = st.columns(min(3, len(readers) + 1))
    shipped = models.shipped_model()
    _tile(columns[0], "**The shipped model reads**", ("shipped", 0), shipped, drawing)
    at = _drawings_alike(readers) if way == ALIKE else None
    for n, run in enumerate(readers, 1):
        step, drawings = _moment(run, at)
        try:
            model = run.moments.model(step)
        except MomentError:  # thrown away since
            continue
        assert isinstance(model, Transformer)
        column = columns[n % len(columns)]
        title = f"**{run.title.capitalize()} reads** after {drawings:,} drawings"
        page = _tile(column, title, (run.id, step), model, drawing)
        if run is runs[-1] and page is not None and len(page.rows) == 1:
            _show_order(page, "then" if at is not None else "now" if running else "in the end")


def _drawings_alike(runs: list[TrainingJob]) -> int:
    """After how many drawings runs are compared."""
    shown = models.chosen().run
    if shown is not None and shown[0] in runs:
        run, step = shown  # the moment itself may have been thinned out since
        return min(_moments(run), key=lambda moment: abs(moment[0] - step), default=(0, 0))[1]
    return min((_moments(run)[-1][1] for run in runs), default=0)


def _moments(run: TrainingJob) -> list[tuple[int, int]]:
    """The step of each moment, and how many drawings it had learned from."""
    moments = run.moments.numbers
    return list(zip((m.step for m in moments), run.drawings(moments), strict=True))


def _moment(run: TrainingJob, at: int | None) -> tuple[int, int]:
    """The step of a run's newest moment, or the one nearest to so many drawings; and how many
    drawings it had learned from."""
    moments = _moments(run)
    return moments[-1] if at is None else min(moments, key=lambda moment: abs(moment[1] - at))


def _tile(column, title: str, name: tuple[str, int], model: Transformer, drawing) -> Page | None:
    column.markdown(title)
    page = _read(name, model, drawing)
    if isinstance(page, str):
        column.warning(page)
        return None
    column.html(page_html(page, model.config.max_digits))
    return page


def _read(name: tuple[str, int], model: Transformer, drawing: Image.Image) -> Page | str:
    """Read once for each drawing and moment; or why it cannot be read."""
    state = st.session_state
    read = state.read
    if read.model is model and not read.problem:
        return read.page  # which the whole page is about
    if state.get("compared-of") != read.version:
        state["compared"], state["compared-of"] = {}, read.version
    kept = state["compared"]
    if kept.get(name[0], (None, None))[0] != name:
        try:
            kept[name[0]] = name, model.read_page(drawing, attention=True)
        except InkError as error:
            kept[name[0]] = name, str(error)
    return kept[name[0]][1]


def _show_order(page: Page, when: str) -> None:
    reading = page.rows[0].parts[0]
    if reading.steps:
        st.markdown(f"**Where the newest run looks {when}, at each step**")
        st.caption("Reading from left to right is a falling diagonal.")
        plot(reading_order_figure(reading), "order-figure")


def _compare_classifiers(run: TrainingJob, drawing: Image.Image) -> None:
    if not run.moments.steps:
        return
    model = run.moments.model(run.moments.steps[-1])
    assert isinstance(model, Classifier)
    ours, theirs = st.columns(2)
    try:
        with ours:
            st.markdown(f"**{run.title.capitalize()} says**")
            plot(class_figure(model.read(drawing)), "own-bars")
        with theirs:
            st.markdown("**The shipped classifier says**")
            plot(class_figure(_shipped_classifier().read(drawing)), "shipped-bars")
    except InkError as error:
        st.warning(str(error))
        return
    st.caption("The classifier takes the whole drawing for one digit.")


@st.cache_resource(show_spinner=False)
def _shipped_classifier() -> Classifier:
    return load_classifier()
