"""Time and memory of reading against digits, canvas width, batch and depth, as a picture."""

import dataclasses
import re
import subprocess
import sys
import tempfile
import time
from functools import partial
from pathlib import Path

import torch
from plotly.subplots import make_subplots

from benchmarks.timing import machine, medians
from mnist_transformer import Config, Transformer
from mnist_transformer.config import START
from tests import ROOT
from tests.chromium import launch

BASE = Config(dropout=0.0)
PICTURE = ROOT / "demo" / "growth.png"
ROUNDS = 21
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
    caches = model.decoder.init_cache(model.encoder(canvases))
    token = torch.full((len(canvases),), START)
    for position in range(tokens):
        token = model.decoder.step(token, position, caches).argmax(-1)


def measure(settings: dict[int, tuple[Config, int, int]]) -> dict[int, tuple[float, float]]:
    """By value: milliseconds, and the megabytes by which the process grew at its fullest.

    Args:
        settings: by value, the config, how many canvases are read at once, and how many tokens.
    """
    readings = {}
    for value, (config, batch, tokens) in settings.items():
        model = Transformer(config).eval().to(memory_format=torch.channels_last)
        canvases = torch.rand(batch, config.canvas_height, config.canvas_width)
        readings[str(value)] = partial(read, model, canvases, tokens)
    times = medians(readings, ROUNDS, time.thread_time)
    return {
        value: (1000 * times[str(value)], growth_of_memory(*setting))
        for value, setting in settings.items()
    }


def growth_of_memory(config: Config, batch: int, tokens: int) -> float:
    """Megabytes by which a fresh process, that has read one drawing before, grows at most."""
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
    parts = {"all": lambda: encoder(canvases), "core": lambda: attend(q, q, q)}
    times = medians(parts, ROUNDS, time.thread_time)
    return config.encoder_layers * times["core"] / times["all"]


def draw(results: dict[str, dict[int, tuple[float, float]]], shares: dict[int, float]) -> None:
    """The picture: time and memory by what grows, and attention's share by the canvas's width."""
    last = len(results) + 1
    figure = make_subplots(1, last, horizontal_spacing=0.045)
    for column, (name, rows) in enumerate(results.items(), 1):
        for title, colour, place in (("milliseconds", "#d9480f", 0), ("megabytes", "#1c7ed6", 1)):
            figure.add_scatter(
                x=list(rows),
                y=[row[place] for row in rows.values()],
                name=title,
                line={"color": colour, "width": 3},
                showlegend=column == 1,
                row=1,
                col=column,
            )
        figure.update_xaxes(title=name, tickvals=list(rows), row=1, col=column)
    decades = {"type": "log", "range": [-0.15, 2.8], "tickvals": [1, 10, 100]}
    figure.update_yaxes(**decades, ticktext=["1", "10", "100"])
    figure.add_bar(
        x=list(shares),
        y=list(shares.values()),
        text=[f"{share:.0%}" for share in shares.values()],
        textposition="outside",
        textangle=0,
        marker={"color": "#f08c00"},
        name="attention's share of the encoder's time",
        row=1,
        col=last,
    )
    figure.update_yaxes(type="linear", range=[0, 0.75], visible=False, row=1, col=last)
    figure.update_xaxes(type="log", tickangle=0)
    figure.update_xaxes(type="category", title="canvas width, pixels", row=1, col=last)
    figure.update_layout(
        template="plotly_white",
        font={"size": 15},
        width=1500,
        height=360,
        margin={"l": 40, "r": 10, "t": 50, "b": 60},
        legend={"orientation": "h", "y": 1.2},
    )
    page = Path(tempfile.mkdtemp()) / "growth.html"
    figure.write_html(page)
    with launch() as browser:
        tab = browser.new_page(viewport={"width": 1520, "height": 380})
        tab.goto(page.as_uri())
        tab.locator(".js-plotly-plot").screenshot(path=PICTURE)


def main() -> None:
    """Print the tables and make the picture."""
    torch.set_num_threads(1)  # whose own time is measured, which other work hardly changes
    print(f"{machine()}\n\n| what grows | value | time | memory |\n|---|---|---|---|", flush=True)
    results: dict[str, dict[int, tuple[float, float]]] = {}
    for name, (values, what) in GROWTHS.items():
        results[name] = measure({value: what(value) for value in values})
        for value, (milliseconds, memory) in results[name].items():
            print(f"| {name} | {value} | {milliseconds:.1f} ms | {memory:.0f} MB |", flush=True)
    print("\n| canvas width | share of the encoder's time in softmax(QK^T)V |\n|---|---|")
    shares = {}
    for width in WIDTHS:
        shares[width] = attention_share(width)
        print(f"| {width} | {shares[width]:.0%} |", flush=True)
    draw(results, shares)
    print(f"\n{PICTURE.relative_to(ROOT)} drawn")
