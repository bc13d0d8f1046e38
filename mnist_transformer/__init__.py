"""A small encoder-decoder Transformer that reads lines of handwritten digits."""

from .attention import record_attention
from .checkpoint import CheckpointError, load_classifier, load_transformer
from .classifier import Classifier
from .config import Config
from .dataset import load_digits, make_lines
from .ink import BlankDrawing, InkError, drawing_to_canvas
from .reading import AttentionMaps, Classification, Reading
from .train import train_single_digit_classifier, train_transformer
from .transformer import Transformer

__all__ = [
    "AttentionMaps",
    "BlankDrawing",
    "CheckpointError",
    "Classification",
    "Classifier",
    "Config",
    "InkError",
    "Reading",
    "Transformer",
    "drawing_to_canvas",
    "load_classifier",
    "load_digits",
    "load_transformer",
    "make_lines",
    "record_attention",
    "train_single_digit_classifier",
    "train_transformer",
]
