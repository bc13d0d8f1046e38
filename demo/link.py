"""The canvas's strokes: as a short text for a link, and as a picture."""

import base64
import json
import math
import zlib

from PIL import Image

from mnist_transformer.ink.brush import BRUSH, draw_strokes

INK = "#111111"
LONGEST_LINK = 16_000  # characters; more than any address bar takes
LONGEST_TEXT = 400_000  # what so much text may unpack to
_LENGTHS = {"M": 3, "L": 3, "Q": 5}  # the commands of a path, with their numbers
_PLACE = ("left", "top", "scaleX", "scaleY", "angle")


class LinkError(ValueError):
    """A link that holds no drawing."""


def encode(strokes: list[dict]) -> str:
    """The canvas's strokes as text that may stand in an address.

    Raises:
        LinkError: if the drawing is too large for a link.
    """
    kept = [
        [
            [[command[0], *(round(number, 1) for number in command[1:])] for command in s["path"]],
            [round(s.get(name, 0), 3) for name in _PLACE],
        ]
        for s in strokes
    ]
    packed = zlib.compress(json.dumps(kept, separators=(",", ":")).encode(), 9)
    text = base64.urlsafe_b64encode(packed).decode().rstrip("=")
    if len(text) > LONGEST_LINK:
        raise LinkError("This drawing is too large for a link.")
    return text


def decode(text: str) -> list[dict]:
    """The strokes in a link, as the canvas takes them.

    Raises:
        LinkError: if the text is none that `encode` made.
    """
    try:
        if len(text) > LONGEST_LINK:
            raise ValueError("too long")
        packed = base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))
        unpacker = zlib.decompressobj()
        plain = unpacker.decompress(packed, LONGEST_TEXT)
        if unpacker.unconsumed_tail:
            raise ValueError("unpacks to too much")
        return [_stroke(path, place) for path, place in json.loads(plain)]
    except (ValueError, TypeError, LookupError, zlib.error, RecursionError) as error:
        raise LinkError("This link holds no drawing.") from error


def _stroke(path: list, place: list) -> dict:
    for command in path:
        if len(command) != _LENGTHS[command[0]]:
            raise ValueError(f"no command of a path: {command}")
    if not path or path[0][0] != "M":
        raise ValueError("a path starts somewhere")
    numbers = [number for command in path for number in command[1:]] + place
    if len(place) != len(_PLACE) or not all(abs(float(number)) < 1e5 for number in numbers):
        raise ValueError("no place on the sheet")
    return {
        "type": "Path",
        "originX": "center",
        "originY": "center",
        "path": path,
        "fill": None,
        "stroke": INK,
        "strokeWidth": BRUSH,
        "strokeLineCap": "round",
        "strokeLineJoin": "round",
    } | dict(zip(_PLACE, place, strict=True))


def picture(strokes: list[dict], size: tuple[int, int]) -> Image.Image:
    """The strokes as the canvas's round brush draws them, dark on white.

    Args:
        strokes: as the canvas gives them or `decode` makes them.
        size: (width, height) of the sheet in pixels.
    """
    placed = [_placed(_points(stroke["path"]), stroke) for stroke in strokes]
    return draw_strokes(placed, size, BRUSH)


def _points(path: list) -> list[tuple[float, float]]:
    """Points along a path of moves, lines and quadratic curves."""
    points: list[tuple[float, float]] = []
    for command in path:
        *bend, x, y = command[1:]
        if len(bend) == 2:
            start = points[-1]
            for t in (0.25, 0.5, 0.75):
                a, b, c = (1 - t) ** 2, 2 * t * (1 - t), t**2
                points.append(
                    (a * start[0] + b * bend[0] + c * x, a * start[1] + b * bend[1] + c * y)
                )
        points.append((x, y))
    return points


def _placed(points: list[tuple[float, float]], stroke: dict) -> list[tuple[float, float]]:
    """Where the points lie after the stroke was moved, scaled or turned on the canvas."""
    xs, ys = zip(*points, strict=True)
    middle = (min(xs) + max(xs)) / 2, (min(ys) + max(ys)) / 2
    angle = math.radians(stroke["angle"])
    cos, sin = math.cos(angle), math.sin(angle)
    placed = []
    for x, y in points:
        x, y = (x - middle[0]) * stroke["scaleX"], (y - middle[1]) * stroke["scaleY"]
        placed.append((stroke["left"] + x * cos - y * sin, stroke["top"] + x * sin + y * cos))
    return placed
