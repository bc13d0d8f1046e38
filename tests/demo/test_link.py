import base64
import json
import zlib

import numpy as np
import pytest

from demo import link

PATH = [["M", 50.04, 38], ["Q", 50, 38, 53, 38], ["L", 73.988, 150.012]]
PLACE = {"left": 82.2, "top": 92.5, "scaleX": 1, "scaleY": 1, "angle": 0}
STROKE = {"type": "Path", "path": PATH, "strokeWidth": 12} | PLACE
SIZE = (1174, 176)


def test_strokes_survive_the_way_into_a_link_and_back():
    (stroke,), size = link.decode(link.encode([STROKE | {"stroke": "#00ff00"}], SIZE))
    assert stroke["path"] == [["M", 50.0, 38], ["Q", 50, 38, 53, 38], ["L", 74.0, 150.0]]
    assert (stroke["left"], stroke["top"], stroke["stroke"]) == (82.2, 92.5, link.INK)
    assert (stroke["strokeWidth"], size) == (12, SIZE)


def test_a_link_of_the_first_kind_is_one_of_the_sheet_that_there_was():
    (stroke,), size = link.decode(packed([[PATH, [82.2, 92.5, 1, 1, 0]]]))
    assert (stroke["left"], stroke["strokeWidth"], size) == (82.2, link.BRUSH, link.SHEET)


@pytest.mark.parametrize("new", [(358, 150), (1824, 240), (1174, 352)])
def test_strokes_on_another_sheet_are_the_same_picture_scaled(new):
    moved = link.fit([STROKE, STROKE | {"left": 700}], SIZE, new)
    scale = min(new[0] / SIZE[0], new[1] / SIZE[1])
    assert moved[0]["strokeWidth"] == pytest.approx(12 * scale)
    was = np.asarray(link.picture([STROKE, STROKE | {"left": 700}], SIZE)) < 128
    now = np.asarray(link.picture(moved, new)) < 128
    assert now.sum() == pytest.approx(was.sum() * scale**2, rel=0.1)
    for axis in (0, 1):
        places, before = np.nonzero(now.any(axis))[0], np.nonzero(was.any(axis))[0]
        shift = (new[axis] - SIZE[axis] * scale) / 2
        assert places.min() == pytest.approx(before.min() * scale + shift, abs=2)
        assert places.max() == pytest.approx(before.max() * scale + shift, abs=2)


def packed(value):
    return base64.urlsafe_b64encode(zlib.compress(json.dumps(value).encode())).decode()


@pytest.mark.parametrize(
    "text",
    [
        "!",
        "abcd",
        packed({})[:-3],
        packed(7),
        packed([1]),
        packed([[[["M", "x"]], [0, 0, 1, 1, 0]]]),
        packed([[[["Z"]], [0, 0, 1, 1, 0]]]),
        packed([[[["M", 1e9, 0]], [0, 0, 1, 1, 0]]]),
        packed([[[["M", float("nan"), 0]], [0, 0, 1, 1, 0]]]),
        packed([[[["M", 1, 0]], [0]]]),
        packed([[[["M", 1]], [0, 0, 1, 1, 0]]]),
        packed([[[["L", 1, 0]], [0, 0, 1, 1, 0]]]),
        packed([[[], [0, 0, 1, 1, 0]]]),
        packed([[[["M", 1, 0]], [0, 0, 1, 1, 0, 0]]]),
        packed({"size": [0, 100], "strokes": []}),
        packed({"size": [1e9, 100], "strokes": []}),
        packed({"size": [float("inf"), 100], "strokes": []}),
        packed({"size": 7, "strokes": []}),
        packed([0] * 1_000_000),  # a small text that unpacks to a large one
        "A" * (link.LONGEST_LINK + 1),
        packed("[" * 100_000),
    ],
)
def test_a_link_that_holds_no_drawing_is_refused(text):
    with pytest.raises(link.LinkError, match="holds no drawing"):
        link.decode(text)


def test_a_drawing_too_large_for_a_link_is_refused():
    wild = [["L", n * 7919 % 1000, n * 104729 % 190] for n in range(20_000)]
    with pytest.raises(link.LinkError, match="too large"):
        link.encode([STROKE | {"path": wild}], SIZE)


def test_strokes_are_drawn_where_they_stand():
    sheet = np.asarray(link.picture([STROKE], (200, 190)))
    rows, columns = np.nonzero(sheet < 128)
    # The path spans 50-74 x 38-150, with half a brush around it; its middle is moved to `left`.
    assert abs((columns.min() + columns.max()) / 2 - 82) <= 2
    assert abs((rows.max() - rows.min()) - (112 + link.BRUSH)) <= 3
    turned = np.asarray(link.picture([STROKE | {"angle": 90, "scaleX": 0.5}], (200, 190)))
    rows, columns = np.nonzero(turned < 128)
    assert abs((columns.max() - columns.min()) - (112 + link.BRUSH)) <= 3
