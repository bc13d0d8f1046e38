"""Whole pages: rows, gaps and papers of all kinds, each read with the right digits."""

import json

import numpy as np
import pytest
from PIL import Image, ImageDraw

from mnist_transformer import InkError, load_transformer
from mnist_transformer.__main__ import main
from mnist_transformer.config import LOOKS
from mnist_transformer.hands.pages import KINDS, pen_pages
from mnist_transformer.hands.pen import load_pen_digits
from mnist_transformer.ink import draw_strokes
from mnist_transformer.reading import SURE
from tests import ROOT
from tests.pen import STROKES, write_ink


@pytest.fixture(scope="module")
def model():
    return load_transformer()


@pytest.fixture(scope="module")
def pages(tmp_path_factory):
    ink = write_ink(tmp_path_factory.mktemp("ink") / "ink.jsonl")
    return {page.kind: page for page in pen_pages(load_pen_digits(ink), 1, seed=8)}


def written(digits, spacing=100, height=90, left=30, top=30, size=None, brush=9):
    """A clean sheet with digits at regular places."""
    strokes = [
        [(left + n * spacing + x * 0.6 * height, top + y * height) for x, y in stroke]
        for n, digit in enumerate(digits)
        for stroke in STROKES[digit]
    ]
    size = size or (left + len(digits) * spacing + 30, top + height + 30)
    return draw_strokes(strokes, size, brush)


@pytest.mark.parametrize("kind", KINDS)
def test_every_kind_of_page_is_read(model, pages, kind):
    page = model.read_page(pages[kind].picture)
    assert page.digits.split("\n") == pages[kind].rows
    assert len(page.probabilities) == sum(map(len, pages[kind].rows))
    assert all(0 <= probability <= 1 for probability in page.probabilities)


def test_gaps_of_twice_a_digits_height_lose_no_digit(model):
    ones = written("11", spacing=260, brush=14)
    assert model.read(ones).digits == "11"
    assert model.read_page(written("20457", spacing=280)).digits == "20457"


def test_a_long_row_is_read_in_parts_in_one_batch(model, batch_sizes):
    page = model.read_page(written("314205926405", spacing=90), attention=True)
    (row,) = page.rows
    assert row.digits == "314205926405" and len(row.parts) >= 2
    assert len(batch_sizes) == 1
    assert "".join(part.digits for part in row.parts) == row.digits
    assert all(part.maps.cross.shape[2] == part.steps for part in row.parts)


def test_boxes_are_in_the_pictures_own_pixels(model):
    sheet = Image.new("L", (3200, 1600), 255)
    sheet.paste(written("204", height=300, spacing=320, brush=30), (200, 100))
    sheet.paste(written("57", height=300, spacing=320, brush=30), (1400, 900))
    page = model.read_page(sheet)
    assert page.digits == "204\n57"
    for row, corner, count in zip(page.rows, ((200, 100), (1400, 900)), (3, 2), strict=True):
        left, top, right, bottom = row.box
        assert left == pytest.approx(corner[0] + 15, abs=25)
        assert top == pytest.approx(corner[1] + 15, abs=25)
        assert bottom == pytest.approx(corner[1] + 30 + 300 + 15, abs=25)
        assert right == pytest.approx(corner[0] + 30 + (count - 1) * 320 + 180 + 15, abs=40)


def test_a_row_is_refused_by_read_only_where_it_is_not_one_that_the_model_takes(model):
    with pytest.raises(InkError, match="more than the 8 digits.*read_page"):
        model.read(written("314205926405"))
    two = Image.new("L", (600, 400), 255)
    two.paste(written("204"), (0, 0))
    two.paste(written("57"), (0, 200))
    with pytest.raises(InkError, match="2 rows.*read_page"):
        model.read(two)
    assert model.read_page(two).digits == "204\n57"


def test_a_row_is_trusted_alike_read_alone_and_on_a_page(model, batch_sizes):
    sheet = written("2049")
    alone, (row,) = model.read(sheet), model.read_page(sheet).rows
    # The first look alone, and the others where it was not nearly certain.
    assert batch_sizes == ([1] if alone.certainty >= SURE else [1, LOOKS - 1]) * 2
    assert alone.trusted == pytest.approx(row.probabilities, abs=1e-4)
    assert alone.uncertain == row.uncertain == [False] * 4
    # All looks together are never surer than the first.
    assert all(t < p for t, p in zip(alone.trusted, alone.probabilities, strict=True))


def test_an_empty_page_has_no_rows(model):
    page = model.read_page(np.full((80, 200), 255, np.uint8))
    assert (page.rows, page.digits, page.probabilities, page.end_probability) == ([], "", [], None)


def test_dashes_points_and_letters_do_no_harm(model):
    sheet = written("24052", size=(700, 160))
    ImageDraw.Draw(sheet).line([(640, 75), (670, 75)], 0, 9)
    ImageDraw.Draw(sheet).ellipse((600, 115, 608, 123), fill=0)
    assert model.read_page(sheet).digits.startswith("24052")
    letters = Image.new("L", (500, 200), 255)
    ImageDraw.Draw(letters).text((20, 20), "Date: 24. May", 0, font_size=60)
    assert all(0 <= probability <= 1 for probability in model.read_page(letters).probabilities)


def test_the_shell_prints_rows_and_their_boxes(capsys, tmp_path):
    sheet = Image.new("L", (600, 400), 255)
    sheet.paste(written("204"), (0, 0))
    sheet.paste(written("57"), (0, 200))
    path = str(tmp_path / "page.png")
    sheet.save(path)
    example = str(ROOT / "demo" / "examples" / "2026.png")
    assert main(["read", path]) == 0
    assert [line.split("  ")[0] for line in capsys.readouterr().out.splitlines()] == [
        f"{path}: 204",
        f"{path}: 57",
    ]
    assert main(["read", "--json", path, example]) == 0
    page, single = map(json.loads, capsys.readouterr().out.splitlines())
    assert page["digits"] == "204\n57" and len(page["probabilities"]) == 5
    assert [row["digits"] for row in page["rows"]] == ["204", "57"]
    assert all(len(row["box"]) == 4 and len(row["probabilities"]) for row in page["rows"])
    assert single["digits"] == "2026" and 0 < single["end_probability"] <= 1
