"""Intervene."""

import pytest
from PIL import Image

from mnist_transformer import load_transformer
from mnist_transformer.explain.heads import Head
from mnist_transformer.explain.interventions import (
    Intervention,
    head_importance,
    logit_lens,
    read_changed,
)
from tests.demo.browser.seen import (
    EXAMPLE,
    figure_data,
    heat_maps,
    open_example,
    wait_for_certainties,
    wait_for_peaks,
)


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
    page.get_by_text("Layer 1, head 3 · off").wait_for()
    wait_for_certainties(page, changed)
    page.get_by_role("tab", name="Look inside").click()
    page.locator(".st-key-timeline .js-plotly-plot").wait_for()
    page.get_by_role("tab", name="Intervene").click()
    page.get_by_text("Where the heads look now").wait_for()  # what was chosen stays chosen
    assert page.complaints == []


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


def test_a_head_that_attends_uniformly_does_so(page):
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
