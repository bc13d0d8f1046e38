"""Makes the README's pictures of the page: `python -m tests.screenshot`."""

import tempfile
from pathlib import Path

from playwright.sync_api import Page

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
        page.locator('.mnist-strip [data-part="decoder 2 cross"]').click()
        page.locator('.mnist-detail[data-part="decoder 2 cross"]').wait_for()
        picture(page, "screenshot.png")

        page.locator('.mnist-strip [data-part="decoder 2 cross"]').click()  # closes it
        page.locator('[data-part="decoder 2 cross"][aria-pressed="false"]').wait_for()
        page.get_by_role("radio", name="Intervene", exact=True).click()
        page.locator('.mnist-matrix [data-part="decoder 1"]').click()
        page.get_by_text("With decoder 1 off it reads").wait_for()
        page.locator(".st-key-sections").evaluate("sections => sections.scrollIntoView()")
        picture(page, "intervene.png")


def picture(page: Page, name: str) -> None:
    """What the window shows once all has arrived and nothing is hovered."""
    page.mouse.move(640, 2)
    page.wait_for_timeout(2500)
    page.screenshot(path=ROOT / "demo" / name)


if __name__ == "__main__":
    main()
