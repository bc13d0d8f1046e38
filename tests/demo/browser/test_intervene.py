"""Intervene: the machine's parts are switched off where they stand."""

import math

import numpy as np
import pytest

from mnist_transformer.explain.interventions import edited, importance, read_changed
from mnist_transformer.explain.lens import lens
from mnist_transformer.explain.parts import all_changes, groups, intervention
from tests.chromium import new_page, wait_for_digits
from tests.demo.browser.seen import (
    open_example,
    settled,
    wait_for,
    wait_for_certainties,
    wait_for_figure_data,
)


@pytest.fixture
def matrix(page, model, reading):
    """The table of parts, of the example, with nothing changed."""
    page.get_by_role("radio", name="Intervene", exact=True).click()
    page.locator('[data-part="places"]').wait_for()
    matrix = page.locator(".mnist-matrix")
    matrix.get_by_role("button", name="A click switches off").click()
    settled(page)
    if matrix.locator("[aria-pressed=true][data-part]").count():
        matrix.get_by_role("button", name="Reset").click()
        wait_for_changed(page, model, reading)
    return matrix


def part(matrix, name):
    return matrix.locator(f'[data-part="{name}"]')


def wait_for_changed(page, model, reading, off=(), blurred=()):
    """Until the page shows what the library reads after these changes."""
    change = intervention(model.config, off, blurred)
    changed = read_changed(model, reading.canvas, change)
    wait_for_certainties(page, changed)
    # The stage, and all else on the page, shows the machine as it is now, too.
    wait_for_digits(page, changed.digits)
    glow = pytest.approx(float(changed.attention.cross[:, :, 0].mean((0, 1)).max()), abs=2e-3)
    shown = page.locator(".st-key-stage [data-attention]")
    wait_for(page, lambda: float(shown.get_attribute("data-attention")), glow)
    wait_for(page, page.locator(".matrix-reads b").inner_text, changed.digits or "nothing")
    return changed


def wait_for_costs(matrix, model, reading):
    """Until every field says how much of its likelihood a digit loses, as the library does."""
    lost = importance(model, reading, all_changes(model.config))
    expected = {name: 1 - math.exp(min(0, -nats)) for name, nats in lost.items()}
    shown = """matrix => Object.fromEntries(
        [...matrix.querySelectorAll('[data-costs]')]
            .map(field => [field.dataset.part, Number(field.dataset.costs)]))"""
    wait_for(matrix.page, lambda: matrix.evaluate(shown), pytest.approx(expected, abs=2e-3))


@pytest.mark.looks
def test_a_head_is_switched_off_where_it_stands(page, matrix, model, reading):
    part(matrix, "cross 1, head 3").click()
    changed = wait_for_changed(page, model, reading, ["cross 1, head 3"])
    assert changed.attention.cross[0, 2].max() == 0
    wait_for(page, part(matrix, "cross 1, head 3").inner_text, "off")
    page.locator('.mnist-strip [data-part="decoder 1 cross"]').click()
    panel = page.locator('.mnist-detail [data-head="cross 1, head 3"]')
    panel.get_by_text("off").wait_for()
    grey = "e => getComputedStyle(e).backgroundColor.match(/\\d+/g).slice(0, 3).map(Number)"
    field = part(matrix, "cross 1, head 3")
    wait_for(page, lambda: np.ptp(field.evaluate(grey)) < 20, True)  # no trace of orange
    page.get_by_role("radio", name="Change one thing", exact=True).click()
    page.get_by_role("radio", name="Intervene", exact=True).click()
    # What was chosen stays chosen.
    wait_for(page, part(matrix, "cross 1, head 3").inner_text, "off")
    part(matrix, "cross 1, head 3").click()
    wait_for_changed(page, model, reading)
    assert page.complaints == []


@pytest.mark.looks
def test_what_matters_and_the_lens_are_the_librarys_and_follow_the_changed_model(
    page, matrix, model, reading
):
    wait_for_costs(matrix, model, reading)
    early = lens(model, reading).distributions.amax(-1).flatten().tolist()
    wait_for_figure_data(page, "lens", early)
    part(matrix, "cross 1, all heads").click()
    heads = groups(model.config)["cross 1, all heads"]
    changed = wait_for_changed(page, model, reading, heads)
    now = edited(model, intervention(model.config, heads))
    wait_for_costs(matrix, now, changed)
    early = lens(now, changed).distributions.amax(-1).flatten().tolist()
    wait_for_figure_data(page, "lens", early)
    page.get_by_text("Heads replace one another").wait_for()
    assert page.complaints == []


@pytest.mark.looks
def test_a_blurred_head_looks_everywhere_alike(page, matrix, model, reading):
    matrix.get_by_role("button", name="A click blurs").click()
    wait_for(page, part(matrix, "decoder 1").is_disabled, True)  # a layer is no head
    part(matrix, "cross 2, head 1").click()
    changed = wait_for_changed(page, model, reading, blurred=["cross 2, head 1"])
    assert changed.attention.cross[1, 0].max() == pytest.approx(1 / 112, abs=1e-4)
    wait_for(page, part(matrix, "cross 2, head 1").inner_text, "blurred")
    matrix.get_by_role("button", name="A click switches off").click()
    part(matrix, "cross 2, head 1").click()  # off now, and no longer blurred
    wait_for_changed(page, model, reading, ["cross 2, head 1"])
    assert page.complaints == []


@pytest.mark.looks
def test_layers_and_places_are_switched_off_and_all_is_reset(page, matrix, model, reading):
    part(matrix, "decoder 2").click()
    wait_for_changed(page, model, reading, ["decoder 2"])
    wait_for(page, part(matrix, "self 2, head 4").inner_text, "off")  # with its layer
    part(matrix, "places").click()
    wait_for_changed(page, model, reading, ["decoder 2", "places"])
    part(matrix, "decoder 2").click()
    wait_for_changed(page, model, reading, ["places"])
    matrix.get_by_role("button", name="Reset").click()
    wait_for_changed(page, model, reading)
    wait_for(page, matrix.locator("[aria-pressed=true][data-part]").count, 0)
    assert page.complaints == []


@pytest.mark.looks
def test_clicks_faster_than_the_server_are_all_taken(page, matrix, model, reading):
    names = ["encoder 1, head 1", "self 1, head 2", "cross 2, head 3", "encoder 2, head 2"]
    for name in names:
        part(matrix, name).click()
    wait_for_changed(page, model, reading, names)
    settled(page)
    for name in names:
        wait_for(page, part(matrix, name).inner_text, "off")
    assert page.complaints == []


@pytest.mark.looks
def test_the_keyboard_switches_parts_off(page, matrix, model, reading):
    part(matrix, "cross 1, head 1").focus()
    page.keyboard.press("Enter")
    wait_for_changed(page, model, reading, ["cross 1, head 1"])
    page.keyboard.press("Tab")  # on from where it was
    page.keyboard.press("Space")
    wait_for_changed(page, model, reading, ["cross 1, head 1", "cross 1, head 2"])
    assert page.complaints == []


CONTRASTS = """() => {
    const rgb = (color) => color.match(/[\\d.]+/g).map(Number);
    const light = (color) => {
        const [r, g, b] = rgb(color).slice(0, 3).map(v => v / 255).map(
            v => v <= 0.04045 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4);
        return 0.2126 * r + 0.7152 * g + 0.0722 * b;
    };
    const ground = (node) => {
        for (; node; node = node.parentElement) {
            if (node.classList.contains('colorbar')) return 'rgb(255, 255, 255)';
            const color = getComputedStyle(node).backgroundColor;
            const [, , , alpha] = rgb(color);
            if (!(node instanceof SVGElement) && alpha !== 0) return color;
        }
    };
    const own = '.heatmap-label, .hoverlayer, .updatemenu-container';
    return [...document.querySelectorAll('.js-plotly-plot text')]
        .filter(text => text.getBoundingClientRect().width && !text.closest(own))
        .map(text => {
            const [a, b] = [light(getComputedStyle(text).fill), light(ground(text))];
            const contrast = (Math.max(a, b) + 0.05) / (Math.min(a, b) + 0.05);
            return [text.textContent, contrast];
        });
}"""


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_the_text_of_figures_is_readable_in_both_themes(browser, server, scheme):
    page = new_page(browser, color_scheme=scheme, viewport={"width": 1280, "height": 1100})
    page.goto(server[0])
    open_example(page)
    page.get_by_role("radio", name="Intervene", exact=True).click()
    page.locator(".st-key-lens .xtitle").wait_for()
    settled(page)
    wait_for(page, lambda: len(page.evaluate(CONTRASTS)) > 10, True)
    faint = [text for text, contrast in page.evaluate(CONTRASTS) if contrast < 4.5]
    assert faint == []
    page.context.close()


def test_on_a_telephone_the_matrix_fits_and_nothing_is_printed_over(browser, server):
    page = new_page(
        browser,
        viewport={"width": 390, "height": 664},
        is_mobile=True,
        has_touch=True,
        user_agent="Mozilla/5.0 (Linux; Android 14) Mobile",
    )
    page.goto(server[0])
    open_example(page)
    page.get_by_role("radio", name="Intervene", exact=True).click()
    page.locator('[data-part="places"]').wait_for()
    plot = page.locator(".st-key-lens .js-plotly-plot")
    plot.locator(".xtitle").wait_for()
    settled(page)
    boxes = plot.evaluate("""plot => [...plot.querySelectorAll('.xtitle, .xtick text, .ytick text')]
        .map(text => [text.textContent, text.getBoundingClientRect()])
        .map(([text, box]) => [text, box.left, box.top, box.right, box.bottom])""")
    boxes += page.locator(".mnist-matrix [data-part]").evaluate_all("""fields => fields
        .map(field => [field.dataset.part, field.getBoundingClientRect()])
        .map(([text, box]) => [text, box.left, box.top, box.right, box.bottom])""")
    for n, (text, left, top, right, bottom) in enumerate(boxes):
        assert left >= 0 and right <= 390, text
        for other, l2, t2, r2, b2 in boxes[n + 1 :]:
            apart = right <= l2 + 1 or r2 <= left + 1 or bottom <= t2 + 1 or b2 <= top + 1
            assert apart, (text, other)
    assert page.evaluate("document.documentElement.scrollWidth") <= 390
    fields = page.locator(".mnist-matrix [data-part]")
    assert min(f.bounding_box()["height"] for f in fields.all()) >= 34  # as a finger is wide
    page.context.close()
