"""Drawing, uploading, sharing: the top of the page."""

import json
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from mnist_transformer import load_transformer
from tests import ROOT
from tests.chromium import open_page, wait_for_digits, write
from tests.demo.browser.seen import (
    EXAMPLE,
    a_new_canvas,
    open_example,
    read_example,
    settled,
    wait_for,
)


def test_five_digits_drawn_by_mouse_are_read(page):
    write(page, "27350")
    wait_for_digits(page, "27350")
    wait_for(page, page.locator(".reading").first.locator(".tile").count, 5)
    assert page.complaints == []


def undo(page):
    """Take back a stroke."""
    with a_new_canvas(page):
        page.get_by_role("button", name="Undo").click()


def test_undo_and_clear(page):
    write(page, "27")
    wait_for_digits(page, "27")
    undo(page)
    wait_for_digits(page, "2")
    write(page, "5", shift=1)  # what was taken back does not come again
    wait_for_digits(page, "25")
    write(page, "1", shift=1)
    undo(page)  # at once: it is this stroke that is taken back, told by then or not
    undo(page)
    wait_for_digits(page, "2")
    page.get_by_role("button", name="Clear", exact=True).click()
    page.get_by_text("Write 1 to 8 digits").wait_for()
    assert page.complaints == []


def test_a_link_reopens_the_drawing(page, browser):
    write(page, "405")
    wait_for_digits(page, "405")
    page.get_by_text("Save or share").click()
    page.get_by_role("button", name="Put this screen in the address bar").click()
    page.get_by_text("now reopens this screen").wait_for()
    other = open_page(browser, page.url)
    wait_for_digits(other, "405")
    assert other.complaints == []
    other.context.close()
    broken = open_page(browser, page.url[:-30], hint="This link holds no drawing")
    broken.context.close()


def test_after_clear_the_address_forgets_and_back_shows_what_it_says(page):
    write(page, "405")
    wait_for_digits(page, "405")
    page.get_by_text("Save or share").click()
    page.get_by_role("button", name="Put this screen in the address bar").click()
    page.get_by_text("now reopens this screen").wait_for()
    page.keyboard.press("Escape")
    page.get_by_role("button", name="2026", exact=True).click()
    wait_for_digits(page, "2026")
    page.wait_for_url(lambda url: "drawing=" not in url)
    page.go_back()
    wait_for_digits(page, "405")
    page.get_by_role("button", name="Clear", exact=True).click()
    page.get_by_text("Write 1 to 8 digits").wait_for()
    page.wait_for_url(lambda url: "drawing=" not in url)
    assert page.complaints == []


def test_the_reading_can_be_taken_along(page, tmp_path):
    open_example(page)
    page.get_by_text("Save or share").click()
    with page.expect_download() as download:
        page.get_by_role("button", name="Reading (JSON)").click()
    saved = json.loads(Path(download.value.path()).read_text())
    reading = read_example(load_transformer())
    assert saved["digits"] == reading.digits
    assert saved["probabilities"] == pytest.approx(reading.probabilities, abs=1e-5)
    assert len(saved["distributions"]) == reading.steps
    with page.expect_download() as download:
        page.get_by_role("button", name="Reading to play (HTML)").click()
    download.value.save_as(tmp_path / "reading.html")
    with page.expect_download() as download:
        page.get_by_role("button", name="All numbers and maps (NPZ)").click()
    with np.load(download.value.path()) as saved:
        assert saved["cross"].shape == (2, 4, reading.steps, 112)
    kept = page.context.new_page()  # shows the same, and asks for nothing
    asked = []
    kept.on("request", lambda request: asked.append(request.url))
    kept.on("pageerror", lambda error: page.complaints.append(str(error)))
    kept.goto((tmp_path / "reading.html").as_uri())
    wait_for_digits(kept, "2026")
    kept.keyboard.press("Tab")
    kept.locator(".mnist-tiles button").nth(2).click()
    kept.locator('[data-attention][data-step="3"]').wait_for()
    assert len(asked) == 1
    kept.close()
    page.keyboard.press("Escape")
    page.get_by_role("radio", name="Intervene", exact=True).click()
    figure = page.locator(".st-key-lens .js-plotly-plot")
    figure.wait_for()
    settled(page)
    figure.hover()
    with page.expect_download() as download:
        figure.locator('.modebar-btn[data-attr="toImage"], .modebar-btn').first.click(force=True)
    assert Path(download.value.path()).read_text().startswith("<svg")
    assert page.complaints == []


def test_a_picture_can_be_uploaded_and_a_broken_one_is_refused(page, tmp_path):
    page.get_by_role("button", name="Upload").click()
    chooser = page.get_by_test_id("stPopoverBody").locator('input[type="file"]')
    (tmp_path / "broken.png").write_text("no picture")
    chooser.set_input_files(tmp_path / "broken.png")
    page.get_by_text("not a readable image").wait_for()
    chooser.set_input_files(ROOT / "demo" / "examples" / "314159.png")
    wait_for_digits(page, "314159")


def test_of_a_picture_of_two_rows_the_chosen_one_is_looked_into(page, tmp_path):
    rows = [Image.open(EXAMPLE.with_stem(name)).convert("L") for name in ("2026", "314159")]
    sheet = Image.new("L", (max(row.width for row in rows), 420), 255)
    for n, row in enumerate(rows):
        sheet.paste(row, (0, 220 * n))
    sheet.save(tmp_path / "two rows.png")
    page.get_by_role("button", name="Upload").click()
    chooser = page.get_by_test_id("stPopoverBody").locator('input[type="file"]')
    chooser.set_input_files(tmp_path / "two rows.png")
    wait_for_digits(page, "2026")
    wait_for_digits(page, "314159")
    page.keyboard.press("Escape")
    first, second = load_transformer().read_page(sheet, attention=True).rows
    glow = page.locator("[data-attention]").first
    for row, name in ((first, "1: 2026"), (second, "2: 314159")):
        page.get_by_role("radio", name=name).click(force=True)
        page.locator(f'.mnist-tiles[data-digits="{row.digits}"]').first.wait_for()
        own = pytest.approx(float(row.parts[0].maps.cross.mean((0, 1))[0].max()), abs=2e-3)
        wait_for(page, lambda: float(glow.get_attribute("data-attention")), own)
    assert page.complaints == []
