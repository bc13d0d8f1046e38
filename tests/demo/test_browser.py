"""The page as people use it: a real Chromium, a mouse, a server."""

import json
import os
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from mnist_transformer import load_transformer
from mnist_transformer.explain.interventions import (
    Head,
    Intervention,
    head_importance,
    logit_lens,
    read_changed,
)
from mnist_transformer.explain.perturb import perturb
from mnist_transformer.explain.relevance import (
    inside_head,
    mean_cross_attention,
    relevance,
    rollout,
)
from tests import ROOT
from tests.chromium import (
    CHROMIUM,
    launch,
    open_page,
    scrub,
    serve,
    wait_for_digits,
    write,
)

EXAMPLE = ROOT / "demo" / "examples" / "2026.png"

# Where REQUIRE_BROWSER is set, as in CI, a missing Chromium fails instead.
pytestmark = pytest.mark.skipif(
    CHROMIUM is None and "REQUIRE_BROWSER" not in os.environ,
    reason="needs Chromium on the PATH (apt-get install chromium)",
)


@pytest.fixture(scope="module")
def server(tmp_path_factory):
    """The page's address and the file its log goes to."""
    log = tmp_path_factory.mktemp("server") / "log"
    with serve(log) as address:
        yield address, log


@pytest.fixture(scope="module")
def browser():
    with launch() as browser:
        yield browser


@pytest.fixture
def page(browser, server):
    page = open_page(browser, server[0])
    yield page
    page.context.close()


def test_five_digits_drawn_by_mouse_are_read(page):
    write(page, "27350")
    wait_for_digits(page, "27350")
    assert page.locator(".reading").first.locator(".tile").count() == 5
    assert page.complaints == []


def test_undo_and_clear(page):
    write(page, "27")
    wait_for_digits(page, "27")
    page.mouse.move(600, 150)
    page.get_by_label("Undo").click()
    wait_for_digits(page, "2")
    page.get_by_role("button", name="Clear", exact=True).click()
    page.get_by_text("Undo is in the sheet").wait_for()
    assert page.complaints == []


def test_a_link_reopens_the_drawing(page, browser):
    write(page, "405")
    wait_for_digits(page, "405")
    page.get_by_text("Save or share").click()
    page.get_by_role("button", name="Put the drawing in the address bar").click()
    page.get_by_text("now reopens this drawing").wait_for()
    other = open_page(browser, page.url, hint=None)
    wait_for_digits(other, "405")
    assert other.complaints == []
    other.context.close()
    broken = open_page(browser, page.url[:-30], hint=None)
    broken.get_by_text("This link holds no drawing").wait_for()
    broken.context.close()


def open_example(page):
    page.get_by_role("button", name="2026", exact=True).click()
    wait_for_digits(page, "2026")


def heat_maps(page):
    """The heat maps in the newest figure: how many, and the largest weight of each."""
    return page.evaluate(
        """() => [...document.querySelectorAll('.js-plotly-plot')]
            .filter(plot => plot.offsetParent)
            .flatMap(plot => plot._fullData)
            .filter(trace => trace.type === 'heatmap')
            .map(trace => [...trace.z].flatMap(row => [...row]).filter(Number.isFinite))
            .map(weights => Math.max(...weights))"""
    )


def wait_for_heat_maps(page, count):
    for _ in range(100):
        maps = heat_maps(page)
        if len(maps) == count:
            return maps
        page.wait_for_timeout(100)
    raise AssertionError(f"{len(maps)} heat maps, not {count}")


def wait_for_peaks(page, weights, last=0):
    """Until the heat maps, or the last ones, show these weights, (layers, heads, patches)."""
    expected = pytest.approx(weights.amax(-1).flatten().tolist(), abs=1e-3)
    for _ in range(100):
        if (maps := heat_maps(page)[-last:]) == expected:
            return
        page.wait_for_timeout(100)
    raise AssertionError(f"{maps} shown, not {expected}")


def wait_for_certainties(page, reading):
    """Until the last reading in sight is this one, digit by digit."""
    shown = page.locator(f'.reading[data-digits="{reading.digits}"]:visible').last.locator(".sure")
    expected = [f"{p:.0%}" for p in reading.probabilities]
    for _ in range(100):
        if shown.all_text_contents() == expected:
            return
        page.wait_for_timeout(100)
    raise AssertionError(f"{shown.all_text_contents()} shown, not {expected}")


def test_every_head_is_shown_over_the_drawing(page):
    open_example(page)
    assert all(0 < peak <= 1 for peak in wait_for_heat_maps(page, 2 * 4))
    assert page.locator(".js-plotly-plot .layer-below image, .js-plotly-plot image").count() >= 8
    page.get_by_role("radio", name="Encoder self-attention").click(force=True)
    wait_for_heat_maps(page, 3 * 4)
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


def test_one_head_alone_is_shown_large(page):
    open_example(page)
    page.get_by_test_id("stButtonGroup").filter(has_text="One head").get_by_text("2.3").click()
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
    page.get_by_label("Patch row").wait_for()
    row, column = (int(page.get_by_label(f"Patch {n}").input_value()) for n in ("row", "column"))
    inside = inside_head(model, reading, Head("cross", 1, 0), 0, row * 28 + column)
    vectors = torch.stack([inside.query, inside.key, inside.products, inside.value])
    wait_for_peaks(page, vectors.flatten())
    # KaTeX writes the formula once for the eye and once for screen readers.
    assert f"{inside.score:.2f}" in page.locator(".katex").first.inner_text()
    assert page.complaints == []


def test_the_reading_can_be_taken_along(page):
    open_example(page)
    page.get_by_text("Save or share").click()
    with page.expect_download() as download:
        page.get_by_role("button", name="Reading (JSON)").click()
    saved = json.loads(Path(download.value.path()).read_text())
    reading = load_transformer().read(Image.open(EXAMPLE))
    assert saved["digits"] == reading.digits
    assert saved["probabilities"] == pytest.approx(reading.probabilities, abs=1e-5)
    assert len(saved["distributions"]) == reading.steps
    with page.expect_download() as download:
        page.get_by_role("button", name="Cross-attention to play (HTML)").click()
    html = Path(download.value.path()).read_text()
    assert "Plotly.addFrames" in html and "https://cdn" not in html.split("<body>")[1][:2000]
    with page.expect_download() as download:
        page.get_by_role("button", name="All numbers and maps (NPZ)").click()
    with np.load(download.value.path()) as saved:
        assert saved["cross"].shape == (2, 4, reading.steps, 112)
    page.keyboard.press("Escape")
    figure = page.locator(".st-key-timeline .js-plotly-plot")
    figure.hover()
    with page.expect_download() as download:
        figure.locator('.modebar-btn[data-attr="toImage"], .modebar-btn').first.click(force=True)
    assert Path(download.value.path()).read_text().startswith("<svg")
    assert page.complaints == []


def test_on_a_phone_a_finger_writes(browser, server):
    context = browser.new_context(
        viewport={"width": 390, "height": 844},
        is_mobile=True,
        has_touch=True,
        user_agent="Mozilla/5.0 (Linux; Android 14) Mobile",
    )
    page = context.new_page()
    page.goto(server[0])
    canvas = page.locator("canvas").last
    canvas.wait_for()
    assert canvas.bounding_box()["width"] <= 390
    assert page.evaluate("document.documentElement.scrollWidth") <= 390
    page.get_by_role("button", name="Leave").click()
    page.get_by_text("1 of 5").wait_for(state="detached")
    write(page, "7")
    wait_for_digits(page, "7")
    context.close()


def test_a_patch_is_touched(page):
    open_example(page)
    page.get_by_role("radio", name="Encoder self-attention").click(force=True)
    picker = page.locator(".st-key-picker .js-plotly-plot .nsewdrag")
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


def test_a_head_switched_off_changes_the_reading_as_the_model_says(page):
    open_example(page)
    page.get_by_role("tab", name="Intervene").click()
    page.get_by_test_id("stButtonGroup").filter(has_text="Cross-attention").get_by_text(
        "1.3"
    ).click()
    page.get_by_text("Where the heads look now").wait_for()
    model = load_transformer()
    change = Intervention(ablated_heads=frozenset({Head("cross", 0, 2)}))
    changed = read_changed(model, model.read(Image.open(EXAMPLE)).canvas, change)
    wait_for_peaks(page, changed.attention.cross[:, :, 0], last=2 * 4)
    assert changed.attention.cross[0, 2].max() == 0
    wait_for_certainties(page, changed)
    page.get_by_role("tab", name="Look inside").click()
    page.locator(".st-key-timeline .js-plotly-plot").wait_for()
    page.get_by_role("tab", name="Intervene").click()
    page.get_by_text("Where the heads look now").wait_for()  # what was chosen stays chosen
    assert page.complaints == []


def figure_data(page, key):
    """The numbers of the first trace of a figure, row by row."""
    plot = page.locator(f".st-key-{key} .js-plotly-plot")
    plot.wait_for()
    return plot.evaluate("plot => [...plot._fullData[0].z].flatMap(row => [...row])")


def test_the_ranking_of_heads_and_the_logit_lens_are_the_librarys(page):
    open_example(page)
    page.get_by_role("tab", name="Intervene").click()
    model = load_transformer()
    reading = model.read(Image.open(EXAMPLE), attention=True)
    ranking = list(head_importance(model, reading).values())
    assert figure_data(page, "importance") == pytest.approx(ranking, abs=1e-3)
    lens = logit_lens(model, reading).amax(-1).flatten().tolist()
    assert figure_data(page, "lens") == pytest.approx(lens, abs=1e-3)
    assert page.complaints == []


def test_a_head_that_looks_everywhere_alike_does_so(page):
    open_example(page)
    page.get_by_role("tab", name="Intervene").click()
    page.get_by_role("radio", name="Make heads attend uniformly").click(force=True)
    heads = page.get_by_test_id("stButtonGroup").filter(has_text="Cross-attention")
    heads.get_by_text("2.1").click()
    page.get_by_text("Where the heads look now").wait_for()
    model = load_transformer()
    change = Intervention(heads_uniform=frozenset({Head("cross", 1, 0)}))
    changed = read_changed(model, model.read(Image.open(EXAMPLE)).canvas, change)
    wait_for_peaks(page, changed.attention.cross[:, :, 0], last=2 * 4)
    assert heat_maps(page)[-4] == pytest.approx(1 / 112, abs=1e-4)
    assert page.complaints == []


def test_layers_and_positions_are_switched_off(page):
    open_example(page)
    page.get_by_role("tab", name="Intervene").click()
    model = load_transformer()
    canvas = model.read(Image.open(EXAMPLE)).canvas
    layer = page.get_by_test_id("stButtonGroup").filter(has_text="Whole layers off")
    layer.get_by_text("Decoder 2").click()
    off = frozenset({("decoder", 1)})
    wait_for_certainties(page, read_changed(model, canvas, Intervention(ablated_layers=off)))
    page.get_by_text("Positional encoding off").click()
    both = Intervention(ablated_layers=off, ablated_positions=True)
    wait_for_certainties(page, read_changed(model, canvas, both))
    layer.get_by_text("Decoder 2").click()
    wait_for_certainties(page, read_changed(model, canvas, Intervention(ablated_positions=True)))
    assert page.complaints == []


def test_turn_thickness_and_noise_do_as_the_library_says(page):
    open_example(page)
    page.get_by_role("tab", name="Change one thing").click()
    model = load_transformer()
    canvas = model.read(Image.open(EXAMPLE)).canvas
    change = dict(rotation=0, thickness=0.0, noise=0.0)
    for slider, presses, (name, value) in (
        ("Turn, in degrees", 4, ("rotation", 4)),
        ("Thickness", 5, ("thickness", 0.5)),
        ("Noise", 4, ("noise", 0.2)),
    ):
        page.get_by_role("slider", name=slider).focus()
        for _ in range(presses):
            page.keyboard.press("ArrowRight")
        change[name] = value
        wait_for_certainties(page, model.read_canvases(perturb(canvas, **change)[None])[0])
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


def test_the_drawing_is_erased_stroke_by_stroke(page):
    write(page, "405")
    wait_for_digits(page, "405")
    page.get_by_role("tab", name="Change one thing").click()
    page.wait_for_timeout(1500)  # the canvas may answer once more after the last stroke
    page.get_by_role("slider", name="Strokes kept").focus()
    page.keyboard.press("ArrowLeft")
    wait_for_digits(page, "40")
    page.keyboard.press("ArrowLeft")
    wait_for_digits(page, "4")
    page.get_by_role("slider", name="Temperature of the samples").focus()
    page.keyboard.press("End")
    page.get_by_text("100 samples at temperature 5").wait_for()
    assert page.complaints == []


def test_a_picture_can_be_uploaded_and_a_broken_one_is_refused(page, tmp_path):
    page.get_by_role("button", name="Upload a picture").click()
    chooser = page.get_by_test_id("stPopoverBody").locator('input[type="file"]')
    (tmp_path / "broken.png").write_text("no picture")
    chooser.set_input_files(tmp_path / "broken.png")
    page.get_by_text("cannot be opened as a picture").wait_for()
    chooser.set_input_files(ROOT / "demo" / "examples" / "314159.png")
    wait_for_digits(page, "314159")


def start_training(page):
    page.get_by_role("tab", name="Train your own").click()
    page.get_by_role("button", name="Start", exact=True).click()
    page.get_by_text("Training: step").wait_for()


def test_a_short_training_run_starts_stops_and_reads(page, browser, server, tmp_path):
    write(page, "27")
    wait_for_digits(page, "27")
    start_training(page)
    other = open_page(browser, server[0])  # a second visitor sees nothing of it
    other.get_by_role("tab", name="Train your own").click()
    assert other.get_by_text("Training: step").count() == 0
    write(other, "5")  # and the page stays usable while the first one trains
    wait_for_digits(other, "5")
    other.context.close()
    page.get_by_role("button", name="Stop", exact=True).click()
    page.get_by_text("Stopped: step").wait_for()
    page.get_by_text("Your model reads").wait_for()
    page.get_by_text("The shipped model reads").wait_for()
    # At the top of the page, and beside what the new model reads.
    page.locator('.reading[data-digits="27"]:visible').nth(1).wait_for()
    with page.expect_download() as download:
        page.get_by_role("button", name="Download", exact=True).click()
    weights = tmp_path / "mine.safetensors"
    download.value.save_as(weights)
    page.get_by_role("button", name="Resume").click()  # it goes on where it stopped
    page.get_by_text("Training: step").wait_for()
    page.get_by_text("Where it looks at each step").wait_for()
    page.get_by_role("button", name="Stop", exact=True).click()
    page.get_by_text("Stopped: step").wait_for()
    page.get_by_text("Your model reads").wait_for()
    page.get_by_text("Read with weights of your own").click()
    chooser = page.get_by_test_id("stExpander").locator('input[type="file"]')
    chooser.set_input_files(weights)
    page.get_by_text("Your file reads").wait_for()
    broken = tmp_path / "broken.safetensors"
    broken.write_bytes(weights.read_bytes()[:5000])
    chooser.set_input_files(broken)
    page.get_by_text("broken.safetensors is damaged").wait_for()
    assert page.complaints == []


def test_runs_are_compared(page):
    for _ in range(2):
        start_training(page)
        page.get_by_role("button", name="Stop", exact=True).click()
        page.get_by_text("Stopped: step").wait_for()
    curves = page.locator(".st-key-loss-figure .js-plotly-plot")
    names = curves.evaluate("plot => plot._fullData.map(trace => trace.name)")
    assert len(names) >= 2 and all("30,000 drawings" in name for name in names)
    assert page.complaints == []


def test_the_tour_leads_through_five_stops(page):
    for stop in range(2, 6):
        page.get_by_role("button", name="Next").click()
        page.get_by_text(f"{stop} of 5").wait_for()
    page.get_by_role("button", name="Done").click()
    page.get_by_text("5 of 5").wait_for(state="detached")
    assert page.complaints == []


def test_the_page_follows_a_dark_theme(browser, server):
    context = browser.new_context(color_scheme="dark", viewport={"width": 1280, "height": 1100})
    page = context.new_page()
    page.goto(server[0])
    open_example(page)
    style = "element => getComputedStyle(element).{}.match(/\\d+/g).slice(0, 3).map(Number)"
    dark = page.locator(".stApp").evaluate(style.format("backgroundColor"))
    light = page.locator(".reading .digit").first.evaluate(style.format("color"))
    assert max(dark) < 60 and min(light) > 200
    context.close()


def test_who_comes_third_waits_in_line(page, browser, server):
    others = [open_page(browser, server[0]) for _ in range(2)]
    for visitor in others:
        start_training(visitor)
    page.get_by_role("tab", name="Train your own").click()
    page.get_by_role("button", name="Start", exact=True).click()
    page.get_by_text("Queued: 1 run ahead").wait_for()
    others[0].get_by_role("button", name="Stop", exact=True).click()
    page.get_by_text("Training: step").wait_for()
    others[1].context.close()  # whoever leaves ends his run
    page.get_by_role("button", name="Stop", exact=True).click()
    page.get_by_text("Stopped: step").wait_for()
    others[0].context.close()
    assert page.complaints == []


def test_the_servers_log_is_clean(page, server):
    log = server[1].read_text()
    for word in ("Warning", "warning", "Error", "Traceback", "deprecated"):
        assert word not in log, log
