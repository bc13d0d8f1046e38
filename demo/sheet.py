"""The sheet: a canvas as wide as the page, and what can be laid on it."""

import base64
import io
import json
from dataclasses import dataclass, field, replace
from pathlib import Path

import streamlit as st
from PIL import Image, ImageChops, ImageOps
from streamlit.delta_generator import DeltaGenerator
from streamlit_drawable_canvas import st_canvas

from demo import link, redraw
from demo.controls import is_phone
from mnist_transformer import InkError, open_drawing
from mnist_transformer.ink.brush import BRUSH, SHEET

FOLDER = Path(__file__).parent
EXAMPLES = sorted((FOLDER / "examples").glob("*.png"))
ON_ARRIVAL = FOLDER / "examples" / "314159.png"
DESKTOP, PHONE = 1174, 358  # widths to begin with, until the browser has told its own
MOST_PAPER = 4  # rows
LOWEST, HIGHEST = 150, 240  # pixels of one row
MORE = 0.15  # of that for every further row: the more paper, the smaller one writes

# Tells the page's width, and mends what the canvas does not let one choose.
_paper = st.components.v2.component(
    "paper", js=(FOLDER / "sheet.js").read_text(encoding="utf-8"), isolate_styles=False
)


@dataclass(frozen=True)
class Laid:
    """The sheet and what was laid on it, apart from what is drawn since.

    The page's run ends wherever the visitor's next touch finds it, in the midst of two assignments
    to the session's state, too. So all of this changes at once, or not at all.

    Attributes:
        width: of the sheet in pixels.
        rows: of digits that there is room for.
        number: of the canvas; a new number gives a canvas without a past.
        address: what the page's address said of the drawing when it was last followed; None if it
            said nothing, or what it said lies there no more.
        picture: the example or upload that lies under the strokes, if any.
        example: its name, if it is an example.
        makes_way: whether the picture goes with the first stroke.
        drawn: strokes that were laid down, and the (width, height) of the sheet they were drawn on.
        initial: the same strokes on this sheet.
        problem: why nothing was laid down.
    """

    width: int
    rows: int = 1
    number: int = 0
    address: str | None = None
    picture: Image.Image | None = None
    example: str | None = None
    makes_way: bool = False
    drawn: tuple[list[dict], tuple[int, int]] = ([], (1, 1))
    initial: list[dict] = field(default_factory=list)
    problem: str | None = None

    @property
    def size(self) -> tuple[int, int]:
        """Width and height in pixels."""
        return self.width, round(self.row * (1 + MORE * (self.rows - 1)))

    @property
    def row(self) -> int:
        """The height in pixels of a sheet of one row."""
        return min(max(LOWEST, round(0.15 * self.width)), HIGHEST)

    @property
    def smaller(self) -> float:
        """How much smaller one writes here than on a sheet of a single row."""
        return self.size[1] / self.rows / self.row

    @property
    def key(self) -> str:
        """Of the canvas."""
        return f"canvas-{self.number}"

    def with_nothing(self) -> "Laid":
        """An empty sheet, on a canvas without a past."""
        return self.with_strokes([], self.size)

    def with_strokes(
        self,
        strokes: list[dict],
        size: tuple[int, int],
        picture: Image.Image | None = None,
    ) -> "Laid":
        """With strokes of a sheet of some size, and a picture below them, on a fresh canvas."""
        return replace(
            self,
            number=self.number + 1,
            picture=picture,
            example=None,
            makes_way=False,
            drawn=(strokes, size),
            initial=link.fit(strokes, size, self.size),
            problem=None,
        )

    def with_picture(self, picture: Image.Image, example: str | None = None) -> "Laid":
        """With a picture on an empty sheet."""
        return replace(self.with_strokes([], self.size, picture), example=example)


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
        seen = Image.alpha_composite(_fit(self.picture, drawn.size), drawn)
        # The pen's ink is grey, and one channel is less work than four.
        return seen if self.picture else seen.convert("L")


def look() -> InSight:
    """What lies on the sheet, which is known before it is drawn again: see `read_view.show`."""
    state = st.session_state
    laid = _follow_address(state.get("laid"))
    if laid.makes_way and _strokes(laid):
        laid = replace(laid, picture=None, makes_way=False)
    laid = _follow_width(laid)
    told = _told(laid)
    strokes = told["raw"].get("objects", [])
    state.laid = laid
    version = (laid.number, json.dumps(strokes))
    return InSight(strokes, laid.size, laid.picture, told.get("data"), version)


def show(paper: DeltaGenerator) -> None:
    """Draw the sheet on the `paper`, with what `look` found there."""
    laid: Laid = st.session_state.laid
    width, height = laid.size
    with paper:
        below = laid.picture and _as_address(_fit(laid.picture, laid.size))
        size = {"width": width, "height": height, "rows": laid.rows}
        data = {**size, "makesWay": laid.makes_way, "picture": below}
        _paper(data=data, key="paper", on_width_change=_redraw)
        # It has no picture of its own: it would tell of every new one, and all of the page would be
        # gone through once more.
        st_canvas(
            stroke_width=round(max(BRUSH / 2, BRUSH * width / SHEET[0]) * laid.smaller),
            stroke_color=link.INK,
            initial_drawing={"objects": laid.initial},
            width=width,
            height=height,
            return_image_data=True,
            key=laid.key,
            on_change=_redraw,
        )
        if laid.problem:
            st.error(laid.problem)


def _redraw() -> None:
    redraw.note(redraw.PAGE)


def show_tools(has_strokes: bool) -> None:
    """What else can be laid on the sheet: a fresh one, Undo, more paper, examples and an upload."""
    laid: Laid = st.session_state.laid
    label = "Write your own" if laid.picture else "Clear"
    st.button(label, on_click=_clear, type="primary" if laid.picture else "secondary", key="clear")
    st.button(
        "Undo", on_click=_undo, disabled=not has_strokes, help="Takes back a stroke", key="undo"
    )
    st.button(
        "More paper",
        on_click=_add_paper,
        disabled=laid.rows == MOST_PAPER,
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


def _follow_address(laid: Laid | None) -> Laid:
    """Lay down what the page's address says, when one arrives or goes back to it."""
    text = st.query_params.get("drawing")
    if laid is None:
        laid = Laid(PHONE if is_phone() else DESKTOP)
    elif laid.address == text:
        return laid
    example = next((path for path in EXAMPLES if path.stem == text), None)
    if example or not text:
        laid = replace(_with_example(laid, example or ON_ARRIVAL), makes_way=True)
    else:
        try:
            laid = laid.with_strokes(*link.decode(text))
        except link.LinkError as error:
            laid = replace(laid.with_nothing(), problem=str(error))
    return replace(laid, address=text)


def _follow_width(laid: Laid) -> Laid:
    """Let the sheet be as wide as the page, and what is drawn on it in proportion."""
    told = st.session_state.get("paper", {}).get("width")
    if not told or int(told) == laid.width:
        return laid
    wider = replace(laid, width=int(told))
    strokes = _strokes(laid)
    if not strokes:
        return wider
    drawn_on = len(strokes) != len(laid.initial)  # since it was laid down
    return wider.with_strokes(*((strokes, laid.size) if drawn_on else laid.drawn), laid.picture)


def _told(laid: Laid) -> dict:
    """What the canvas tells now: the "raw" strokes and, once drawn on, "data", their picture."""
    told = st.session_state.get(laid.key, {}).get("drawing")
    return told or {"raw": {"objects": laid.initial}}


def _strokes(laid: Laid) -> list[dict]:
    return _told(laid)["raw"].get("objects", [])


def _lay(laid: Laid) -> None:
    """Let this lie there, whatever the address said."""
    st.query_params.pop("drawing", None)
    st.session_state.laid = replace(laid, address=None)


def _clear() -> None:
    _lay(replace(st.session_state.laid, rows=1).with_nothing())


def _undo() -> None:
    state = st.session_state
    laid = state.laid
    strokes = _strokes(laid)  # a callback comes before the run that takes them
    state.laid = laid.with_strokes(strokes[:-1], laid.size, laid.picture)


def _add_paper() -> None:
    """Of a larger paper one is farther away: what is written there stays in its upper left."""
    state = st.session_state
    before = state.laid
    laid = replace(before, rows=before.rows + 1)
    strokes = _strokes(before)
    if strokes and not before.picture:
        scale = laid.smaller / before.smaller
        width, height = laid.size
        laid = laid.with_strokes(strokes, (round(width / scale), round(height / scale)))
    state.laid = laid


def _take_example(path: Path) -> None:
    _lay(_with_example(st.session_state.laid, path))


def _with_example(laid: Laid, path: Path) -> Laid:
    return laid.with_picture(Image.open(path), path.stem)


def _take_upload() -> None:
    state = st.session_state
    upload, laid = state.upload, state.laid
    if upload is None:
        return
    try:
        picture = open_drawing(upload)
    except InkError as error:
        state.laid = replace(laid, problem=f"{upload.name} was not read: {error}")
        return
    _lay(laid.with_picture(picture))


def _fit(picture: Image.Image | None, size: tuple[int, int]) -> Image.Image:
    """White paper of some size, the picture in its middle."""
    paper = Image.new("RGBA", size, "white")
    if picture is not None:
        fitted = ImageOps.contain(picture.convert("RGBA"), size, Image.Resampling.LANCZOS)
        place = ((size[0] - fitted.width) // 2, (size[1] - fitted.height) // 2)
        paper.alpha_composite(fitted, place)
    return paper


def _as_address(picture: Image.Image) -> str:
    """The picture as an address that holds it."""
    png = io.BytesIO()
    picture.convert("RGB").save(png, "PNG", compress_level=1)
    return f"data:image/png;base64,{base64.b64encode(png.getvalue()).decode()}"
