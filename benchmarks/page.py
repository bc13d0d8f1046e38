"""How fast the page answers, in a real Chromium: `python -m benchmarks page`.

Draws digits one after the other and times, in the browser, from the canvas's message to the server
until the new digits stand in the page; the same for a stroke that paints where a step is to look.
Attention maps are recorded, as always on the page.
"""

import json
import statistics
import tempfile
from pathlib import Path

from PIL import Image
from playwright.sync_api import Page

from mnist_transformer import load_transformer
from mnist_transformer.explain.lens import lens
from mnist_transformer.explain.relevance import mean_cross_attention, relevance, rollout
from mnist_transformer.explain.trace import trace
from mnist_transformer.figures import relevance_figure
from mnist_transformer.figures.live import machine_data, part_data, stage_data
from tests import ROOT
from tests.chromium import launch, open_page, serve, wait_for_digits, write

LINES = ["2", "27", "273", "2735", "27350"]
DIGITS = ".reading[data-digits]", "data-digits"  # what shows them, and its attribute that says them
PAINTED = "[data-painted]", "data-painted"  # the same where the gaze is painted
WATCH = """([selector, attribute]) => {
    window.times = [];
    let sent = null;
    const send = WebSocket.prototype.send;
    WebSocket.prototype.send = function (data) { sent = performance.now(); send.call(this, data); };
    const read = () => document.querySelector(selector)?.getAttribute(attribute);
    let shown = read();
    new MutationObserver(() => {
        const digits = read();
        if (digits !== shown && sent !== null) {
            times.push(performance.now() - sent);
            shown = digits;
        }
    }).observe(document.body, {subtree: true, childList: true, attributes: true});
}"""


def times_of_writing(page: Page) -> list[float]:
    """Milliseconds from the canvas's message to new digits, after each digit of a line."""
    page.evaluate(WATCH, DIGITS)
    for n, line in enumerate(LINES):
        write(page, line[-1], shift=n)
        wait_for_digits(page, line)
        page.wait_for_timeout(1200)
    return page.evaluate("times")


def times_of_painting(page: Page) -> list[float]:
    """Milliseconds from the painted stroke's message to new digits, over each digit of a line."""
    page.get_by_role("button", name="8675309", exact=True).click()
    wait_for_digits(page, "8675309")
    page.get_by_role("radio", name="Take it apart", exact=True).click()
    page.get_by_role("radio", name="Paint the gaze").click()
    alone = page.locator('[data-painted="8675309"]')
    alone.wait_for()
    canvas = page.locator(".mnist-gaze canvas")
    canvas.scroll_into_view_if_needed()
    box = canvas.bounding_box()
    times = []
    page.evaluate(WATCH, PAINTED)
    for share in (0.3, 0.4, 0.5, 0.6, 0.7, 0.8):
        page.wait_for_timeout(700)
        page.evaluate("times.length = 0")
        x = box["x"] + share * box["width"]
        page.mouse.move(x, box["y"] + 3)
        page.mouse.down()
        page.mouse.move(x, box["y"] + box["height"] - 3, steps=8)
        page.mouse.up()
        page.wait_for_function("times.length > 0")
        times += page.evaluate("times")
        page.locator('.mnist-places [data-place="own"]').click()
        alone.wait_for()
    return times


def say(what: str, times: list[float]) -> None:
    print(
        f"{what}: median {statistics.median(times):.0f} ms, slowest {max(times):.0f} ms, "
        f"of {len(times)}"
    )


def main() -> None:
    written, painted = [], []
    log = Path(tempfile.mkdtemp()) / "log"
    with serve(log) as address, launch() as browser:
        for _ in range(4):
            page = open_page(browser, address)
            written += times_of_writing(page)
            painted += times_of_painting(page)
            page.context.close()
    say("from the canvas's message to new digits", written)
    say("from a painted stroke's message to new digits", painted)
    model = load_transformer()
    example = Image.open(ROOT / "demo" / "examples" / "8675309.png")
    reading = model.read(example, attention=True)
    maps = {
        "raw": mean_cross_attention(reading),
        "rollout": rollout(reading),
        "relevance": relevance(model, reading),
    }
    figures = {
        "cross-attention, all steps": reading.plot_cross_attention(),
        "encoder self-attention": reading.plot_encoder_attention(40),
        "decoder self-attention": reading.plot_decoder_attention(),
        "relevance, all steps": relevance_figure(reading, maps),
    }
    sizes = {name: figure.to_json() for name, figure in figures.items()}
    passed = trace(model, reading)
    answers = lens(model, passed).distributions
    sizes["the stage"] = json.dumps(stage_data(reading))
    sizes["the strip"] = json.dumps(machine_data(reading, passed, answers))
    for part in ("encoder 1", "decoder 2 cross", "answer"):
        opened = part_data(part, reading, passed, answers, maps)
        sizes[f"{part}, opened"] = json.dumps(opened)
    for name, text in sizes.items():
        print(f"{name}: {len(text) / 1000:.0f} kB")
