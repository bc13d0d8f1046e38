"""MNIST's files as they are published (LeCun et al. 1998): read, and checked, or fetched."""

import gzip
import zlib
from pathlib import Path

import numpy as np

MNIST_SIDE = 28  # pixels of an image
_IMAGES, _LABELS = 2051, 2049  # the first number in a file of each kind
_PREFIX = {True: "train", False: "t10k"}


def has_mnist(root: Path) -> bool:
    """Whether a folder holds any of MNIST's files."""
    return any((root / "MNIST" / "raw").glob("*-ubyte*"))


def read_mnist(root: Path, train: bool) -> tuple[np.ndarray, np.ndarray]:
    """The training or test digits in a folder's `MNIST/raw`, packed (`.gz`) or not.

    Args:
        root: the folder; nothing is written to it.
        train: whether the training digits or the test digits.

    Returns:
        (n, 28, 28) and (n,), both uint8.

    Raises:
        FileNotFoundError: if a file is missing; the message names it.
        ValueError: if a file is not what its name says; the message says why.
    """
    images = _read(root, f"{_PREFIX[train]}-images-idx3-ubyte", _IMAGES, 3)
    labels = _read(root, f"{_PREFIX[train]}-labels-idx1-ubyte", _LABELS, 1)
    folder = root / "MNIST" / "raw"
    if images.shape[1:] != (MNIST_SIDE, MNIST_SIDE):
        raise ValueError(f"the images in {folder} are {images.shape[1:]} pixels, not (28, 28)")
    if len(images) != len(labels):
        raise ValueError(f"{folder} holds {len(images)} images, but {len(labels)} labels of them")
    if len(labels) and labels.max() > 9:
        raise ValueError(f"{folder} holds a label {labels.max()}: digits are 0 to 9")
    return images, labels


def _read(root: Path, name: str, magic: int, dimensions: int) -> np.ndarray:
    path = root / "MNIST" / "raw" / name
    packed = path.with_name(f"{name}.gz")
    if not path.exists() and not packed.exists():
        raise FileNotFoundError(f"{root} holds no MNIST/raw/{name} (or {name}.gz)")
    try:
        data = path.read_bytes() if path.exists() else gzip.decompress(packed.read_bytes())
    except (gzip.BadGzipFile, EOFError, zlib.error) as error:
        raise ValueError(f"{packed} is damaged: {error}") from error
    start = 4 * (1 + dimensions)
    header = [int(n) for n in np.frombuffer(data[:start], dtype=">i4")] if data else []
    if len(header) != 1 + dimensions or header[0] != magic:
        raise ValueError(f"{path.name} in {path.parent} does not begin as such a file of MNIST's")
    shape = header[1:]
    if min(shape) < 0 or len(data) - start != np.prod(shape, dtype=np.int64):
        raise ValueError(
            f"{path.name} in {path.parent} should hold {shape} bytes, but holds {len(data) - start}"
        )
    return np.frombuffer(data, np.uint8, offset=start).reshape(shape)


def download_mnist(root: Path) -> None:
    """Fetch MNIST's files with torchvision, which knows their addresses and checks their sums.

    Raises:
        OSError, RuntimeError: if they cannot be fetched or written.
    """
    from .torchvision_datasets import datasets

    datasets.MNIST(root, download=True)
