"""Look inside."""

import torch
from PIL import Image

from mnist_transformer import load_transformer
from mnist_transformer.explain.heads import Head
from mnist_transformer.explain.relevance import (
    inside_head,
    mean_cross_attention,
    relevance,
    rollout,
)
from tests.chromium import scrub
from tests.demo.browser.seen import EXAMPLE, open_example, wait_for_heat_maps, wait_for_peaks


def test_every_head_is_shown_over_the_drawing(page):
    open_example(page)
    assert all(0 < peak <= 1 for peak in wait_for_heat_maps(page, 2 * 4))
    assert page.locator(".js-plotly-plot .layer-below image, .js-plotly-plot image").count() >= 8
    page.get_by_role("radio", name="Encoder self-attention").click(force=True)
    wait_for_heat_maps(page, load_transformer().config.encoder_layers * 4)
    page.get_by_role("radio", name="Decoder self-attention").click(force=True)
    assert max(wait_for_heat_maps(page, 2 * 4)) <= 1.0001
    assert page.complaints == []


def test_scrubbing_through_the_steps_needs_no_server(page):
    open_example(page)
    cross = load_transformer().read(Image.open(EXAMPLE), attention=True).attention.cross
    wait_for_peaks(page, cross[:, :, 0])
    page.evaluate("""() => {
        window.sent = 0;
        const send = WebSocket.prototype.send;
        WebSocket.prototype.send = function (data) { window.sent += 1; send.call(this, data); };
    }""")
    scrub(page, 3)
    wait_for_peaks(page, cross[:, :, 2])
    page.locator(".updatemenu-button").first.click(force=True)  # play: on to the end
    wait_for_peaks(page, cross[:, :, 4])
    assert page.evaluate("window.sent") == 0
    assert page.complaints == []


def test_no_map_vanishes_while_the_timeline_plays(page):
    open_example(page)
    wait_for_heat_maps(page, 2 * 4)
    page.evaluate("""() => {
        const maps = () => document.querySelectorAll('.st-key-timeline .heatmaplayer image').length;
        window.seen = [];
        window.watch = setInterval(() => window.seen.push(maps()), 20);
    }""")
    cross = load_transformer().read(Image.open(EXAMPLE), attention=True).attention.cross
    page.locator(".updatemenu-button").first.click(force=True)
    wait_for_peaks(page, cross[:, :, 4])
    counts = page.evaluate("() => { clearInterval(window.watch); return window.seen; }")
    # A frame may be caught in the middle of its drawing; with a transition, 60 % were empty.
    assert len(counts) > 20 and counts.count(2 * 4) > 0.9 * len(counts)
    assert page.complaints == []


def test_one_head_alone_is_shown_large(page):
    open_example(page)
    page.get_by_test_id("stButtonGroup").filter(has_text="One head").get_by_text(
        "cross 2, head 3"
    ).click()
    cross = load_transformer().read(Image.open(EXAMPLE), attention=True).attention.cross
    wait_for_peaks(page, cross[1:, 2:3, 0])
    scrub(page, 4)
    wait_for_peaks(page, cross[1:, 2:3, 3])
    assert page.complaints == []


def test_relevance_and_the_numbers_of_a_head_are_the_librarys(page):
    open_example(page)
    model = load_transformer()
    reading = model.read(Image.open(EXAMPLE), attention=True)
    page.get_by_role("radio", name="What it used").click(force=True)
    parts = [mean_cross_attention(reading), rollout(reading), relevance(model, reading)]
    wait_for_peaks(page, torch.stack(parts)[:, 0])
    page.get_by_role("radio", name="Inside one head").click(force=True)
    strongest = int(reading.maps.cross[1, 0, 0].argmax())  # where one starts
    page.get_by_label("Row", exact=True).wait_for()
    row, column = (int(page.get_by_label(n, exact=True).input_value()) for n in ("Row", "Column"))
    assert (row - 1) * 28 + column - 1 == strongest
    inside = inside_head(model, reading, Head("cross", 1, 0), 0, strongest)
    names = ("query", "key", "products", "value", "output")
    vectors = torch.stack([getattr(inside, name) for name in names])
    wait_for_peaks(page, vectors.flatten(), last=1)
    # KaTeX writes the formula once for the eye and once for screen readers.
    assert f"{inside.score:.2f}" in page.locator(".katex").first.inner_text()
    assert page.complaints == []


def test_a_patch_is_touched(page):
    open_example(page)
    page.get_by_role("radio", name="Encoder self-attention").click(force=True)
    picker = page.locator(".st-key-patch-picker .js-plotly-plot .nsewdrag")
    picker.wait_for()
    box = picker.bounding_box()
    x, y = box["x"] + 14.5 / 28 * box["width"], box["y"] + 2.5 / 4 * box["height"]
    page.mouse.move(x, y)  # Plotly takes a click on what is hovered
    page.wait_for_timeout(300)
    page.mouse.move(x + 1, y)
    page.wait_for_timeout(300)
    page.mouse.down()
    page.mouse.up()
    encoder = load_transformer().read(Image.open(EXAMPLE), attention=True).attention.encoder
    wait_for_peaks(page, encoder[:, :, 2 * 28 + 14])
    page.get_by_role("radio", name="Who looks at it").click(force=True)
    wait_for_peaks(page, encoder[..., 2 * 28 + 14])
    assert page.complaints == []


def test_the_keyboard_steps_through_the_reading(page):
    open_example(page)
    cross = load_transformer().read(Image.open(EXAMPLE), attention=True).attention.cross
    wait_for_peaks(page, cross[:, :, 0])
    steps = page.locator(".st-key-step-keys")
    assert steps.evaluate("row => getComputedStyle(row).opacity") == "0"
    steps.get_by_role("radio").first.focus()
    assert steps.evaluate("row => getComputedStyle(row).opacity") == "1"
    for _ in range(2):
        page.keyboard.press("ArrowRight")
    page.keyboard.press("Space")
    wait_for_peaks(page, cross[:, :, 2])
    assert page.complaints == []
