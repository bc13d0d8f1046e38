"""Makes the README's pictures of the page: `python -m tests.screenshot`."""

import tempfile
from pathlib import Path

from tests.chromium import ROOT, launch, open_page, scrub, serve, wait_for_digits, write


def main() -> None:
    log = Path(tempfile.mkdtemp()) / "log"
    with serve(log) as address, launch() as browser:
        page = open_page(browser, address, height=1130)
        page.get_by_role("button", name="Leave").click()
        write(page, "3141592")
        wait_for_digits(page, "3141592")
        page.wait_for_timeout(2000)  # the last of seven readings has replaced the one before
        scrub(page, 3)
        page.mouse.move(640, 5)
        page.wait_for_timeout(1500)
        page.screenshot(path=ROOT / "demo" / "screenshot.png")

        page.get_by_role("tab", name="Intervene").click()
        pills = page.get_by_test_id("stButtonGroup").filter(has_text="Decoder self-attention")
        pills.last.get_by_text("1.2").click()
        page.get_by_text("Where the heads look now").wait_for()
        page.mouse.move(640, 5)
        page.wait_for_timeout(2000)
        page.screenshot(path=ROOT / "demo" / "intervene.png")


if __name__ == "__main__":
    main()
