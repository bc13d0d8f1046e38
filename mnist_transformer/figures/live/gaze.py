"""A second pen: where, on the drawing, the decoder is to look."""

from collections.abc import Mapping

from torch import Tensor

from ...reading import Reading
from .ledger import paper_data

SOURCES = ("follow.js", "ink.js", "paper.js", "gaze.js")


def gaze_data(
    reading: Reading,
    step: int,
    weights: Tensor,
    places: Mapping[str, str],
    place: str | None,
) -> dict:
    """All that `drawGaze` shows, as JSON takes it.

    Args:
        reading: made with `attention=True`, as it is without any paint.
        step: the decoding step that looks, from 0.
        weights: (patches,), where it looks now, at least 0.
        places: name -> what stands on its button; "own" takes all paint back.
        place: the name of the chosen place; None if the weights were painted.

    Raises:
        ValueError: if the reading has no maps.
    """
    return paper_data(reading, step, whole=True) | {
        "weights": [round(weight, 5) for weight in weights.tolist()],
        "places": [{"name": name, "label": label} for name, label in places.items()],
        "place": place,
        "isPainted": place is None,
    }
