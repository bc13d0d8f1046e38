"""Numbers as small text for the browser."""

import base64

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
