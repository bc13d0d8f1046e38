"""Reading one drawing and a batch of 64, greedily, beside the peers; what looking and ink cost."""

import time
from pathlib import Path

import cv2
import numpy as np
import torch
from PIL import Image
from torch.utils.flop_counter import FlopCounterMode

from benchmarks.peers import STEPS, linear_patches, peers
from benchmarks.timing import fastest_multiplication, machine, medians
from mnist_transformer import Transformer, load_transformer, make_lines
from mnist_transformer.config import END, START
from mnist_transformer.dataset import embedded_digits
from mnist_transformer.ink.marks import find_ink
from mnist_transformer.ink.picture import to_pixels

SHEET = Path(__file__).parents[1] / "demo" / "examples" / "8675309.png"
PHOTOGRAPH = (4000, 3000)  # pixels
BATCHES = {1: 40, 64: 8}  # size -> rounds


def same_digits(model: Transformer, canvases: torch.Tensor) -> bool:
    """Whether lines are read alike in a batch, alone, and without any cache."""
    together = [reading.digits for reading in model.read_canvases(canvases)]
    alone = [model.read_canvases(canvas[None])[0].digits for canvas in canvases]
    memory, tokens = model.encoder(canvases), torch.full((len(canvases), 1), START)
    for _ in range(STEPS):
        newest = model.decoder(tokens, memory)[:, -1].argmax(-1)
        tokens = torch.cat([tokens, newest[:, None]], 1)
    lines = [row.tolist()[1:] for row in tokens]
    anew = ["".join(map(str, line[: line.index(END)])) for line in lines]
    return together == alone == anew


def photograph(sheet: Image.Image) -> Image.Image:
    """The sheet as a camera of 12 megapixels might take it: in uneven light, with noise."""
    width, height = PHOTOGRAPH
    large = sheet.convert("L").resize((width, round(width * sheet.height / sheet.width)))
    page = np.full((height, width), 255.0)
    top = (height - large.height) // 2
    page[top : top + large.height] = np.asarray(large)
    light = np.linspace(0.5, 0.9, width) * np.linspace(1, 0.8, height)[:, None]
    noise = np.random.default_rng(0).normal(0, 3, (height, width, 3))
    colours = (page * light)[..., None] * (1, 0.97, 0.9) + noise
    return Image.fromarray(colours.clip(0, 255).astype(np.uint8))


def ink_times() -> dict[str, float]:
    """Seconds of one thread's processor time in which a picture's ink is found."""
    cv2.setNumThreads(1)
    sheet = Image.open(SHEET)
    sheet.load()
    pictures = {"a sheet": sheet, "a photograph of 12 megapixels": photograph(sheet)}
    calls = {
        name: lambda picture=picture: find_ink(to_pixels(picture)[0])
        for name, picture in pictures.items()
    }
    return medians(calls, 15, time.thread_time)


@torch.inference_mode()
def main() -> None:
    """Print the tables."""
    model = load_transformer()
    plain = linear_patches()
    readers = {name: peer.read for name, peer in peers().items()}
    # Eight digits and the end: as many steps as the peers take.
    generator = torch.Generator().manual_seed(0)
    canvases, _ = make_lines(
        embedded_digits("test"),
        400,
        model.config,
        generator=generator,
        lengths=(8, 8),
        augmentation=0,
    )
    read = model.read_canvases(canvases)
    canvases = canvases[[len(reading.digits) == 8 for reading in read]][:64]
    print(f"{machine()}\n")
    print("| reading to the end token | " + " | ".join(f"batch of {n}" for n in BATCHES) + " |")
    print("|---|" + "---|" * len(BATCHES), flush=True)
    rows: dict[str, list[str]] = {}
    for size, rounds in BATCHES.items():
        batch = canvases[:size]
        calls = {
            "ours, as shipped": lambda b=batch: model.read_canvases(b),
            "ours, with linear patches": lambda b=batch: plain.read_canvases(b),
        }
        calls |= {name: lambda b=batch, r=r: r(b) for name, r in readers.items()}
        times = medians(calls, rounds)
        ours = times["ours, with linear patches"]
        for name, seconds in times.items():
            cell = f"{1000 * seconds:.1f} ms ({seconds / ours:.1f})"
            rows.setdefault(name, []).append(cell)
    for name, cells in rows.items():
        print(f"| {name} | " + " | ".join(cells) + " |")

    with FlopCounterMode(display=False) as counter:
        model.read_canvases(canvases)
    seconds = medians({"ours": lambda: model.read_canvases(canvases)}, 8)["ours"]
    share = counter.get_total_flops() / seconds / fastest_multiplication()
    print(f"\nshare of this machine's matrix product, batch of {len(canvases)}: {share:.0%}")

    looking = medians(
        {
            "plain": lambda: model.read_canvases(canvases[:1]),
            "recorded": lambda: model.read_canvases(canvases[:1], attention=True),
        },
        60,
    )
    maps = model.read_canvases(canvases[:1], attention=True)[0].attention
    held = sum(m.numel() * m.element_size() for m in (maps.encoder, maps.decoder, maps.cross))
    print(
        f"recording every map: {looking['recorded'] / looking['plain']:.2f} times plain reading, "
        f"{held / 1000:.0f} kB a reading"
    )
    found = ", ".join(f"{name} {1000 * seconds:.1f} ms" for name, seconds in ink_times().items())
    print(f"finding the ink, one thread's processor time: {found}")
    print(f"same digits with cache, without, and in a batch: {same_digits(model, canvases)}")
