"""Makes the README's pictures of the page: `python -m tests.screenshot`."""

import tempfile
from pathlib import Path

from tests import ROOT
from tests.chromium import launch, open_page, serve, wait_for_digits, write


def main() -> None:
    log = Path(tempfile.mkdtemp()) / "log"
    with serve(log) as address, launch() as browser:
        page = open_page(browser, address, height=1240)
        write(page, "3141592")
        wait_for_digits(page, "3141592")
        page.wait_for_timeout(2000)  # the last of seven readings has replaced the one before
        page.locator(".mnist-tiles button").nth(2).click()
        page.mouse.move(640, 5)
        page.wait_for_timeout(1500)
        page.screenshot(path=ROOT / "demo" / "screenshot.png")

        page.get_by_role("tab", name="Intervene").click()
        page.locator('.mnist-matrix [data-part="decoder 1"]').click()
        page.get_by_text("With decoder 1 off it reads").wait_for()
        page.mouse.move(640, 5)
        page.wait_for_timeout(2000)
        page.set_viewport_size({"width": 1280, "height": 1480})
        page.wait_for_timeout(1000)
        page.screenshot(path=ROOT / "demo" / "intervene.png")


if __name__ == "__main__":
    main()
