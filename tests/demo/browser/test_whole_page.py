"""The whole page: on a phone, at every width, in the dark; last, the server's log of all tests."""

from functools import partial

import pytest

from demo import link
from mnist_transformer.ink.brush import SHEET
from tests.chromium import new_page, open_page, serve, sheet_box, wait_for_digits, write
from tests.demo.browser.seen import a_new_canvas, open_example, settled, wait_for
from tests.demo.parts import drawn
from tests.pen import strokes

PHONE = {
    "viewport": {"width": 390, "height": 664},
    "is_mobile": True,
    "has_touch": True,
    "user_agent": "Mozilla/5.0 (Linux; Android 14) Mobile",
}


def wait_until_inside(page, *elements):
    """Until all of these lie wholly inside the window."""
    outside = """elements => elements.filter(element => {
        const box = document.querySelector(element)?.getBoundingClientRect();
        return !box || box.left < 0 || box.top < 0
            || box.right > innerWidth || box.bottom > innerHeight;
    })"""
    wait_for(page, lambda: page.evaluate(outside, elements), [])


def narrower(page, block):
    """By how many pixels the sheet is narrower than the block that it stands in."""
    return block.bounding_box()["width"] - sheet_box(page)["width"]


def draw(page, text, x, y, height):
    """With the mouse, from a place of the window on."""
    for stroke in strokes(text, x, y, height):
        page.mouse.move(*stroke[0])
        page.mouse.down()
        for point in stroke[1:]:
            page.mouse.move(*point, steps=4)
        page.mouse.up()


def test_on_arrival_digits_and_a_map_are_in_sight_and_after_drawing_all_is(browser, server):
    page = open_page(browser, server[0], height=800)
    wait_until_inside(page, "[data-digits]", "[data-attention]")
    write(page, "405")
    wait_for_digits(page, "405")
    wait_for(page, lambda: page.evaluate("document.querySelector('.stMain').scrollTop"), 0)
    parts = [".st-key-sheet", "[data-attention]", "[data-digits]", ".mnist-outcomes"]
    wait_until_inside(page, *parts, ".mnist-strip")
    with a_new_canvas(page):
        page.get_by_role("button", name="More paper").click()
    box = sheet_box(page)
    draw(page, "314", box["x"] + 20, box["y"] + 0.58 * box["height"], 66)
    page.get_by_role("radio", name="2: 314").wait_for()
    page.locator('.mnist-tiles[data-digits="405"]').wait_for()
    wait_until_inside(page, *parts, ".mnist-strip")
    for rows in (3, 4):
        with a_new_canvas(page):
            page.get_by_role("button", name="More paper").click()
        page.locator(f'.st-key-sheet[data-rows="{rows}"]').wait_for()
    page.get_by_role("radio", name="2: 314").wait_for()
    wait_until_inside(page, *parts, ".mnist-strip")
    assert page.complaints == []
    page.context.close()


def test_on_a_phone_the_digits_are_in_sight_after_the_last_stroke(browser, server):
    page = new_page(browser, **PHONE)
    page.goto(server[0])
    wait_for_digits(page, "314159")
    wait_until_inside(page, "[data-digits]", "[data-attention]")
    box = sheet_box(page)
    draw(page, "40719265", box["x"] + 12, box["y"] + 50, 42)
    wait_for_digits(page, "40719265")
    wait_for(page, lambda: page.evaluate("document.querySelector('.stMain').scrollTop"), 0)
    wait_until_inside(page, "[data-digits]", "[data-attention]")
    apart = """() => [...document.querySelectorAll('.mnist-tiles button')]
        .map(tile => tile.getBoundingClientRect())
        .map((box, n, all) => !n || all[n - 1].right <= box.left)"""
    wait_for(page, lambda: page.evaluate(apart), [True] * 9)
    assert page.evaluate("document.documentElement.scrollWidth") <= 390
    page.context.close()


def test_the_sheet_is_as_wide_as_the_page_and_keeps_its_strokes(page):
    write(page, "27")
    wait_for_digits(page, "27")
    for width in (1920, 1024, 820, 500, 320):
        page.set_viewport_size({"width": width, "height": 800})
        gap = partial(narrower, page, page.locator(".st-key-sheet"))
        wait_for(page, gap, pytest.approx(0, abs=1))
        canvas = sheet_box(page)
        assert canvas["x"] >= 0 and canvas["x"] + canvas["width"] <= width
        assert page.evaluate("document.documentElement.scrollWidth") <= width
        settled(page)
        wait_for_digits(page, "27")
        page.locator(".mnist-tiles button").nth(2).wait_for()
    assert page.complaints == []


def test_a_link_drawn_on_a_desktop_opens_whole_on_a_phone(browser, server):
    page = new_page(browser, **PHONE)
    page.goto(f"{server[0]}/?drawing={link.encode(drawn('2735'), SHEET)}")
    wait_for_digits(page, "2735")
    settled(page)  # the width that the browser tells may be another
    wait_for_digits(page, "2735")
    assert sheet_box(page)["width"] <= 390
    page.context.close()


def test_the_upper_right_corner_takes_strokes(page):
    write(page, "27")
    wait_for_digits(page, "27")
    box = sheet_box(page)
    right, top = box["x"] + box["width"], box["y"]
    page.mouse.move(right - 20, top + 12)
    page.mouse.down()
    for y in range(30, 160, 10):
        page.mouse.move(right - 20, top + y)
    page.mouse.up()
    wait_for_digits(page, "271")
    assert page.complaints == []


def test_the_first_stroke_clears_the_example_and_a_chosen_one_stays(page):
    page.get_by_role("button", name="Write your own").wait_for()
    write(page, "7")
    wait_for_digits(page, "7")
    with a_new_canvas(page):
        page.get_by_role("button", name="99", exact=True).click()
    wait_for_digits(page, "99")
    write(page, "7", shift=0)
    wait_for_digits(page, "799")
    assert page.complaints == []


def test_nothing_moves_when_another_reading_comes(page):
    parts = [".st-key-sheet", ".mnist-seen canvas", ".mnist-tiles", ".mnist-line", ".mnist-strip"]
    parts += [".st-key-undo", ".mnist-line select"]
    places = f"""() => {parts}
        .map(name => document.querySelector(name).getBoundingClientRect())
        .map(box => [box.x, box.y, box.width, box.height].slice(0, 3).map(Math.round)).join()"""
    settled(page)
    before = page.evaluate(places)
    page.evaluate(
        "places => { window.seen = new Set(); const look = () => { "
        "window.seen.add(eval(places)()); requestAnimationFrame(look); }; look(); }",
        f"({places})",
    )
    for name in ("8675309", "99"):
        page.get_by_role("button", name=name, exact=True).click()
        wait_for_digits(page, name)
    with a_new_canvas(page):
        page.get_by_role("button", name="Write your own").click()
    page.get_by_text("Write 1 to 8 digits").wait_for()
    write(page, "2")  # in one stroke, which cannot be taken for two rows on the way
    wait_for_digits(page, "2")
    assert page.evaluate("[...window.seen]") == [before]


def test_settings_are_taken_from_any_folder(browser, tmp_path):
    with serve(tmp_path / "log", folder=tmp_path) as address:
        page = open_page(browser, address)
        button = page.locator(".st-key-clear button")
        color = "button => getComputedStyle(button).backgroundColor"
        wait_for(page, lambda: button.evaluate(color), "rgb(217, 72, 15)")
        page.context.close()


def test_the_page_follows_a_dark_theme(browser, server):
    page = new_page(browser, color_scheme="dark", viewport={"width": 1280, "height": 1100})
    page.goto(server[0])
    open_example(page)
    style = "element => getComputedStyle(element).{}.match(/\\d+/g).slice(0, 3).map(Number)"
    app, digit = page.locator(".stApp"), page.locator(".reading .digit").first
    wait_for(page, lambda: max(app.evaluate(style.format("backgroundColor"))) < 60, True)
    wait_for(page, lambda: min(digit.evaluate(style.format("color"))) > 200, True)
    page.context.close()


def test_the_servers_log_is_clean(page, server):
    log = server[1].read_text()
    for word in ("Warning", "warning", "Error", "Traceback", "deprecated"):
        assert word not in log, log
