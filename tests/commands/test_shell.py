import json
import os
import subprocess
import sys

import pytest
from PIL import Image

from mnist_transformer.__main__ import COMMANDS, main
from mnist_transformer.checkpoint import read_metadata
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
    assert capsys.readouterr().out == "blank.png: nothing drawn\n"
    assert main(["read", "--json", "blank.png"]) == 0
    assert json.loads(capsys.readouterr().out)["digits"] == ""


def test_files_that_cannot_be_read_do_not_stop_the_others(capsys, tmp_path):
    (tmp_path / "text.png").write_text("no picture")
    whole = (tmp_path / "2026.png").read_bytes()
    (tmp_path / "half.png").write_bytes(whole[: len(whole) // 2])
    (tmp_path / "empty.png").write_bytes(b"")
    files = ["text.png", "none.png", "half.png", "empty.png", ".", "2026.png"]
    assert main(["read", "--json", *files]) == 1
    out, error = capsys.readouterr()
    assert [json.loads(line)["file"] for line in out.splitlines()] == ["2026.png"]
    lines = error.splitlines()
    assert [line.split(":")[0] for line in lines] == files[:-1]


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


@pytest.mark.parametrize(
    ("command", "message"),
    [
        (["evaluate", "classifier", "--data", "nowhere/at/all"], "no MNIST"),
        (["train", "transformer", "--epochs", "0"], "epochs"),
        (["train", "transformer", "--lr", "-1"], "lr"),
        (["train", "grid", "--preset", "fast"], "no fast recipe of the grid"),
        (["train", "transformer", "--preset", "grown"], "--from"),
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
