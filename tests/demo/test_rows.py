"""Pictures of several rows, and rows too long to be read at once, without a browser."""

import re

import pytest
from PIL import Image
from streamlit.testing.v1 import AppTest

from mnist_transformer import load_transformer
from tests import ROOT
from tests.demo.parts import part, stage

ROWS = "Which row, or part of a long row, the rest of the page shows"
EXAMPLES = ROOT / "demo" / "examples"


@pytest.fixture
def page():
    page = AppTest.from_file(str(ROOT / "demo" / "app.py"), default_timeout=60).run()
    assert not page.exception
    return page


def rows_of(*names, side_by_side=False):
    """A sheet with the examples of these names under, or beside, one another."""
    pictures = [Image.open(EXAMPLES / f"{name}.png").convert("L") for name in names]
    width, height = (max(sizes) for sizes in zip(*(p.size for p in pictures), strict=True))
    across, down = (width, 0) if side_by_side else (0, height + 40)
    last = len(pictures) - 1
    sheet = Image.new("L", (width + last * across, height + last * down), 255)
    for n, picture in enumerate(pictures):
        sheet.paste(picture, (n * across, n * down))
    return sheet


def lay_down(page, picture):
    page.session_state.laid = page.session_state.laid.with_picture(picture)
    page.run()
    assert not page.exception and not page.error


def shown(page):
    """The digits of every row's reading, of the one that is marked, and of the one on the stage."""
    html = (h.proto.body for h in page.get("html"))
    body = "".join(text for text in html if 'class="rows"' in text)
    return (
        re.findall(r'data-digits="(\d+)"', body),
        re.findall(r'class="reading chosen" role="status" data-digits="(\d+)"', body),
        stage(page)["digits"],
    )


def test_every_row_is_shown_and_the_chosen_one_looked_into(page):
    lay_down(page, rows_of("2026", "314159"))
    assert shown(page) == (["2026", "314159"], ["2026"], "2026")
    assert part(page, "strip")["steps"] == [*"2026", "end"]
    page.session_state["row-of-2"] = 1
    page.run()
    assert not page.exception
    assert shown(page) == (["2026", "314159"], ["314159"], "314159")
    assert part(page, "strip")["steps"] == [*"314159", "end"]


def test_a_row_longer_than_the_model_reads_is_shown_in_parts(page):
    picture = rows_of("314159", "2026", side_by_side=True)
    (row,) = load_transformer().read_page(picture).rows
    assert len(row.parts) > 1
    lay_down(page, picture)
    digits = [part.digits for part in row.parts]
    assert shown(page) == (digits, digits[:1], digits[0])
    choice = next(b for b in page.get("button_group") if b.label == ROWS)
    assert [o.content for o in choice.proto.options][0] == f"1, part 1: {row.parts[0].digits}"


def test_one_line_has_nothing_to_choose(page):
    lay_down(page, rows_of("2026"))
    assert shown(page) == ([], [], "2026")
    assert not [b for b in page.get("button_group") if b.label == ROWS]


def test_another_row_s_parts_can_be_taken_apart(page):
    lay_down(page, rows_of("2026", "314159"))
    page.session_state["row-of-2"] = 1
    for name in ("encoder 2", "decoder 1 self", "decoder 2 cross"):
        page.session_state["strip"] = {"opened": name}
        page.run()
        assert not page.exception
        detail = part(page, "detail")
        assert detail["part"]["name"] == name and detail["digits"] == "314159"
