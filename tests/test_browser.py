"""The page as people use it: a real Chromium, a mouse, a server."""

import shutil
import socket
import subprocess
import sys
import time
import urllib.request
from pathlib import Path

import pytest

from tests.pen import strokes

ROOT = Path(__file__).parent.parent
BROWSERS = ("chromium", "chromium-browser", "google-chrome")
CHROMIUM = next(filter(None, map(shutil.which, BROWSERS)), None)
FLAGS = """--no-sandbox --disable-gpu --no-first-run --disable-background-networking
    --disable-component-update --disable-sync""".split()

pytestmark = pytest.mark.skipif(
    CHROMIUM is None, reason="needs Chromium on the PATH (apt-get install chromium)"
)


@pytest.fixture(scope="module")
def server(tmp_path_factory):
    """The page's address and the file its log goes to."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    log = tmp_path_factory.mktemp("server") / "log"
    command = [sys.executable, "-m", "streamlit", "run", "demo/app.py"]
    options = [f"--server.port={port}", "--server.headless=true", "--server.address=127.0.0.1"]
    with open(log, "w") as file:
        process = subprocess.Popen(command + options, cwd=ROOT, stdout=file, stderr=file)
    address = f"http://127.0.0.1:{port}"
    for _ in range(240):
        try:
            urllib.request.urlopen(f"{address}/_stcore/health")
            break
        except OSError:
            assert process.poll() is None, log.read_text()
            time.sleep(0.25)
    yield address, log
    process.terminate()
    process.wait()


@pytest.fixture(scope="module")
def browser():
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=FLAGS)
        yield browser
        browser.close()


def open_page(browser, server):
    """A new visitor's page; what goes wrong in it is collected in `page.complaints`."""
    page = browser.new_context(viewport={"width": 1280, "height": 1100}).new_page()
    page.set_default_timeout(60_000)
    page.complaints = []
    page.on("pageerror", lambda error: page.complaints.append(str(error)))
    page.on(
        "console",
        lambda message: (
            page.complaints.append(message.text) if message.type in ("error", "warning") else None
        ),
    )
    page.goto(server[0])
    page.locator("canvas").last.wait_for()
    page.get_by_text("Write one to eight digits").wait_for()
    return page


@pytest.fixture
def page(browser, server):
    page = open_page(browser, server)
    yield page
    page.context.close()


def write(page, text):
    """Draw with the mouse as a hand would: strokes of many small moves."""
    canvas = page.locator("canvas").last
    canvas.scroll_into_view_if_needed()
    box = canvas.bounding_box()
    for stroke in strokes(text, box["x"] + 50, box["y"] + 35, 115):
        page.mouse.move(*stroke[0])
        page.mouse.down()
        for point in stroke[1:]:
            page.mouse.move(*point, steps=5)
        page.mouse.up()


def wait_for_digits(page, digits):
    page.locator(f'.reading[data-digits="{digits}"]').first.wait_for()


def test_five_digits_drawn_by_mouse_are_read(page):
    write(page, "27350")
    wait_for_digits(page, "27350")
    assert page.locator(".reading .tile").count() == 5
    assert page.complaints == []


def test_undo_and_clear(page):
    write(page, "27")
    wait_for_digits(page, "27")
    page.mouse.move(600, 150)
    page.get_by_label("Undo").click()
    wait_for_digits(page, "2")
    page.get_by_role("button", name="Clear", exact=True).click()
    page.get_by_text("Write one to eight digits").wait_for()
    assert page.complaints == []


def heat_maps(page):
    """The heat maps in the newest figure: how many, and the largest weight of each."""
    return page.evaluate(
        """() => [...document.querySelectorAll('.js-plotly-plot')]
            .filter(plot => plot.offsetParent)
            .flatMap(plot => plot._fullData)
            .filter(trace => trace.type === 'heatmap')
            .map(trace => Math.max(...[...trace.z].flatMap(row => [...row]).filter(w => w !== null)))"""
    )


def wait_for_heat_maps(page, count):
    for _ in range(100):
        maps = heat_maps(page)
        if len(maps) == count:
            return maps
        page.wait_for_timeout(100)
    raise AssertionError(f"{len(maps)} heat maps, not {count}")


def test_every_head_is_shown_over_the_drawing(page):
    page.get_by_role("button", name="2026", exact=True).click()
    wait_for_digits(page, "2026")
    first = wait_for_heat_maps(page, 2 * 4)
    assert all(0 < peak <= 1 for peak in first)
    assert page.locator(".js-plotly-plot .layer-below image, .js-plotly-plot image").count() >= 8
    page.get_by_text("3: 2", exact=True).click()
    page.get_by_text("What could step 3 have said?").wait_for()
    page.wait_for_timeout(500)
    assert wait_for_heat_maps(page, 2 * 4) != first
    page.get_by_text("Encoder self-attention", exact=True).click()
    wait_for_heat_maps(page, 3 * 4)
    page.get_by_text("Decoder self-attention", exact=True).click()
    assert max(wait_for_heat_maps(page, 2 * 4)) <= 1.0001
    assert page.complaints == []


def test_a_picture_can_be_uploaded_and_a_broken_one_is_refused(page, tmp_path):
    page.get_by_role("button", name="Upload a picture").click()
    chooser = page.locator('input[type="file"]')
    (tmp_path / "broken.png").write_text("no picture")
    chooser.set_input_files(tmp_path / "broken.png")
    page.get_by_text("cannot be opened as a picture").wait_for()
    chooser.set_input_files(ROOT / "demo" / "examples" / "314159.png")
    wait_for_digits(page, "314159")


def start_training(page):
    page.get_by_role("tab", name="Train your own").click()
    page.get_by_role("button", name="Start", exact=True).click()
    page.get_by_text("Training: step").wait_for()


def test_a_short_training_run_starts_stops_and_reads(page, browser, server):
    write(page, "27")
    wait_for_digits(page, "27")
    start_training(page)
    other = open_page(browser, server)  # a second visitor sees nothing of it
    other.get_by_role("tab", name="Train your own").click()
    assert other.get_by_text("Training: step").count() == 0
    write(other, "5")  # and the page stays usable while the first one trains
    wait_for_digits(other, "5")
    other.context.close()
    page.get_by_role("button", name="Stop", exact=True).click()
    page.get_by_text("Stopped: step").wait_for()
    page.get_by_text("Your model reads").wait_for()
    page.get_by_text("The shipped model reads").wait_for()
    assert page.locator('.reading[data-digits="27"]').count() == 2
    assert page.complaints == []


def test_the_servers_log_is_clean(page, server):
    log = server[1].read_text()
    for word in ("Warning", "warning", "Error", "Traceback", "deprecated"):
        assert word not in log, log
