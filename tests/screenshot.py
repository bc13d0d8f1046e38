"""Makes the README's picture of the page: `python -m tests.screenshot`."""

import tempfile
from pathlib import Path

from tests.chromium import ROOT, launch, open_page, scrub, serve, wait_for_digits, write


def main() -> None:
    log = Path(tempfile.mkdtemp()) / "log"
    with serve(log) as address, launch() as browser:
        page = open_page(browser, address, height=1010)
        write(page, "3141592")
        wait_for_digits(page, "3141592")
        page.wait_for_timeout(1500)  # the last of seven readings has replaced the one before
        scrub(page, 3)
        page.mouse.move(640, 5)
        page.wait_for_timeout(1500)
        page.screenshot(path=ROOT / "demo" / "screenshot.png")


if __name__ == "__main__":
    main()
