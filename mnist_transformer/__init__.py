"""A small encoder-decoder Transformer that reads lines of handwritten digits.

Every public name is imported when it is first used, so that reading waits for nothing that only
training or measuring needs.
"""

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:  # the same names as below, for type checkers and editors
    from .attention import AttentionRecord as AttentionRecord
    from .attention import record_attention as record_attention
    from .checkpoint import CheckpointError as CheckpointError
    from .checkpoint import load_classifier as load_classifier
    from .checkpoint import load_model as load_model
    from .checkpoint import load_transformer as load_transformer
    from .checkpoint import save_model as save_model
    from .classifier import Classifier as Classifier
    from .config import Config as Config
    from .dataset import DigitSet as DigitSet
    from .dataset import load_digits as load_digits
    from .dataset import make_lines as make_lines
    from .ink import BlankDrawing as BlankDrawing
    from .ink import InkError as InkError
    from .ink import drawing_to_canvas as drawing_to_canvas
    from .ink import open_drawing as open_drawing
    from .ink import open_pages as open_pages
    from .page import Page as Page
    from .page import Row as Row
    from .reading import AttentionMaps as AttentionMaps
    from .reading import Classification as Classification
    from .reading import Reading as Reading
    from .train import TrainingError as TrainingError
    from .train import train_single_digit_classifier as train_single_digit_classifier
    from .train import train_transformer as train_transformer
    from .transformer import Transformer as Transformer

__version__ = "0.1.0"

_MODULES = {
    "attention": ["AttentionRecord", "record_attention"],
    "checkpoint": [
        "CheckpointError",
        "load_classifier",
        "load_model",
        "load_transformer",
        "save_model",
    ],
    "classifier": ["Classifier"],
    "config": ["Config"],
    "dataset": ["DigitSet", "load_digits", "make_lines"],
    "ink": ["BlankDrawing", "InkError", "drawing_to_canvas", "open_drawing", "open_pages"],
    "page": ["Page", "Row"],
    "reading": ["AttentionMaps", "Classification", "Reading"],
    "train": ["TrainingError", "train_single_digit_classifier", "train_transformer"],
    "transformer": ["Transformer"],
}
_HOME = {name: module for module, names in _MODULES.items() for name in names}
__all__ = ["__version__", *_HOME]


def __getattr__(name: str):
    if name not in _HOME:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    value = getattr(import_module(f".{_HOME[name]}", __name__), name)
    globals()[name] = value  # asked for once
    return value


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
