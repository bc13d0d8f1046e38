"""Records the README's animation of the real page: `python -m tests.animation`.

Every frame is a picture of the page in Chromium, taken between what a visitor does; how long it
stands is set here, so that the film is the same on a fast and on a slow machine.
"""

import io
import tempfile
from collections.abc import Callable
from pathlib import Path

from PIL import Image
from playwright.sync_api import Page

from tests import ROOT
from tests.chromium import launch, open_page, serve, sheet, wait_for_digits
from tests.pen import strokes

WINDOW = {"width": 1280, "height": 800}
WIDTH = 960  # pixels of the film
QUALITY = 60
LINE = "2735"
FADED = 400  # milliseconds after which the glow of a step stands still


class Film:
    """Frames of a page, and how long each stands."""

    def __init__(self, page: Page) -> None:
        self.page = page
        self.frames: list[Image.Image] = []
        self.durations: list[int] = []

    def take(self, milliseconds: int) -> None:
        """Add what is to be seen now, for so long; what stands still is one longer frame."""
        picture = Image.open(io.BytesIO(self.page.screenshot())).convert("RGB")
        height = round(WIDTH * picture.height / picture.width)
        frame = picture.resize((WIDTH, height), Image.Resampling.LANCZOS)
        if self.frames and frame.tobytes() == self.frames[-1].tobytes():
            self.durations[-1] += milliseconds
            return
        self.frames.append(frame)
        self.durations.append(milliseconds)

    def save(self, path: Path) -> None:
        first, *others = self.frames
        first.save(
            path,
            save_all=True,
            append_images=others,
            duration=self.durations,
            loop=0,
            quality=QUALITY,
            method=6,
            minimize_size=True,
        )


def watch_the_steps(page: Page, take: Callable[[int], None], milliseconds: int) -> None:
    """Step by step through the reading, with the keys."""
    page.locator(".mnist-tiles button").first.click()
    page.mouse.move(640, 790)
    for _ in range(page.locator(".mnist-tiles button").count()):
        page.wait_for_timeout(FADED)
        take(milliseconds)
        page.keyboard.press("ArrowRight")


def write_slowly(page: Page, take: Callable[[int], None]) -> None:
    """Digit by digit, each read as soon as it is written."""
    box = sheet(page).bounding_box()
    for n in range(len(LINE)):
        for stroke in strokes(LINE[n], box["x"] + 330 + 130 * n, box["y"] + 25, 120):
            page.mouse.move(*stroke[0])
            page.mouse.down()
            for point in stroke[1:]:
                page.mouse.move(*point, steps=4)
                take(50)
            page.mouse.up()
        wait_for_digits(page, LINE[: n + 1])
        page.wait_for_timeout(3 * FADED)
        take(350)


def main() -> None:
    with serve(Path(tempfile.mkdtemp()) / "log") as address, launch() as browser:
        page = open_page(browser, address, height=WINDOW["height"])
        page.wait_for_timeout(3000)  # nothing is on its way any more
        film = Film(page)
        film.take(1200)
        watch_the_steps(page, film.take, 600)
        write_slowly(page, film.take)
        watch_the_steps(page, film.take, 900)
        film.take(1200)
    film.save(ROOT / "demo" / "page.webp")


if __name__ == "__main__":
    main()
