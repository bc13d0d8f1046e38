import numpy as np
import pytest
from PIL import Image, ImageDraw

from mnist_transformer import Config, drawing_to_canvas
from mnist_transformer.ink import picture_to_parts
from mnist_transformer.ink.level import level_ink
from mnist_transformer.ink.marks import find_ink

CONFIG = Config()
SEVEN = [[(0, 0), (60, 0), (15, 100)]]
FOUR = [[(35, 0), (0, 60), (42, 60)], [(60, 15), (45, 100)]]  # its strokes do not meet
FIVE = [[(20, 0), (0, 40), (40, 50), (35, 100), (0, 100)], [(30, -18), (75, -18)]]  # its bar apart


def draw(*placed):
    """A sheet with the strokes of each digit at its place, (strokes, x, y)."""
    sheet = Image.new("L", (700, 500), 255)
    pen = ImageDraw.Draw(sheet)
    for strokes, x, y in placed:
        for stroke in strokes:
            pen.line([(x + dx, y + dy) for dx, dy in stroke], 0, 10, joint="curve")
    return sheet


def alike(a, b):
    return float((a - b).abs().sum()) < 0.06 * float(a.sum())


@pytest.mark.parametrize("fall", [-50, -30, 30, 50])
def test_digits_on_a_steep_slope_are_moved_and_not_deformed(fall):
    level = drawing_to_canvas(draw((SEVEN, 100, 200), (SEVEN, 200, 200)), CONFIG)
    steep = drawing_to_canvas(draw((SEVEN, 100, 200), (SEVEN, 200, 200 + fall)), CONFIG)
    assert alike(level, steep)


def left_digit(sheet):
    """The ink of the digit at the left, as it is once its row is level."""
    ink = find_ink(np.asarray(sheet)[:, :, None])
    level = level_ink(ink, np.arange(len(ink.boxes)), 110.0)
    left = level[:, :95]  # between the two there is paper
    rows, columns = np.flatnonzero(left.any(1)), np.flatnonzero(left.any(0))
    return left[rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1]


@pytest.mark.parametrize("strokes", [FOUR, FIVE])
def test_strokes_of_one_digit_stay_together_on_a_slope(strokes):
    level = left_digit(draw((strokes, 100, 200), (SEVEN, 220, 200)))
    steep = left_digit(draw((strokes, 100, 200), (SEVEN, 220, 250)))
    assert np.array_equal(level, steep)


def test_two_digits_of_which_one_reaches_under_the_other_are_put_side_by_side():
    rows = picture_to_parts(draw((SEVEN, 100, 200), (SEVEN, 150, 250)), CONFIG)
    assert len(rows) == 1
    canvas = rows[0].parts[0]
    columns = np.flatnonzero((canvas > 0.3).any(0))
    gaps = np.flatnonzero(np.diff(columns) > 1)
    assert len(gaps) == 1
    left, right = (canvas[:, part] > 0.3 for part in np.split(columns, gaps + 1))
    assert left.shape == right.shape
    assert (left == right).mean() > 0.9


def test_the_two_strokes_of_a_4_are_not_put_side_by_side():
    four = [[(35, 0), (0, 60), (42, 60)], [(60, 30), (45, 120)]]
    alone, beside = (
        left_digit(draw((four, 100, 200), *others)) for others in ([], [(SEVEN, 220, 210)])
    )
    assert alone.shape[1] < 75 and np.array_equal(alone, beside)


def test_writing_left_out_with_what_comes_in_from_the_border_is_told_by_its_row_alone():
    sheet = draw((SEVEN, 100, 60), (SEVEN, 200, 60), (SEVEN, 100, 300), (SEVEN, 200, 300))
    assert [row.lacks_ink for row in picture_to_parts(sheet, CONFIG)] == [False, False]
    # Two more digits, tied to each other and to the border by a stroke.
    pen = ImageDraw.Draw(sheet)
    for x in (400, 520):
        pen.line([(x + dx, 300 + dy) for dx, dy in SEVEN[0]], 0, 10, joint="curve")
    pen.line([(400, 300), (480, 330), (560, 300), (640, 340), (699, 310)], 0, 10)
    above, beside = picture_to_parts(sheet, CONFIG)
    assert (above.lacks_ink, beside.lacks_ink) == (False, True)
