import contextlib
import dataclasses
import itertools

import numpy as np
import pytest
import torch
from PIL import Image, ImageDraw

from mnist_transformer import BlankDrawing, Config, InkError, drawing_to_canvas
from mnist_transformer.config import LOOKS
from mnist_transformer.ink import MAX_PIXELS, looks, looks_as_drawn, open_drawing, picture_to_parts

CONFIG = Config()


def sketch(brush=12, size=(1000, 180), scale=1.0):
    """A seven, a one and a ring as a brush draws them: dark on white."""
    picture = Image.new("L", size, 255)
    pen = ImageDraw.Draw(picture)
    for line in (((100, 30), (180, 30), (130, 150)), ((300, 30), (300, 150))):
        pen.line([(x * scale, y * scale) for x, y in line], 0, brush, joint="curve")
    pen.ellipse([v * scale for v in (420, 30, 500, 150)], outline=0, width=brush)
    return picture


def close(a, b, share=0.02):
    """Alike but for a small share of the ink."""
    return float((a - b).abs().sum()) < share * float(a.sum())


def test_form():
    canvas = drawing_to_canvas(sketch(), CONFIG)
    assert canvas.shape == (32, 224) and canvas.dtype == torch.float32
    assert canvas.min() == 0 and canvas.max() == 1
    rows, columns = (canvas > 0.3).any(1).nonzero(), (canvas > 0.3).any(0).nonzero()
    assert 22 <= rows[-1] - rows[0] + 1 <= 26
    assert abs(int(columns[0]) - (223 - int(columns[-1]))) <= 2  # in the middle


def variants():
    dark = sketch()
    pixels = np.asarray(dark)
    alpha = np.zeros((*pixels.shape, 4), dtype=np.uint8)
    alpha[..., 3] = 255 - pixels
    white_alpha = alpha.copy()
    white_alpha[..., :3] = 255
    opaque = np.dstack([pixels, pixels, pixels, np.full_like(pixels, 255)])
    red = Image.merge("RGB", [Image.new("L", dark.size, 255), dark, dark])
    return {
        "light on dark": Image.fromarray(255 - pixels),
        "black on transparent": Image.fromarray(alpha),
        "white on transparent": Image.fromarray(white_alpha),
        "opaque canvas": opaque,
        "red on white": red,
        "palette": dark.convert("P"),
        "one bit": dark.convert("1"),
        "16 bit": Image.fromarray(pixels.astype(np.uint16) * 257),
        "floats": pixels / 255,
        "floats to 255": pixels.astype(np.float32),
        "booleans": pixels < 128,
        "tensor": torch.from_numpy(pixels.copy())[None],
        "one channel": pixels[:, :, None],
        "faint": Image.fromarray((pixels // 4 + 150).astype(np.uint8)),
    }


@pytest.mark.parametrize("name", variants())
def test_the_same_drawing_in_any_form_gives_the_same_canvas(name):
    expected = drawing_to_canvas(sketch(), CONFIG)
    assert close(expected, drawing_to_canvas(variants()[name], CONFIG))


def test_place_and_size_on_the_paper_do_not_matter():
    expected = drawing_to_canvas(sketch(), CONFIG)
    moved = Image.new("L", (2000, 900), 255)
    moved.paste(sketch(), (900, 500))
    assert close(expected, drawing_to_canvas(moved, CONFIG))
    larger = sketch(brush=36, size=(3000, 540), scale=3)
    assert close(expected, drawing_to_canvas(larger, CONFIG), 0.1)


def test_thin_and_thick_brushes_come_out_alike():
    ink = [float(drawing_to_canvas(sketch(brush), CONFIG).sum()) for brush in (3, 8, 14, 20)]
    assert max(ink) / min(ink) < 1.35  # the brushes themselves differ nearly sevenfold


def test_a_long_line_fits_the_width():
    long = Image.new("L", (1500, 100), 255)
    pen = ImageDraw.Draw(long)
    for x in range(20, 1280, 160):
        pen.ellipse((x, 10, x + 90, 90), outline=0, width=8)
    canvas = drawing_to_canvas(long, CONFIG)
    assert canvas[:, 0].max() == 0 and canvas[:, -1].max() == 0
    columns = (canvas > 0.2).any(0).nonzero()
    assert int(columns[-1] - columns[0]) > 205


def test_more_than_the_model_takes_is_refused_not_squashed():
    long = Image.new("L", (3000, 100), 255)
    pen = ImageDraw.Draw(long)
    for x in range(20, 2990, 100):
        pen.line([(x, 10), (x, 90)], 0, 8)
    two = Image.new("L", (1000, 400), 255)
    two.paste(sketch(), (0, 0))
    two.paste(sketch(), (0, 200))
    for drawing, message in (
        (long, "more than the 8 digits.*read_page"),
        (two, "2 rows.*read_page"),
    ):
        with pytest.raises(InkError, match=message):
            drawing_to_canvas(drawing, CONFIG)


def test_specks_are_dropped():
    dirty = sketch()
    ImageDraw.Draw(dirty).ellipse((930, 90, 934, 94), fill=0)
    assert close(drawing_to_canvas(sketch(), CONFIG), drawing_to_canvas(dirty, CONFIG))


@pytest.mark.parametrize(
    "blank",
    [
        Image.new("L", (200, 100), 255),
        Image.new("L", (200, 100), 0),
        Image.new("RGBA", (200, 100), (0, 0, 0, 0)),
        Image.new("RGBA", (200, 100), (10, 200, 30, 255)),
        np.full((50, 50), 0.97),
        np.random.default_rng(0).integers(245, 256, (80, 300)).astype(np.uint8),  # grain
    ],
)
def test_nothing_drawn_is_said_so(blank, model):
    with pytest.raises(BlankDrawing, match="nothing is drawn"):
        drawing_to_canvas(blank, CONFIG)
    reading = model.read(blank, attention=True)
    assert (reading.digits, reading.probabilities, reading.steps) == ("", [], 0)


def framed_ink():
    picture = Image.new("L", (300, 100), 255)
    ImageDraw.Draw(picture).rectangle((10, 10, 290, 90), fill=0)
    return picture


@pytest.mark.parametrize(
    ("drawing", "message"),
    [
        (framed_ink(), "nearly the whole picture is ink"),
        (np.where(np.eye(50) > 0, np.nan, 1.0), "NaN"),
        (np.where(np.eye(50) > 0, np.inf, 1.0), "infinite"),
        (np.zeros(100), "shape"),
        (np.zeros((4, 4, 4, 4)), "shape"),
        (np.zeros((20, 20, 2)), "shape"),
        (np.zeros((0, 20)), "0x20"),
        (np.full((20, 20), -1), "values must lie"),
        (np.full((20, 20), 70_000), "values must lie"),
        (np.full((20, 20), "a"), "numbers"),
        (np.zeros((20, 20), dtype=complex), "numbers"),
        (np.broadcast_to(np.uint8(0), (10_000, MAX_PIXELS // 10_000 + 1)), "too large"),
    ],
)
def test_what_cannot_be_a_drawing_gets_a_clear_error(drawing, message):
    with pytest.raises(InkError, match=message) as error:
        drawing_to_canvas(drawing, CONFIG)
    assert not isinstance(error.value, BlankDrawing)


@pytest.mark.parametrize("thing", [None, "picture.png", [[0, 1], [1, 0]], 7])
def test_what_is_no_picture_is_a_type_error(thing):
    with pytest.raises(TypeError, match="PIL image, an array or a tensor"):
        drawing_to_canvas(thing, CONFIG)


@pytest.mark.parametrize("spread", [3, 10, 40])
@pytest.mark.parametrize("size", [(100, 100), (190, 400)])
def test_noise_alone_is_no_row_of_digits(size, spread):
    noise = np.random.default_rng(0).normal(200, spread, size).clip(0, 255).astype(np.uint8)
    with pytest.raises(InkError, match="nothing is drawn|more than any page"):
        picture_to_parts(noise, CONFIG)


@pytest.mark.parametrize("size", [(1, 1), (1, 40), (40, 1), (3, 3)])
def test_tiny_marks_do_not_crash(size):
    page = np.full((60, 60), 255, dtype=np.uint8)
    page[5 : 5 + size[0], 5 : 5 + size[1]] = 0
    canvas = drawing_to_canvas(page, CONFIG)
    assert canvas.isfinite().all() and canvas.max() > 0.5


@pytest.mark.parametrize("bits", [8, 10, 12, 14, 16])
def test_whole_numbers_of_any_depth_are_read_by_their_depth(bits):
    pixels = np.asarray(sketch()).astype(np.uint32) * (2**bits - 1) // 255
    canvas = drawing_to_canvas(pixels.astype(np.uint16), CONFIG)
    assert close(drawing_to_canvas(sketch(), CONFIG), canvas)


@pytest.mark.parametrize("form", ["TIFF", "PNG"])
def test_a_file_of_12_bits_is_no_blank_sheet(form, tmp_path):
    pixels = np.asarray(sketch()).astype(np.uint16) * 16
    Image.fromarray(pixels).save(tmp_path / "deep", form)
    canvas = drawing_to_canvas(open_drawing(tmp_path / "deep"), CONFIG)
    assert close(drawing_to_canvas(sketch(), CONFIG), canvas)


def test_masks_and_floats_a_hair_too_bright_are_read():
    expected = drawing_to_canvas(sketch(), CONFIG)
    pixels = np.asarray(sketch())
    for drawing in (
        (pixels > 127).astype(np.uint8),
        (pixels < 128).astype(np.int64),
        np.where(pixels == 255, 1.0000002, pixels / 255),
        pixels / 255 * 1.06 - 0.03,  # as bicubic scaling rings
    ):
        assert close(expected, drawing_to_canvas(drawing, CONFIG), 0.05)


@pytest.mark.parametrize("top", [1.7, 6.0, 7])
def test_values_of_no_known_scale_are_refused(top):
    pixels = np.where(np.asarray(sketch()) < 128, 0, top)
    with pytest.raises(InkError, match="fit no scale"):
        drawing_to_canvas(pixels, CONFIG)


@pytest.mark.parametrize("channels", [(), (1,), (3,), (4,)])
def test_the_smallest_pictures_are_read_or_refused(channels):
    """OpenCV takes some shapes, such as a row of four pixels, for something else."""
    generator = np.random.default_rng(0)
    for height, width in itertools.product(range(1, 6), range(1, 6)):
        noise = generator.integers(0, 256, (height, width, *channels)).astype(np.uint8)
        for picture in (noise, np.where(noise < 128, 0, 255).astype(np.uint8)):
            with contextlib.suppress(InkError):
                assert drawing_to_canvas(picture, CONFIG).max() > 0


@pytest.mark.parametrize("pen", [3, 4, 6])
@pytest.mark.parametrize("paper", [60, 4])
def test_a_straight_1_is_a_digit_and_no_ruled_line(pen, paper):
    picture = Image.new("L", (300, 150 + 2 * paper), 255)
    draw = ImageDraw.Draw(picture)
    draw.line([150, paper, 150, paper + 150], 0, pen)
    draw.ellipse([20, paper, 110, paper + 150], outline=0, width=pen)
    draw.ellipse([190, paper, 280, paper + 150], outline=0, width=pen)
    with_it = drawing_to_canvas(picture, CONFIG)
    columns = (with_it > 0.3).any(0).int()
    assert int((columns.diff() > 0).sum()) == 3  # pieces with paper between them


@pytest.mark.parametrize("shift", [(0, 36), (0, -36), (-106, 0)])
def test_digits_drawn_over_the_sheets_border_are_not_left_out(shift):
    picture = Image.new("L", (1000, 180), 255)
    picture.paste(sketch(), shift)
    columns = (drawing_to_canvas(picture, CONFIG) > 0.3).any(0).int()
    assert int((columns.diff() > 0).sum()) == 3


def test_a_canvas_in_its_other_looks_is_smaller_and_thicker():
    canvas = drawing_to_canvas(sketch(), CONFIG)
    shown = looks(canvas)
    assert shown.shape == (LOOKS, *canvas.shape) and shown.dtype == torch.float32
    assert shown.min() >= 0 and shown.max() <= 1
    as_it_is, smaller, thicker = shown
    assert torch.equal(as_it_is, canvas)
    height, less = ((look > 0.3).any(1).sum() for look in (canvas, smaller))
    assert 0.8 < less / height < 0.95
    assert (thicker >= canvas).all() and thicker.sum() > 1.15 * canvas.sum()


def test_ink_as_it_is_drawn_keeps_its_strokes_unless_they_are_too_thin():
    def shown(brush):
        (row,) = picture_to_parts(sketch(brush), CONFIG, looks_as_drawn)
        return row.parts[0]

    thick = shown(22)
    assert thick.shape == (3, 32, 224) and thick.dtype == np.float32
    assert thick.min() >= 0 and thick.max() <= 1
    heights = [int((look > 0.3).any(1).sum()) for look in thick]
    assert 22 <= heights[0] < heights[1] < heights[2] <= 30
    redrawn = drawing_to_canvas(sketch(22), CONFIG).numpy()
    assert thick[0].sum() > 1.1 * redrawn.sum()
    hair, redrawn = shown(2)[0], drawing_to_canvas(sketch(2), CONFIG).numpy()
    assert (hair == redrawn).all()


@pytest.mark.parametrize("height", [24, 40])
def test_ink_as_it_is_drawn_fits_a_canvas_of_any_height(height):
    config = dataclasses.replace(CONFIG, canvas_height=height)
    (row,) = picture_to_parts(sketch(30), config, looks_as_drawn)
    assert row.parts[0].shape == (3, height, CONFIG.canvas_width)
