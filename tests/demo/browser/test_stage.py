"""The stage: the drawing, the attention of a step over it, and the digits."""

import re
from functools import partial

import pytest

from tests.chromium import wait_for_digits, write
from tests.demo.browser.seen import count_messages, open_example, settled, wait_for


def glow(page):
    return page.locator("[data-attention]")


def wait_for_glow(page, step, weights, head="mean"):
    """Until the map of this step and head glows, as strongly as the library says."""
    name = f'[data-attention][data-step="{step + 1}"][data-head="{head}"]'
    page.locator(name).wait_for()
    own = pytest.approx(float(weights.max()), abs=2e-3)
    wait_for(page, lambda: float(glow(page).get_attribute("data-attention")), own)


def where_it_glows(page):
    """The middle of what is painted strongly, in pixels of the window from its left edge; None
    while nothing is."""
    share = glow(page).evaluate(
        """canvas => {
            const { width, height } = canvas;
            const pixels = canvas.getContext("2d").getImageData(0, 0, width, height).data;
            let sum = 0, count = 0;
            for (let n = 0; n < pixels.length; n += 4)
                if (pixels[n] - pixels[n + 2] > 100) { sum += (n / 4) % width; count += 1; }
            return count ? sum / count / width : null;
        }"""
    )
    box = glow(page).bounding_box()
    return share and box["x"] + share * box["width"]


@pytest.mark.looks
def test_hover_tap_and_keys_move_the_step_without_a_server(page, reading):
    mean = reading.maps.cross.mean((0, 1))
    wait_for_glow(page, 0, mean[0])
    settled(page)
    count_messages(page)
    tiles = page.locator(".mnist-tiles button")
    tiles.nth(2).hover()
    wait_for_glow(page, 2, mean[2])
    page.locator(".st-key-top h1").hover()
    wait_for_glow(page, 0, mean[0])
    tiles.nth(1).click()
    page.locator(".st-key-top h1").hover()
    wait_for_glow(page, 1, mean[1])
    page.keyboard.press("ArrowRight")
    wait_for_glow(page, 2, mean[2])
    page.keyboard.press("End")
    wait_for_glow(page, 4, mean[4])
    page.keyboard.press("ArrowLeft")
    wait_for_glow(page, 3, mean[3])
    page.get_by_label("Whose attention is shown").select_option("cross 2, head 3")
    wait_for_glow(page, 3, reading.maps.cross[1, 2, 3], "cross 2, head 3")
    assert page.evaluate("window.sent") == 0
    assert page.complaints == []


def test_the_strongest_patch_is_painted_where_the_model_looked(page, reading):
    open_example(page)
    for step in range(4):
        page.locator(".mnist-tiles button").nth(step).click()
        page.locator(".st-key-top h1").hover()
        page.locator(f'[data-attention][data-step="{step + 1}"]').wait_for()
        tile = page.locator(".mnist-tiles button").nth(step).bounding_box()
        middle = pytest.approx(tile["x"] + tile["width"] / 2, abs=60)
        wait_for(page, lambda: where_it_glows(page), middle)  # the glow fades in


def test_in_play_the_map_is_always_there(page, reading):
    open_example(page)
    page.evaluate("""() => {
        window.seen = [];
        window.steps = new Set();
        window.watch = setInterval(() => {
            const map = document.querySelector('[data-attention]');
            const there = map && map.offsetParent && map.width > 0;
            const brush = there && map.getContext('2d');
            const row = there && brush.getImageData(0, map.height / 2 | 0, map.width, 1).data;
            let orange = false;
            for (let n = 0; there && n < row.length; n += 4) orange ||= row[n] - row[n + 2] > 20;
            window.seen.push(Boolean(orange));
            if (map) window.steps.add(map.dataset.step);
        }, 15);
    }""")
    page.get_by_role("button", name="▶ Play").click()
    page.get_by_role("button", name="Pause").wait_for()
    page.get_by_role("button", name="▶ Play").wait_for()  # it stops at the end by itself
    seen = page.evaluate("() => { clearInterval(window.watch); return window.seen; }")
    assert len(seen) > 20 and seen.count(True) >= 0.99 * len(seen)
    assert page.evaluate("window.steps.size") == reading.steps
    # Chromium's advice is about what this test reads back.
    assert [text for text in page.complaints if "willReadFrequently" not in text] == []


@pytest.mark.looks
def test_pause_stops_where_it_is(page):
    page.get_by_role("button", name="▶ Play").click()
    page.locator('[data-attention][data-step="2"]').wait_for()
    page.get_by_role("button", name="Pause").click()
    step = glow(page).get_attribute("data-step")
    page.wait_for_timeout(1500)
    assert glow(page).get_attribute("data-step") == step


@pytest.mark.looks
def test_the_probabilities_beside_are_those_of_the_step(page, reading):
    for step in (1, 4):
        page.locator(".mnist-tiles button").nth(step).click()
        page.locator(f'[data-attention][data-step="{step + 1}"]').wait_for()
        rows = page.locator(".mnist-outcomes div")
        shares = "rows => rows.map(row => Number(row.style.getPropertyValue('--share')))"
        own = pytest.approx(reading.distributions[step].tolist(), abs=1e-4)
        wait_for(page, partial(rows.evaluate_all, shares), own)


def test_a_new_reading_keeps_the_step_if_it_has_it(page):
    write(page, "273")
    wait_for_digits(page, "273")
    page.locator(".mnist-tiles button").nth(2).click()
    write(page, "5", shift=3)
    wait_for_digits(page, "2735")
    page.locator('[data-attention][data-step="3"]').wait_for()
    page.get_by_role("button", name="99", exact=True).click()
    wait_for_digits(page, "99")
    page.locator('[data-attention][data-step="3"]').wait_for()  # the end of that
    assert page.complaints == []


@pytest.mark.looks
def test_a_patch_under_the_pointer_tells_its_share(page, reading):
    box = glow(page).bounding_box()
    page.mouse.move(box["x"] + box["width"] / 2, box["y"] + box["height"] / 2)
    says = page.locator(".mnist-says")
    says.get_by_text("of the attention").wait_for()
    said = says.inner_text()
    row, column = map(int, re.search(r"row (\d+), column (\d+)", said).groups())
    weights = reading.maps.cross.mean((0, 1))[0].unflatten(0, reading.maps.grid)
    weight = weights[row - 1, column - 1]
    assert f"{weight:.1%}" in said
