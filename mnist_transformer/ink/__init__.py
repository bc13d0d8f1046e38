"""From any picture to the canvases that the models read."""

from .brush import draw_strokes
from .canvas import (
    drawing_to_canvas,
    looks,
    looks_as_drawn,
    picture_to_parts,
    set_stroke_width,
)
from .files import open_drawing, open_pages
from .picture import MAX_PIXELS, BlankDrawing, Drawing, InkError
from .unread import unread_marks

__all__ = [
    "MAX_PIXELS",
    "BlankDrawing",
    "Drawing",
    "InkError",
    "draw_strokes",
    "drawing_to_canvas",
    "looks",
    "looks_as_drawn",
    "open_drawing",
    "open_pages",
    "picture_to_parts",
    "set_stroke_width",
    "unread_marks",
]
