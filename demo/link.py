"""The canvas's strokes: as a short text for a link, on another sheet, and as a picture."""

import base64
import json
import math
import zlib

from PIL import Image, ImageChops

from mnist_transformer.ink.brush import BRUSH, SHEET, draw_strokes

INK = "#111111"
LONGEST_LINK = 16_000  # characters; more than any address bar takes
LONGEST_TEXT = 400_000  # what so much text may unpack to
_LENGTHS = {"M": 3, "L": 3, "Q": 5}  # the commands of a path, with their numbers
_PLACE = ("left", "top", "scaleX", "scaleY", "angle")
_LARGEST = 20_000  # pixels of a sheet, either way


class LinkError(ValueError):
    """A link that holds no drawing."""


def encode(strokes: list[dict], size: tuple[int, int]) -> str:
    """The canvas's strokes as text that may stand in an address.

    Args:
        strokes: as the canvas gives them.
        size: (width, height) of their sheet in pixels.

    Raises:
        LinkError: if the drawing is too large for a link.
    """
    kept = [
        [
            [[command[0], *(round(number, 1) for number in command[1:])] for command in s["path"]],
            [*(round(s.get(name, 0), 3) for name in _PLACE), round(s["strokeWidth"], 2)],
        ]
        for s in strokes
    ]
    plain = json.dumps({"size": size, "strokes": kept}, separators=(",", ":"))
    packed = zlib.compress(plain.encode(), 9)
    text = base64.urlsafe_b64encode(packed).decode().rstrip("=")
    if len(text) > LONGEST_LINK:
        raise LinkError("This drawing is too large for a link.")
    return text


def decode(text: str) -> tuple[list[dict], tuple[int, int]]:
    """The strokes in a link, as the canvas takes them, and the (width, height) of their sheet.

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
        drawing = json.loads(plain)
        # The first links held the strokes alone, drawn on the only sheet that there was.
        if isinstance(drawing, list):
            drawing = {"size": SHEET, "strokes": drawing}
        width, height = map(int, drawing["size"])
        if not (0 < width <= _LARGEST and 0 < height <= _LARGEST):
            raise ValueError("no size of a sheet")
        return [_stroke(path, place) for path, place in drawing["strokes"]], (width, height)
    except (ValueError, TypeError, LookupError, zlib.error, RecursionError, OverflowError) as error:
        raise LinkError("This link holds no drawing.") from error


def _stroke(path: list, place: list) -> dict:
    for command in path:
        if len(command) != _LENGTHS[command[0]]:
            raise ValueError(f"no command of a path: {command}")
    if not path or path[0][0] != "M":
        raise ValueError("a path starts somewhere")
    place, brush = place[: len(_PLACE)], (place[len(_PLACE) :] or [BRUSH])
    numbers = [number for command in path for number in command[1:]] + place
    if len(place) != len(_PLACE) or not all(abs(float(number)) < 1e5 for number in numbers):
        raise ValueError("no place on the sheet")
    if len(brush) != 1 or not 0 < float(brush[0]) < 1000:
        raise ValueError("no width of a brush")
    return {
        "type": "Path",
        "originX": "center",
        "originY": "center",
        "path": path,
        "fill": None,
        "stroke": INK,
        "strokeWidth": brush[0],
        "strokeLineCap": "round",
        "strokeLineJoin": "round",
    } | dict(zip(_PLACE, place, strict=True))


def fit(strokes: list[dict], old: tuple[int, int], new: tuple[int, int]) -> list[dict]:
    """The strokes of one sheet in the middle of another, as large as it takes them, brush and all.

    Args:
        strokes: as the canvas gives them or `decode` makes them.
        old, new: (width, height) of the two sheets in pixels.
    """
    scale = min(new[0] / old[0], new[1] / old[1])
    right, down = ((after - before * scale) / 2 for before, after in zip(old, new, strict=True))

    def moved(command: list) -> list:
        name, *numbers = command
        xs, ys = numbers[::2], numbers[1::2]
        places = ((x * scale + right, y * scale + down) for x, y in zip(xs, ys, strict=True))
        return [name, *(number for place in places for number in place)]

    return [
        stroke
        | {
            "path": [moved(command) for command in stroke["path"]],
            "left": stroke["left"] * scale + right,
            "top": stroke["top"] * scale + down,
            "strokeWidth": stroke["strokeWidth"] * scale,
        }
        for stroke in strokes
    ]


def points(strokes: list[dict]) -> list[list[tuple[float, float]]]:
    """The points of every stroke, as the pen went, in pixels of the sheet."""
    return [_placed(_points(stroke["path"]), stroke) for stroke in strokes]


def picture(strokes: list[dict], size: tuple[int, int]) -> Image.Image:
    """The strokes as the canvas's round brush draws them, dark on white.

    Args:
        strokes: as the canvas gives them or `decode` makes them.
        size: (width, height) of the sheet in pixels.
    """
    drawn = Image.new("L", size, 255)
    for brush in sorted({stroke["strokeWidth"] for stroke in strokes}):
        alike = [stroke for stroke in strokes if stroke["strokeWidth"] == brush]
        drawn = ImageChops.darker(drawn, draw_strokes(points(alike), size, brush))
    return drawn


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
