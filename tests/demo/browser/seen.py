"""What a person sees on the page, for the tests to wait for."""

import time
from contextlib import contextmanager

import pytest
from PIL import Image

from tests import ROOT
from tests.chromium import LONGEST_WAIT, sheet, wait_for_digits

EXAMPLE = ROOT / "demo" / "examples" / "2026.png"


def read_example(model):
    """The reading of the example that the page shows: the likelier of the two it makes."""
    return model.read_page(Image.open(EXAMPLE), attention=True).rows[0].parts[0]


def open_example(page):
    page.get_by_role("button", name="2026", exact=True).click()
    wait_for_digits(page, "2026")


def wait_for(page, get, expected):
    """Until `get()` gives what is expected.

    Whatever a touch changes is waited for: the parts of the page take it up one after the other,
    each when the machine comes to it.
    """
    end = time.monotonic() + LONGEST_WAIT
    while (seen := get()) != expected:
        assert time.monotonic() < end, f"{seen} shown, not {expected}"
        page.wait_for_timeout(50)


def settled(page):
    """Until the browser has told what it has to tell, and the server has answered."""
    page.wait_for_timeout(400)  # for the longest of the page's own pauses
    page.locator('.stApp[data-test-script-state="notRunning"]').wait_for()


def count_messages(page):
    """From now on, `window.sent` says how many the browser has sent to the server."""
    page.evaluate("""() => {
        window.sent = 0;
        const send = WebSocket.prototype.send;
        WebSocket.prototype.send = function (data) { window.sent += 1; send.call(this, data); };
    }""")


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


def wait_for_certainties(page, reading):
    """Until the last reading in sight is this one, digit by digit."""
    shown = page.locator(f'.reading[data-digits="{reading.digits}"]:visible').last.locator(
        ".tile .sure"
    )
    expected = [f"{p:.0%}" for p in reading.probabilities]
    wait_for(page, shown.all_text_contents, expected)


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


def wait_for_figure_data(page, key, expected):
    """Until the first trace of a figure has these numbers, row by row."""
    expected = pytest.approx(expected, abs=1e-3)
    numbers = "plot => [...plot._fullData[0].z].flatMap(row => [...row])"
    wait_for(page, lambda: wait_for_figure(page, key).evaluate(numbers), expected)
