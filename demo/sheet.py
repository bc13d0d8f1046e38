"""The sheet: a canvas as wide as the page, and what can be laid on it."""

import base64
import io
import json
from dataclasses import dataclass
from pathlib import Path

import streamlit as st
from PIL import Image, ImageChops, ImageOps
from streamlit.delta_generator import DeltaGenerator
from streamlit_drawable_canvas import st_canvas

from demo import link
from mnist_transformer import InkError, open_drawing
from mnist_transformer.ink.brush import BRUSH, SHEET

FOLDER = Path(__file__).parent
EXAMPLES = sorted((FOLDER / "examples").glob("*.png"))
ON_ARRIVAL = FOLDER / "examples" / "314159.png"
DESKTOP, PHONE = 1174, 358  # widths to begin with, until the browser has told its own
MOST_PAPER = 4  # rows
LOWEST, HIGHEST = 150, 240  # pixels of one row
MORE = 0.2  # of that for every further row: the more paper, the smaller one writes

# Tells the page's width, and mends what the canvas does not let one choose.
_paper = st.components.v2.component(
    "paper", js=(FOLDER / "sheet.js").read_text(encoding="utf-8"), isolate_styles=False
)


@dataclass(frozen=True)
class InSight:
    """What lies on the sheet.

    Attributes:
        strokes: what was drawn, as the canvas gives it.
        size: (width, height) of the sheet in pixels.
        picture: the example or upload that lies under the strokes, if any.
        shown: the strokes as the canvas shows them, an address that holds a PNG; None before it
            has.
        version: changes whenever what is in sight does.
    """

    strokes: list[dict]
    size: tuple[int, int]
    picture: Image.Image | None
    shown: str | None
    version: tuple[int, str]

    def drawing(self) -> Image.Image | None:
        """The strokes, the picture, or the strokes on the picture; None for an empty sheet."""
        if not self.strokes:
            return self.picture
        if self.shown is None:  # strokes that a link brought are not shown yet
            drawn = link.picture(self.strokes, self.size)
            return ImageChops.darker(_fit(self.picture, self.size).convert("L"), drawn)
        png = base64.b64decode(self.shown.split(",", 1)[1])
        drawn = Image.open(io.BytesIO(png)).convert("RGBA")
        return Image.alpha_composite(_fit(self.picture, drawn.size), drawn)


def look() -> InSight:
    """What lies on the sheet, which is known before it is drawn again: see `read_view.show`."""
    state = st.session_state
    state.setdefault("sheet_rows", 1)
    state.setdefault("canvas_number", 0)  # a new number gives a canvas without a past
    if "sheet_width" not in state:
        is_phone = "Mobi" in st.context.headers.get("User-Agent", "")
        state.sheet_width = PHONE if is_phone else DESKTOP
    _follow_address()
    _follow_width()
    told = _told()
    state.strokes = told["raw"].get("objects", [])
    if state.strokes and state.makes_way:
        state.picture, state.makes_way = None, False
    version = (state.canvas_number, json.dumps(state.strokes))
    return InSight(state.strokes, size(), state.picture, told.get("data"), version)


def show(paper: DeltaGenerator, tools: DeltaGenerator) -> None:
    """Draw the sheet on the `paper`, and among the `tools` what else can be laid on it."""
    state = st.session_state
    width, height = size()
    with paper:
        data = {"width": width, "height": height, "makesWay": state.makes_way}
        _paper(data=data, key="paper", on_width_change=lambda: None)
        st_canvas(
            stroke_width=round(max(BRUSH / 2, BRUSH * width / SHEET[0]) * _smaller(height)),
            stroke_color=link.INK,
            initial_drawing={"objects": state.initial},
            # Always a picture: without one the canvas would have a colour, and start anew
            # when it is given or taken.
            background_image=_fit(state.picture, (width, height) if state.picture else (1, 1)),
            width=width,
            height=height,
            return_image_data=True,
            key=_canvas_key(),
        )
        if state.sheet_error:
            st.error(state.sheet_error)
    with tools:
        _show_tools()


def _canvas_key() -> str:
    return f"canvas-{st.session_state.canvas_number}"


def size() -> tuple[int, int]:
    """Width and height of the sheet in pixels: as wide as the page."""
    state = st.session_state
    return state.sheet_width, round(_row() * (1 + MORE * (state.sheet_rows - 1)))


def _row() -> int:
    """The height in pixels of a sheet of one row."""
    return min(max(LOWEST, round(0.15 * st.session_state.sheet_width)), HIGHEST)


def _smaller(height: int) -> float:
    """How much smaller one writes on a sheet of this height than on one of a single row."""
    return height / st.session_state.sheet_rows / _row()


def _show_tools() -> None:
    """A fresh sheet, Undo, more paper, examples and an upload."""
    state = st.session_state
    label = "Write your own" if state.picture else "Clear"
    st.button(label, on_click=_clear, type="primary" if state.picture else "secondary", key="clear")
    st.button(
        "Undo", on_click=_undo, disabled=not state.strokes, help="Takes back a stroke", key="undo"
    )
    st.button(
        "More paper",
        on_click=_add_paper,
        disabled=state.sheet_rows == MOST_PAPER,
        help="For several rows of digits",
    )
    st.markdown("Examples:", width="content")
    for path in EXAMPLES:
        st.button(path.stem, on_click=_take_example, args=(path,))
    with st.popover("Upload"):
        st.file_uploader(
            "A picture of digits, in one row or several",
            type=["png", "jpg", "jpeg", "webp", "bmp"],
            key="upload",
            on_change=_take_upload,
        )


def _follow_address() -> None:
    """Lay down what the page's address says, when one arrives or goes back to it."""
    state = st.session_state
    text = st.query_params.get("drawing")
    if "address" in state and state.address == text:
        return
    state.address = text
    example = next((path for path in EXAMPLES if path.stem == text), None)
    if example or not text:
        _lay_example(example or ON_ARRIVAL)
        state.makes_way = True
        return
    try:
        _lay_down(drawn=link.decode(text))
    except link.LinkError as error:
        _lay_down()
        state.sheet_error = str(error)


def _follow_width() -> None:
    """Let the sheet be as wide as the page, and what is drawn on it in proportion."""
    state = st.session_state
    told = state.get("paper", {}).get("width")
    if not told or int(told) == state.sheet_width:
        return
    old = size()
    state.sheet_width = int(told)
    if len(state.strokes) != len(state.initial):  # drawn on since it was laid down
        state.drawn = (state.strokes, old)
    if state.strokes:
        _lay_down(state.picture, state.drawn)


def _lay_down(
    picture: Image.Image | None = None,
    drawn: tuple[list[dict], tuple[int, int]] | None = None,
) -> None:
    """Put a picture, and strokes on a sheet of some size, on a canvas without a past."""
    state = st.session_state
    state.picture, state.makes_way = picture, False
    state.example = None  # its name, if that is what is laid down
    strokes, sheet = state.drawn = drawn or ([], size())
    state.initial = state.strokes = link.fit(strokes, sheet, size())
    state.canvas_number += 1
    state.sheet_error = None


def _forget_address() -> None:
    """What is laid down now is not what the address said."""
    st.session_state.address = None
    st.query_params.pop("drawing", None)


def _clear() -> None:
    _forget_address()
    st.session_state.sheet_rows = 1
    _lay_down()


def _undo() -> None:
    strokes = _told()["raw"].get("objects", [])  # a callback comes before the run that takes them
    _lay_down(st.session_state.picture, (strokes[:-1], size()))


def _told() -> dict:
    """What the canvas tells now: the "raw" strokes and, once drawn on, "data", their picture."""
    state = st.session_state
    return state.get(_canvas_key(), {}).get("drawing") or {"raw": {"objects": state.initial}}


def _add_paper() -> None:
    """Of a larger paper one is farther away: what is written there stays in its upper left."""
    state = st.session_state
    strokes, before = _told()["raw"].get("objects", []), _smaller(size()[1])
    state.sheet_rows += 1
    width, height = size()
    scale = _smaller(height) / before
    if strokes and not state.picture:
        _lay_down(drawn=(strokes, (round(width / scale), round(height / scale))))


def _take_example(path: Path) -> None:
    _forget_address()
    _lay_example(path)


def _lay_example(path: Path) -> None:
    _lay_down(Image.open(path))
    st.session_state.example = path.stem


def _take_upload() -> None:
    upload = st.session_state.upload
    if upload is None:
        return
    try:
        picture = open_drawing(upload)
    except InkError as error:
        st.session_state.sheet_error = f"{upload.name} was not read: {error}"
        return
    _forget_address()
    _lay_down(picture)


def _fit(picture: Image.Image | None, size: tuple[int, int]) -> Image.Image:
    """White paper of some size, the picture in its middle."""
    paper = Image.new("RGBA", size, "white")
    if picture is not None:
        fitted = ImageOps.contain(picture.convert("RGBA"), size, Image.Resampling.LANCZOS)
        place = ((size[0] - fitted.width) // 2, (size[1] - fitted.height) // 2)
        paper.alpha_composite(fitted, place)
    return paper
