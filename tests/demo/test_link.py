import base64
import json
import zlib

import numpy as np
import pytest

from demo import link

PATH = [["M", 50.04, 38], ["Q", 50, 38, 53, 38], ["L", 73.988, 150.012]]
STROKE = {"type": "Path", "path": PATH, "left": 82.2, "top": 92.5, "scaleX": 1, "scaleY": 1}


def test_strokes_survive_the_way_into_a_link_and_back():
    (stroke,) = link.decode(link.encode([STROKE | {"angle": 0, "stroke": "#00ff00"}]))
    assert stroke["path"] == [["M", 50.0, 38], ["Q", 50, 38, 53, 38], ["L", 74.0, 150.0]]
    assert (stroke["left"], stroke["top"], stroke["stroke"]) == (82.2, 92.5, link.INK)


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
        link.encode([STROKE | {"path": wild}])


def test_strokes_are_drawn_where_they_stand():
    sheet = np.asarray(link.picture([STROKE | {"angle": 0}], (200, 190)))
    rows, columns = np.nonzero(sheet < 128)
    # The path spans 50-74 x 38-150, with half a brush around it; its middle is moved to `left`.
    assert abs((columns.min() + columns.max()) / 2 - 82) <= 2
    assert abs((rows.max() - rows.min()) - (112 + link.BRUSH)) <= 3
    turned = np.asarray(link.picture([STROKE | {"angle": 90, "scaleX": 0.5}], (200, 190)))
    rows, columns = np.nonzero(turned < 128)
    assert abs((columns.max() - columns.min()) - (112 + link.BRUSH)) <= 3
