"""What a person sees on the page, for the tests to wait for."""

from contextlib import contextmanager

import pytest
from PIL import Image

from tests import ROOT
from tests.chromium import sheet, wait_for_digits

EXAMPLE = ROOT / "demo" / "examples" / "2026.png"


def read_example(model):
    """The reading of the example that the page shows: the likelier of the two it makes."""
    return model.read_page(Image.open(EXAMPLE), attention=True).rows[0].parts[0]


def open_example(page):
    page.get_by_role("button", name="2026", exact=True).click()
    wait_for_digits(page, "2026")


def settled(page):
    """Until the browser has told what it has to tell, and the server has answered."""
    page.wait_for_timeout(400)  # for the longest of the page's own pauses
    page.locator('.stApp[data-test-script-state="notRunning"]').wait_for()


def choose_nothing(page):
    """No part and no head, the first step, and the pointer on nothing."""
    page.mouse.move(5, 5)
    page.evaluate("""() => {
        document.querySelector('.stMain').scrollTop = 0;
        document.mnistFollow.hover({});
        document.mnistFollow.set({ step: 0, part: null, head: null, patch: null });
    }""")
    page.locator(".mnist-detail").wait_for(state="hidden")


@contextmanager
def a_new_canvas(page):
    """What is done within puts another canvas in the place of the one that one draws on."""
    old = sheet(page).element_handle()
    yield
    old.wait_for_element_state("hidden")
    sheet(page).wait_for()


def heat_maps(page):
    """The heat maps in the newest figure: how many, and the largest weight of each."""
    return page.evaluate(
        """() => [...document.querySelectorAll('.js-plotly-plot')]
            .filter(plot => plot.offsetParent)
            .flatMap(plot => plot._fullData ?? [])  // nothing before it is drawn
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
    shown = page.locator(f'.reading[data-digits="{reading.digits}"]:visible').last.locator(
        ".tile .sure"
    )
    expected = [f"{p:.0%}" for p in reading.probabilities]
    for _ in range(100):
        if shown.all_text_contents() == expected:
            return
        page.wait_for_timeout(100)
    raise AssertionError(f"{shown.all_text_contents()} shown, not {expected}")


def wait_for_figure(page, key, traces=1):
    """The figure, once Plotly has drawn that many traces and no older copy of it stands beside."""
    page.wait_for_function(
        """([key, traces]) => {
            const plots = [...document.querySelectorAll(`.st-key-${key} .js-plotly-plot`)];
            return plots.length === 1 && (plots[0]._fullData?.length ?? 0) >= traces;
        }""",
        arg=[key, traces],
    )
    return page.locator(f".st-key-{key} .js-plotly-plot")


def wait_for_figure_data(page, key, numbers):
    """Until the first trace of a figure has these numbers, row by row."""
    expected = pytest.approx(numbers, abs=1e-3)
    for _ in range(100):
        shown = wait_for_figure(page, key).evaluate(
            "plot => [...plot._fullData[0].z].flatMap(row => [...row])"
        )
        if shown == expected:
            return
        page.wait_for_timeout(100)
    raise AssertionError(f"{shown} shown, not {expected}")
