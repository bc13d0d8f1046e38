"""How fast the page answers, in a real Chromium: `python -m benchmarks page`.

Draws digits one after the other and times, in the browser, from the canvas's message to the server
until the new digits stand in the page. Attention maps are recorded, as always on the page.
"""

import json
import statistics
import tempfile
from pathlib import Path

from PIL import Image

from mnist_transformer import load_transformer
from mnist_transformer.explain.lens import lens
from mnist_transformer.explain.relevance import mean_cross_attention, relevance, rollout
from mnist_transformer.explain.trace import trace
from mnist_transformer.figures import relevance_figure
from mnist_transformer.figures.live import machine_data, part_data, stage_data
from tests import ROOT
from tests.chromium import launch, open_page, serve, wait_for_digits, write

LINES = ["2", "27", "273", "2735", "27350"]
WATCH = """() => {
    window.times = [];
    let sent = null;
    const send = WebSocket.prototype.send;
    WebSocket.prototype.send = function (data) { sent = performance.now(); send.call(this, data); };
    const read = () => document.querySelector('.reading[data-digits]')?.dataset.digits;
    let shown = read();
    new MutationObserver(() => {
        const digits = read();
        if (digits !== shown && sent !== null) {
            times.push(performance.now() - sent);
            shown = digits;
        }
    }).observe(document.body, {subtree: true, childList: true, attributes: true});
}"""


def main() -> None:
    times = []
    log = Path(tempfile.mkdtemp()) / "log"
    with serve(log) as address, launch() as browser:
        for _ in range(4):
            page = open_page(browser, address)
            page.evaluate(WATCH)
            for n, line in enumerate(LINES):
                write(page, line[-1], shift=n)
                wait_for_digits(page, line)
                page.wait_for_timeout(1200)
            times += page.evaluate("times")
            page.context.close()
    print(
        f"from the canvas's message to new digits: median {statistics.median(times):.0f} ms, "
        f"slowest {max(times):.0f} ms, of {len(times)}"
    )
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
