"""A reading as the page shows it."""

import dataclasses
import re

import pytest
from PIL import Image

from demo.controls import hint_html, page_html, reading_html
from mnist_transformer import Page, Row, load_transformer
from mnist_transformer.figures.live import stage_data
from tests import ROOT


@pytest.fixture(scope="module")
def reading():
    return load_transformer().read(
        Image.open(ROOT / "demo" / "examples" / "2026.png"), attention=True
    )


@pytest.fixture
def passed_over(reading):
    """The same, as if its first digit had been passed over."""
    return dataclasses.replace(reading, unread=[(64, 4, 88, 28)])


def row(reading, probabilities=None):
    return Row([reading], probabilities or reading.probabilities, (0, 0, 9, 9))


def test_ink_that_was_passed_over_is_hatched_and_said(reading, passed_over):
    assert stage_data(passed_over)["unread"] == [[64, 4, 88, 28]]  # which the stage hatches
    assert stage_data(reading)["unread"] == []
    assert "passed over" in reading_html(passed_over, 8)
    assert "passed" not in reading_html(reading, 8)


def test_doubtful_tiles_are_dashed_and_only_those(reading):
    unsure = dataclasses.replace(reading, probabilities=[0.99, 0.4, 0.99, 0.99])
    tiles = re.findall(r'class="(tile[^"]*)"', reading_html(unsure, 8))
    assert tiles == ["tile", "tile doubtful", "tile", "tile"]
    assert "dashed: not sure" in reading_html(unsure, 8)
    assert "dashed" not in reading_html(reading, 8)


def test_of_several_rows_the_chosen_and_the_doubtful_one_are_marked(reading, passed_over):
    page = Page([row(reading), row(passed_over)])
    names = re.findall(r'class="(reading[^"]*)"', page_html(page, 8, chosen=reading))
    assert names == ["reading chosen", "reading passed-over"]
    assert "dashed row: some of its ink was passed over" in page_html(page, 8)


def test_a_page_of_one_line_is_shown_as_a_reading(reading):
    page = Page([row(reading)])
    assert page_html(page, 8, chosen=reading) == reading_html(reading, 8)
    assert "Nothing is drawn" in page_html(Page([]), 8)


def test_a_page_shows_the_doubts_of_its_rows(reading):
    """They know more than the single readings do, which are sure here."""
    doubtful = row(reading, probabilities=[0.9, 0.4, 0.9, 0.9])
    for page in (Page([doubtful]), Page([row(reading), doubtful])):
        shown = page_html(page, 8)
        tiles = re.findall(r'class="(tile[^"]*)"', shown)
        assert tiles[-4:] == ["tile", "tile doubtful", "tile", "tile"]
        assert "dashed: not sure" in shown and ">40%<" in shown
    long = Row([reading, reading], [0.9] * 7 + [0.3], (0, 0, 9, 9))
    tiles = re.findall(r'class="(tile[^"]*)"', page_html(Page([long]), 8))
    assert tiles == ["tile"] * 7 + ["tile doubtful"]


def test_a_page_says_that_ink_was_left_out(reading):
    whole = row(reading)
    lacking = dataclasses.replace(whole, lacks_ink=True)
    for rows, said in (([lacking], True), ([whole, lacking], True), ([whole], False)):
        assert ("border was left out" in page_html(Page(rows), 8)) is said


def test_what_went_wrong_cannot_bring_markup_of_its_own():
    assert "<script>" not in hint_html("<script>alert(1)</script>")
