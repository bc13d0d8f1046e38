"""What several views share: a reading as tiles, and figures."""

import html
from collections.abc import Callable, Sequence

import plotly.graph_objects as go
import streamlit as st

from demo import redraw
from mnist_transformer import Page, Reading
from mnist_transformer.figures.style import CLEAR
from mnist_transformer.reading import is_doubtful

INK, LINES = "#343a40", "rgba(128,128,128,0.25)"  # of figures


def reading_html(
    reading: Reading,
    max_digits: int,
    probabilities: list[float] | None = None,
    more_hints: Sequence[str] = (),
) -> str:
    """The digits as tiles, each with its probability, or a hint where there are none.

    Args:
        reading: what was read.
        max_digits: the most that the model reads in a line.
        probabilities: of each digit; None means the reading's own.
        more_hints: what else is to be said.
    """
    probabilities = reading.probabilities if probabilities is None else probabilities
    hints = [*reading_hints(reading, probabilities, max_digits), *more_hints]
    return _tiles(reading, probabilities, hints) if reading.digits else hint_html(hints[0])


def reading_hints(reading: Reading, probabilities: list[float], max_digits: int) -> list[str]:
    """What is to be said of a reading beside its digits; see `reading_html`."""
    if not reading.digits:
        return ["The model sees no digits here."]
    hints = ["dashed: not sure"] if any(map(is_doubtful, probabilities)) else []
    if reading.unread:
        hints.append("some ink was passed over")
    if reading.truncated:
        hints.append(f"… the line continues: {max_digits} digits are the most")
    return hints


def is_phone() -> bool:
    """Whether the visitor's browser says that it is one."""
    return "Mobi" in st.context.headers.get("User-Agent", "")


def take_step(key: str) -> None:
    """Keep the step that the live view of this key tells was chosen on the page."""
    st.session_state["step"] = int(st.session_state[key].step)
    redraw.note(redraw.SECTION)


def step_shown(reading: Reading) -> int:
    """The step that a view shows, from 0: what was chosen last; as on the stage, the first if the
    reading has no such step."""
    step = st.session_state.get("step", 0)
    return step if step < reading.steps else 0


def page_html(page: Page, max_digits: int, chosen: Reading | None = None) -> str:
    """One line as `reading_html`; several rows as smaller tiles, one row under another.

    The probabilities are the rows', which are more cautious than those of a single reading.

    Args:
        page: what was read.
        max_digits: the most that the model reads in a line.
        chosen: the row, or the part of a long one, that is marked.
    """
    rows = [list(zip(row.parts, row.probabilities_by_part, strict=True)) for row in page.rows]
    if not rows:
        return hint_html("Nothing is drawn.")
    left_out = ["some ink that touches the border was left out"]
    left_out = left_out if any(row.lacks_ink for row in page.rows) else []
    if sum(map(len, rows)) == 1:
        ((part, probabilities),) = rows[0]
        return reading_html(part, max_digits, probabilities, left_out)
    tiles = "".join(
        '<div class="row">'
        + "".join(_tiles(*part, [], chosen=part[0] is chosen) for part in row)
        + "</div>"
        for row in rows
    )
    hints = []
    if any(any(row.uncertain) for row in page.rows):
        hints.append("dashed: not sure")
    if any(part.unread for row in page.rows for part in row.parts):
        hints.append("dashed row: some of its ink was passed over")
    hints += left_out
    if hints:
        tiles += f'<span class="hint">{"; ".join(hints)}</span>'
    return f'<div class="rows">{tiles}</div>'


def hint_html(text: str) -> str:
    """What stands where the tiles would."""
    return f'<div class="reading"><span class="hint">{html.escape(text)}</span></div>'


def _tiles(
    read: Reading, probabilities: list[float], hints: list[str], chosen: bool = False
) -> str:
    """A tile a digit, the doubtful ones dashed, and hints after them."""
    tiles = "".join(
        f'<div class="tile{" doubtful" if is_doubtful(probability) else ""}">'
        f'<div class="digit">{digit}</div>'
        f'<div class="bar"><i style="width:{probability:.0%}"></i></div>'
        f'<div class="sure">{probability:.0%}</div></div>'
        for digit, probability in zip(read.digits, probabilities, strict=True)
    )
    tiles += "".join(f'<span class="hint">{hint}</span>' for hint in hints)
    # Of several rows, one with ink that was passed over is dashed as a whole.
    name = "reading" + " chosen" * chosen + " passed-over" * bool(read.unread)
    return f'<div class="{name}" role="status" data-digits="{read.digits}">{tiles}</div>'


def _camera(name: str) -> dict:
    """On hover, a camera that saves the figure by this name, and nothing else."""
    return {
        "modeBarButtons": [["toImage"]],
        "displaylogo": False,
        "toImageButtonOptions": {"format": "svg", "filename": name},
    }


def plot(figure: go.Figure, key: str) -> None:
    """Show a figure at the page's width, its text large and dark enough for the back row."""
    # Streamlit's own theme would have grey text, 3.7 : 1 against white. This is dark, for pictures
    # that are saved; on the page, style.css gives it the colour of the page's text.
    figure.update_layout(
        template="plotly_white",
        paper_bgcolor=CLEAR,
        plot_bgcolor=figure.layout.plot_bgcolor or CLEAR,
        font={"size": 15, "color": INK, "family": "Source Sans, sans-serif"},
    )
    figure.update_xaxes(gridcolor=LINES, zerolinecolor=LINES)
    figure.update_yaxes(gridcolor=LINES, zerolinecolor=LINES)
    st.plotly_chart(figure, width="stretch", theme=None, config=_camera(key), key=key)


def download_figure(label: str, name: str, draw: Callable[[], go.Figure]) -> None:
    """A button for a figure as a page, whose camera saves it as SVG; drawn when it is asked for."""
    st.download_button(
        f"{label} as a figure (HTML)",
        lambda: draw().to_html(include_plotlyjs=True, config=_camera(name)),
        f"{name}.html",
        on_click="ignore",
        key=f"{name}-html",
    )
