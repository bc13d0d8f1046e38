"""Digits as a person draws them with a mouse: strokes in a unit box, x to the right, y down."""

import json
from pathlib import Path

STROKES = {
    "0": [[(0.5, 0), (0.2, 0.1), (0.03, 0.35), (0, 0.6), (0.12, 0.88), (0.45, 1), (0.8, 0.9)]
          + [(0.98, 0.62), (0.95, 0.3), (0.75, 0.06), (0.5, 0)]],
    "1": [[(0.55, 0), (0.5, 0.5), (0.45, 1)]],
    "2": [[(0.05, 0.25), (0.2, 0.06), (0.5, 0), (0.8, 0.08), (0.9, 0.3), (0.75, 0.55)]
          + [(0.35, 0.82), (0, 1), (0.5, 0.98), (1, 1)]],
    "3": [[(0.05, 0.12), (0.4, 0), (0.8, 0.08), (0.88, 0.27), (0.7, 0.43), (0.4, 0.48)]
          + [(0.75, 0.55), (0.95, 0.75), (0.75, 0.95), (0.4, 1), (0.05, 0.9)]],
    "4": [[(0.3, 0), (0.1, 0.35), (0.02, 0.6), (0.5, 0.6), (1, 0.58)], [(0.75, 0.1), (0.7, 1)]],
    "5": [[(0.9, 0), (0.2, 0.02), (0.12, 0.42), (0.5, 0.38), (0.85, 0.52), (0.92, 0.75)]
          + [(0.7, 0.96), (0.3, 1), (0.02, 0.9)]],
    "6": [[(0.75, 0), (0.35, 0.2), (0.08, 0.55), (0.08, 0.82), (0.35, 1), (0.75, 0.95)]
          + [(0.9, 0.75), (0.7, 0.55), (0.35, 0.55), (0.1, 0.75)]],
    "7": [[(0, 0.03), (0.5, 0.02), (0.95, 0), (0.7, 0.4), (0.45, 0.75), (0.35, 1)]],
    "8": [[(0.85, 0.15), (0.5, 0), (0.15, 0.15), (0.25, 0.4), (0.7, 0.58), (0.88, 0.8)]
          + [(0.5, 1), (0.12, 0.8), (0.3, 0.55), (0.75, 0.38), (0.85, 0.15)]],
    "9": [[(0.85, 0.25), (0.55, 0), (0.15, 0.12), (0.12, 0.4), (0.45, 0.52), (0.85, 0.3)]
          + [(0.82, 0.6), (0.7, 1)]],
}  # fmt: skip


def strokes(text: str, left: float, top: float, height: float) -> list[list[tuple[float, float]]]:
    """The strokes of a line of digits, in pixels."""
    lines = []
    for character in text:
        width = height * (0.3 if character == "1" else 0.6)
        for stroke in STROKES[character]:
            lines.append([(left + x * width, top + y * height) for x, y in stroke])
        left += width + 0.35 * height
    return lines


def write_ink(path: Path) -> Path:
    """A file of pen digits: two writers, every digit, in tablet units."""
    with open(path, "w") as file:
        for writer, width in (("a", 200), ("b", 300)):
            for digit, digit_strokes in STROKES.items():
                points = [[[x * width + 50, y * 400 + 20] for x, y in s] for s in digit_strokes]
                record = {"label": int(digit), "writer": writer, "strokes": points}
                file.write(json.dumps(record) + "\n")
    return path
