"""Time and memory of reading against digits, canvas width, batch and depth, as a picture."""

import dataclasses
import re
import subprocess
import sys
import tempfile
from pathlib import Path

import torch
from plotly.subplots import make_subplots

from benchmarks.timing import machine, medians
from mnist_transformer import Config, Transformer
from mnist_transformer.config import START
from tests.chromium import ROOT, launch

BASE = Config(dropout=0.0)
PICTURE = ROOT / "demo" / "growth.png"
WIDTHS = (112, 224, 448, 896, 1792, 3584)
# What grows -> the values it takes, and the (config, batch, tokens) of each.
GROWTHS = {
    "digits in the line": ((1, 2, 4, 8, 16, 32), lambda n: (_config(max_digits=n), 1, n + 1)),
    "canvas width, pixels": (WIDTHS, lambda n: (_config(canvas_width=n), 1, 9)),
    "drawings at once": ((1, 4, 16, 64, 256), lambda n: (BASE, n, 9)),
    "encoder layers": ((1, 2, 3, 6, 12), lambda n: (_config(encoder_layers=n), 1, 9)),
}


def _config(**changes) -> Config:
    return dataclasses.replace(BASE, **changes)


@torch.inference_mode()
def read(model: Transformer, canvases: torch.Tensor, tokens: int) -> None:
    """Exactly `tokens` steps, as an untrained model ends where it likes."""
    caches = model.decoder.start(model.encoder(canvases))
    token = torch.full((len(canvases),), START)
    for position in range(tokens):
        token = model.decoder.step(token, position, caches).argmax(-1)


def measure(config: Config, batch: int, tokens: int) -> tuple[float, float]:
    """Milliseconds, and the megabytes by which the process grew at its fullest."""
    model = Transformer(config).eval().to(memory_format=torch.channels_last)
    canvases = torch.rand(batch, config.canvas_height, config.canvas_width)
    seconds = medians({"read": lambda: read(model, canvases, tokens)}, 7)["read"]
    return 1000 * seconds, _growth_of_memory(config, batch, tokens)


def _growth_of_memory(config: Config, batch: int, tokens: int) -> float:
    """In a fresh process that has read one small drawing before."""
    script = (
        "from benchmarks.growth import *\n"
        f"model = Transformer({config!r}).eval().to(memory_format=torch.channels_last)\n"
        "read(Transformer(BASE).eval(), torch.rand(1, 32, 224), 1)\n"
        "Path('/proc/self/clear_refs').write_text('5')\n"  # forget the highest peak so far
        "before = resident('VmRSS')\n"
        f"read(model, torch.rand({batch}, {config.canvas_height}, {config.canvas_width}), {tokens})"
        "\nprint(resident('VmHWM') - before)"
    )
    done = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, cwd=ROOT, check=True
    )
    return float(done.stdout)


def resident(which: str) -> float:
    """Megabytes of this process in memory: now (VmRSS) or at most (VmHWM)."""
    return int(re.search(rf"{which}:\s+(\d+)", Path("/proc/self/status").read_text())[1]) / 1000


@torch.inference_mode()
def attention_share(width: int) -> float:
    """The share of the encoder's time that softmax(QK^T)V takes, which grows as width squared."""
    config = _config(canvas_width=width)
    encoder = Transformer(config).eval().to(memory_format=torch.channels_last).encoder
    canvases = torch.rand(1, config.canvas_height, width)
    q = torch.rand(1, config.num_heads, config.num_patches, config.model_dim // config.num_heads)
    attend = torch.nn.functional.scaled_dot_product_attention
    times = medians({"all": lambda: encoder(canvases), "core": lambda: attend(q, q, q)}, 9)
    return config.encoder_layers * times["core"] / times["all"]


def main() -> None:
    """Print the table and make the picture."""
    print(f"{machine()}\n\n| what grows | value | time | memory |\n|---|---|---|---|", flush=True)
    figure = make_subplots(1, len(GROWTHS), horizontal_spacing=0.06)
    for column, (name, (values, what)) in enumerate(GROWTHS.items(), 1):
        results = [measure(*what(value)) for value in values]
        for value, (time, memory) in zip(values, results, strict=True):
            print(f"| {name} | {value} | {time:.1f} ms | {memory:.0f} MB |", flush=True)
        for title, colour, place in (("milliseconds", "#d9480f", 0), ("megabytes", "#1c7ed6", 1)):
            figure.add_scatter(
                x=values,
                y=[max(result[place], 0.1) for result in results],
                name=title,
                line={"color": colour, "width": 3},
                showlegend=column == 1,
                row=1,
                col=column,
            )
        figure.update_xaxes(type="log", title=name, tickvals=values, row=1, col=column)
    figure.update_yaxes(type="log")
    figure.update_layout(
        template="plotly_white",
        font={"size": 16},
        width=1400,
        height=380,
        margin={"l": 50, "r": 10, "t": 40, "b": 60},
        legend={"orientation": "h", "y": 1.16},
    )
    print("\n| canvas width | share of the encoder's time in softmax(QK^T)V |\n|---|---|")
    for width in WIDTHS:
        print(f"| {width} | {attention_share(width):.0%} |", flush=True)
    page = Path(tempfile.mkdtemp()) / "growth.html"
    figure.write_html(page)
    with launch() as browser:
        tab = browser.new_page(viewport={"width": 1420, "height": 400})
        tab.goto(page.as_uri())
        tab.locator(".js-plotly-plot").screenshot(path=PICTURE)
    print(f"\n{PICTURE.relative_to(ROOT)} drawn")
