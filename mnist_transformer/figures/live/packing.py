"""Numbers as small text for the browser."""

import base64

import torch
from torch import Tensor


def pack(maps: Tensor) -> dict:
    """Maps as bytes, each against a scale of its own, so that a faint one keeps its shape.

    Args:
        maps: (..., values), at least 0. What was largest in a map is exact, the rest within a
            510th of it.

    Returns:
        "bytes" in base64, "scales" to multiply those of each map with, and the "shape" of all.
    """
    scales = (maps.amax(-1, keepdim=True) / 255).clamp(min=1e-12)
    numbers = (maps / scales).round().byte()
    return {
        "bytes": base64.b64encode(numbers.numpy().tobytes()).decode(),
        "scales": [float(f"{scale:.5g}") for scale in scales.flatten().tolist()],
        "shape": list(maps.shape),
    }


def pack_numbers(numbers: Tensor, bits: int = 16) -> dict:
    """Numbers of either sign as whole numbers against one scale for all.

    Args:
        numbers: (..., values); what is 0 stays exactly 0.
        bits: 16, within a 60,000th of the largest, to be shown as numbers, or 8, within a 250th,
            to be shown as colours.

    Returns:
        "words" in base64, their "bits", the "scale" to multiply them with, and the "shape".
    """
    most = 2 ** (bits - 1) - 1
    scale = float(numbers.abs().max()) / most if numbers.numel() else 1.0
    words = (numbers / (scale or 1.0)).round().to(torch.int16 if bits == 16 else torch.int8)
    return {
        "words": base64.b64encode(words.contiguous().numpy().tobytes()).decode(),
        "bits": bits,
        "scale": scale,
        "shape": list(numbers.shape),
    }


def pack_canvas(canvas: Tensor) -> dict:
    """The canvas as bytes in base64, 0 = paper, 255 = ink, and its size in pixels.

    Args:
        canvas: (height, width), 0 = paper, 1 = ink.
    """
    height, width = canvas.shape
    pixels = base64.b64encode((canvas * 255).round().byte().numpy().tobytes()).decode()
    return {"width": width, "height": height, "ink": pixels}
