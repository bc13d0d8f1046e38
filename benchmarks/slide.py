"""How fast the page goes from moment to moment of a training: `python -m benchmarks slide`.

A short run is trained on the page in a real Chromium and looked into. Then the slider is moved to
and fro, and the browser times from what it sends until other digits stand on the stage; moves to
moments that read the same digits tell nothing and are left out.
"""

import statistics
import tempfile
from pathlib import Path

from benchmarks.page import DIGITS, WATCH
from benchmarks.timing import machine
from tests.chromium import launch, open_page, serve, wait_for_digits, write

MOVES = 40
LINE = "27350"


def main() -> None:
    log = Path(tempfile.mkdtemp()) / "log"
    with serve(log) as address, launch() as browser:
        page = open_page(browser, address)
        write(page, LINE)
        wait_for_digits(page, LINE)
        page.get_by_role("radio", name="Train your own", exact=True).click()
        length = page.get_by_role("slider", name="Length of the run")
        length.focus()
        length.press("Home")
        page.get_by_role("button", name="Start", exact=True).click()
        page.get_by_text("Finished: step").wait_for(timeout=600_000)
        page.get_by_role("button", name="Look into it").click()
        track = page.locator(".mnist-timeline .track")
        track.scroll_into_view_if_needed()
        page.wait_for_timeout(5000)  # until the curves are worked out
        page.evaluate(WATCH, DIGITS)
        box = track.bounding_box()
        for move in range(MOVES):
            share = (move % 2) * 0.5 + 0.5 * move / MOVES
            page.mouse.click(box["x"] + share * box["width"], box["y"] + box["height"] / 2)
            page.wait_for_timeout(1000)
        times = page.evaluate("times")
    print(
        f"{machine()}\nfrom a move of the slider to new digits: median "
        f"{statistics.median(times):.0f} ms, slowest {max(times):.0f} ms, of {len(times)}"
    )
