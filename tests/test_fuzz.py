"""Whatever comes in, it is read or refused with a reason.

`FUZZ_EXAMPLES=2000 python -m pytest tests/test_fuzz.py --hypothesis-show-statistics` tries more and
says how many.
"""

import io
import json
import os
import warnings
import zlib

import numpy as np
import pytest
import torch
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as st_numpy
from PIL import Image, ImageDraw

from demo import link
from mnist_transformer import (
    CheckpointError,
    Config,
    InkError,
    Transformer,
    drawing_to_canvas,
    load_transformer,
)
from mnist_transformer.checkpoint import save_model
from mnist_transformer.ink import MAX_PIXELS, open_drawing

CONFIG = Config()
fuzz = settings(
    max_examples=int(os.environ.get("FUZZ_EXAMPLES", 60)),
    deadline=None,  # no test depends on the clock
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.function_scoped_fixture],
)


MODEL = Transformer(
    Config(stem_channels=(4, 4, 4), model_dim=8, mlp_dim=8, num_heads=2, encoder_layers=1)
).eval()


def read_or_refuse(drawing):
    """The canvas of a drawing is a canvas, its page is a page, or there is a reason."""
    try:
        canvas = drawing_to_canvas(drawing, CONFIG)
        assert canvas.shape == (32, 224) and canvas.dtype == torch.float32
        assert canvas.min() >= 0 and canvas.max() <= 1
    except InkError as error:
        assert str(error)
    try:
        page = MODEL.read_page(drawing)
    except InkError as error:
        assert str(error)
        return
    assert len(page.probabilities) == len(page.digits.replace("\n", ""))
    assert all(0 <= probability <= 1 for probability in page.probabilities)
    for row in page.rows:
        left, top, right, bottom = row.box
        assert 0 <= left < right and 0 <= top < bottom


def sketch(mode="L", size=(300, 90)):
    picture = Image.new("L", size, 255)
    ImageDraw.Draw(picture).line([(40, 15), (90, 15), (55, 75)], 0, 9)
    return picture.convert(mode)


@fuzz
@given(
    st_numpy.arrays(
        dtype=st.sampled_from([np.uint8, np.int16, np.uint16, np.float16, np.float32, np.float64]),
        shape=st_numpy.array_shapes(min_dims=1, max_dims=4, min_side=0, max_side=40),
        fill=st.nothing(),
    )
)
def test_any_array(array):
    read_or_refuse(array)


@fuzz
@given(
    st.integers(1, 300),
    st.integers(1, 300),
    st.integers(0, 2**32 - 1),
    st.floats(0, 1),
    st.sampled_from([1, 3, 4]),
)
@example(24, 5, 1, 0.25, 1)  # a row of specks that fade when it is made level
def test_any_noise(height, width, seed, density, channels):
    noise = np.random.default_rng(seed).random((height, width, channels))
    read_or_refuse((noise < density) * noise)


@fuzz
@given(
    st.sampled_from([(1, 1), (1, 100_000), (100_000, 1), (3, 5000), (2, 2)]), st.integers(0, 255)
)
def test_any_proportions(size, grey):
    array = np.full(size, 255, np.uint8)
    array[size[0] // 2, size[1] // 2] = grey
    read_or_refuse(array)
    read_or_refuse(Image.fromarray(array))


FORMATS = {
    "PNG": ("1", "L", "LA", "P", "RGB", "RGBA", "I;16"),
    "JPEG": ("L", "RGB", "CMYK"),
    "GIF": ("L", "P"),
    "TIFF": ("1", "L", "RGB", "CMYK", "F", "I;16"),
    "BMP": ("1", "L", "RGB"),
    "WEBP": ("RGB", "RGBA"),
}
FILES = [(form, mode) for form, modes in FORMATS.items() for mode in modes]


def packed(form, mode, **options):
    file = io.BytesIO()
    sketch(mode).save(file, form, **options)
    return file.getvalue()


def read_file_or_refuse(data):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # Pillow's, about the files made here
        try:
            drawing = open_drawing(io.BytesIO(data))
        except InkError as error:
            assert str(error)
            return
        read_or_refuse(drawing)


@pytest.mark.parametrize(("form", "mode"), FILES)
def test_every_kind_of_picture_is_read(form, mode):
    drawing = open_drawing(io.BytesIO(packed(form, mode)))
    assert drawing_to_canvas(drawing, CONFIG).max() > 0.9


@fuzz
@given(st.sampled_from(FILES), st.data())
def test_any_damaged_picture(kind, data):
    whole = bytearray(packed(*kind))
    for place in data.draw(st.lists(st.integers(0, len(whole) - 1), max_size=20)):
        whole[place] = data.draw(st.integers(0, 255))
    read_file_or_refuse(bytes(whole[: data.draw(st.integers(0, len(whole)))]))


@fuzz
@given(st.binary(max_size=2000))
def test_any_bytes_as_a_picture(data):
    read_file_or_refuse(data)


def test_an_animation_is_read_by_its_first_frame():
    later = Image.new("L", (300, 90), 255)
    data = packed("GIF", "L", save_all=True, append_images=[later])
    assert drawing_to_canvas(open_drawing(io.BytesIO(data)), CONFIG).max() > 0.9


def test_a_decompression_bomb_is_refused_before_it_is_unpacked():
    bomb = bytearray(packed("PNG", "L"))
    side = (int(MAX_PIXELS**0.5) + 1).to_bytes(4, "big")
    bomb[16:24] = side + side  # IHDR's width and height, and its checksum
    bomb[29:33] = zlib.crc32(bomb[12:29]).to_bytes(4, "big")
    with pytest.raises(InkError, match="too large"):
        open_drawing(io.BytesIO(bomb))


def test_a_large_picture_of_noise_is_read_without_delay():
    """Each of its half a million marks must not be compared with each other."""
    noise = np.random.default_rng(0).random((2048, 2048)) < 0.1
    read_or_refuse(noise)


@pytest.fixture(scope="module")
def checkpoint(tmp_path_factory):
    from mnist_transformer import Transformer

    folder = tmp_path_factory.mktemp("checkpoint")
    config = Config(
        canvas_width=32, stem_channels=(4, 4, 4), model_dim=8, mlp_dim=8, num_heads=2, max_digits=1
    )
    save_model(Transformer(config), folder / "whole.safetensors")
    return folder / "whole.safetensors"


def load_or_refuse(path, data):
    path.write_bytes(data)
    try:
        model = load_transformer(path)
    except CheckpointError as error:
        assert str(error)
        return
    assert all(tensor.isfinite().all() for tensor in model.state_dict().values())
    config = model.config
    model.read_canvases(torch.zeros(1, config.canvas_height, config.canvas_width))


@fuzz
@given(st.data())
def test_any_damaged_checkpoint(checkpoint, data):
    whole = checkpoint.read_bytes()
    damaged = bytearray(whole)
    header = 8 + int.from_bytes(whole[:8], "little")
    # Most damage goes where it hurts.
    places = st.one_of(st.integers(0, header - 1), st.integers(0, len(whole) - 1))
    for place in data.draw(st.lists(places, min_size=1, max_size=5)):
        damaged[place] ^= 1 << data.draw(st.integers(0, 7))
    load_or_refuse(
        checkpoint.with_name("damaged.safetensors"),
        damaged[: data.draw(st.integers(0, 2 * len(whole)))],
    )


@fuzz
@given(
    st.dictionaries(
        st.sampled_from(list(CONFIG.to_dict())),
        st.one_of(
            st.integers(-3, 70),
            st.integers(),
            st.floats(),
            st.text(max_size=3),
            st.none(),
            st.lists(st.integers()),
        ),
        max_size=4,
    )
)
def test_any_lie_in_the_config(checkpoint, lies):
    whole = checkpoint.read_bytes()
    length = int.from_bytes(whole[:8], "little")
    header = json.loads(whole[8 : 8 + length])
    config = json.loads(header["__metadata__"]["config"]) | lies
    header["__metadata__"]["config"] = json.dumps(config)
    packed = json.dumps(header).encode()
    load_or_refuse(
        checkpoint.with_name("damaged.safetensors"),
        len(packed).to_bytes(8, "little") + packed + whole[8 + length :],
    )


@fuzz
@given(st.one_of(st.text(max_size=200), st.binary(max_size=300).map(lambda b: b.hex())))
def test_any_text_as_a_link(text):
    try:
        link.decode(text)
    except link.LinkError as error:
        assert str(error)
