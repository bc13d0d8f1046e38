"""The page in a real Chromium, for the tests and for the README's pictures."""

import shutil
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from playwright.sync_api import Browser, Locator, Page, TimeoutError, sync_playwright

from tests import ROOT
from tests.pen import strokes

_NAMES = ("chromium", "chromium-browser", "google-chrome")
CHROMIUM = next(filter(None, map(shutil.which, _NAMES)), None)
_FLAGS = """--no-sandbox --disable-gpu --no-first-run --disable-background-networking
    --disable-component-update --disable-sync""".split()

# Seconds, for what never comes: a busy machine takes its time.
LONGEST_WAIT = 120

# Streamlit says so where two parts of the page tell something at one moment, which depends on how
# busy the machine is; `demo.redraw` sees to it that both are drawn anew.
_BATCHED = "Multiple different fragmentIds detected in a single batch"


@contextmanager
def serve(log: Path, folder: Path = ROOT) -> Iterator[str]:
    """Run the page on a free port from a folder, its log in `log`; gives its address."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    command = [sys.executable, "-m", "streamlit", "run", str(ROOT / "demo" / "app.py")]
    options = [f"--server.port={port}", "--server.headless=true", "--server.address=127.0.0.1"]
    with open(log, "w") as file:
        process = subprocess.Popen(command + options, cwd=folder, stdout=file, stderr=file)
    address = f"http://127.0.0.1:{port}"
    try:
        while True:
            try:
                urllib.request.urlopen(f"{address}/_stcore/health")
                break
            except OSError as error:
                if process.poll() is not None:
                    raise RuntimeError(log.read_text()) from error
                time.sleep(0.25)
        yield address
    finally:
        process.terminate()
        process.wait()


@contextmanager
def launch() -> Iterator[Browser]:
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=_FLAGS)
        yield browser
        browser.close()


def new_page(browser: Browser, **options) -> Page:
    """An empty page of a new visitor, whose browser has these options."""
    page = browser.new_context(**options).new_page()
    page.set_default_timeout(1000 * LONGEST_WAIT)
    return page


def open_page(
    browser: Browser,
    address: str,
    height: int = 1100,
    hint: str | None = None,
) -> Page:
    """A new visitor's page, the example on it read; what goes wrong is in `page.complaints`.

    `hint` is a text to wait for in place of the reading.
    """
    page = new_page(browser, viewport={"width": 1280, "height": height})
    page.complaints = []
    page.on("pageerror", lambda error: page.complaints.append(str(error)))
    page.on(
        "console",
        lambda message: (
            page.complaints.append(message.text)
            if message.type in ("error", "warning") and _BATCHED not in message.text
            else None
        ),
    )
    page.goto(address)
    sheet(page).wait_for()
    if hint:
        page.get_by_text(hint).wait_for()
    else:
        page.locator("[data-attention]").wait_for()
    page.locator('.stApp[data-test-script-state="notRunning"]').wait_for()  # all of it is there
    return page


def sheet(page: Page) -> Locator:
    """The canvas that one draws on."""
    return page.locator(".st-key-sheet canvas").last


def sheet_box(page: Page) -> dict[str, float]:
    """Where the canvas lies: x, y, width, height.

    Now and then another canvas takes its place, and between the two there is none.
    """
    while not (box := sheet(page).bounding_box()):
        page.wait_for_timeout(50)
    return dict(box)


def write(page: Page, text: str, shift: int = 0) -> None:
    """Draw with the mouse as a hand would, from the sheet's place `shift` on."""
    page.locator(".st-key-sheet").scroll_into_view_if_needed()  # a canvas may be taken away
    box = sheet_box(page)
    for stroke in strokes(text, box["x"] + 50 + 110 * shift, box["y"] + 35, 115):
        page.mouse.move(*stroke[0])
        page.mouse.down()
        for point in stroke[1:]:
            page.mouse.move(*point, steps=5)
        page.mouse.up()


def wait_for_digits(page: Page, digits: str) -> None:
    try:
        page.locator(f'.reading[data-digits="{digits}"]').first.wait_for()
    except TimeoutError as error:
        shown = page.evaluate(
            "[...document.querySelectorAll('.reading')].map(e => [e.innerText, !!e.offsetParent])"
        )
        raise AssertionError(f"not {digits}, but (text, in sight): {shown}") from error
