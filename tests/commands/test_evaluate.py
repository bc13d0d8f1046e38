"""`evaluate`: what every measure reports, and which options it has."""

import json

import pytest
import torch

from mnist_transformer import Transformer
from mnist_transformer.__main__ import main
from mnist_transformer.checkpoint import read_metadata, save_model
from mnist_transformer.config import Config
from mnist_transformer.lab.measures import MEASURES, Result, measure_lines
from tests.pen import write_ink


@pytest.fixture(autouse=True)
def few_digits(digits, tmp_path, monkeypatch):
    """Embedded digits stand in for MNIST; files go into an empty folder."""
    monkeypatch.setattr("mnist_transformer.lab.measures.load_digits", lambda *_: digits)
    monkeypatch.delenv("PEN_INK", raising=False)
    monkeypatch.chdir(tmp_path)


@pytest.fixture
def weights(model):
    save_model(model, "small.safetensors")
    return "small.safetensors"


def evaluate(capsys, *command):
    assert main(["evaluate", *command, "--json"]) == 0
    return json.loads(capsys.readouterr().out)


def test_lines(capsys, weights):
    command = ["transformer", "--weights", weights, "--num-lines", "20"]
    result = evaluate(capsys, *command)
    assert result["num_lines"] == 20 and result["seed"] == 20_000
    assert set(result) >= {"line_accuracy", "digit_accuracy", "line_accuracy_by_length"}
    assert main(["evaluate", *command]) == 0
    assert "of lines exactly right" in capsys.readouterr().out


def test_the_number_of_lines_is_understood_by_its_former_name_too(capsys, weights):
    assert evaluate(capsys, "transformer", "--weights", weights, "--lines", "3")["num_lines"] == 3


def test_grids(capsys):
    torch.manual_seed(0)
    config = Config(canvas_height=64, canvas_width=64, max_digits=4, text_rows=2, encoder_layers=1)
    save_model(Transformer(config), "grid.safetensors")
    result = evaluate(capsys, "grid", "--weights", "grid.safetensors", "--num-lines", "5")
    assert result["num_lines"] == 5 and set(result["line_accuracy_by_length"]) == {"4"}


def test_pen_ink_is_measured_and_misread_lines_are_drawn(capsys, weights, tmp_path):
    write_ink(tmp_path / "ink.jsonl")
    command = ["pen", "--weights", weights, "--ink", "ink.jsonl", "--num-lines", "8"]
    result = evaluate(capsys, *command, "--failures", "failures")
    assert result["source"] == "ink.jsonl" and result["num_lines"] == 8
    assert set(result["line_accuracy_by_writer"]) == {"a", "b"}
    pictures = list((tmp_path / "failures").glob("*.png"))
    assert len(pictures) == round(8 * (1 - result["line_accuracy"])) > 0


def test_pen_ink_must_be_named(capsys, weights):
    assert main(["evaluate", "pen", "--weights", weights]) == 1
    assert "needs --ink FILE" in capsys.readouterr().err


def test_rejection(capsys, weights, monkeypatch):
    monkeypatch.setattr(
        "mnist_transformer.lab.measures.evaluate_rejection",
        lambda model: {"letters": 0.5, "scribbles": 0.25},
    )
    command = ["rejection", "--weights", weights]
    assert evaluate(capsys, *command)["flagged"] == {"letters": 0.5, "scribbles": 0.25}
    assert main(["evaluate", *command]) == 0
    shown = capsys.readouterr().out
    assert shown == (
        "rejection on letters and scribbles\n  flagged: letters 50.00%, scribbles 25.00%\n"
    )


def test_a_seed_of_nought_is_a_seed(capsys, weights, model):
    command = ["transformer", "--weights", weights, "--num-lines", "20", "--seed"]
    results = [evaluate(capsys, *command, seed) for seed in ("0", "20000")]
    assert [result["seed"] for result in results] == [0, 20_000]
    expected = measure_lines(model, num_lines=20, seed=0).as_dict()
    assert results[0] == json.loads(json.dumps({"measure": "transformer", **expected}))
    lengths = [set(result["line_accuracy_by_length"]) for result in results]
    assert results[0]["digit_accuracy"] != results[1]["digit_accuracy"] or lengths[0] != lengths[1]


def test_a_recorded_result_is_kept_with_the_weights(capsys, weights):
    before = read_metadata(weights)
    command = ["transformer", "--weights", weights, "--num-lines", "10", "--record"]
    result = evaluate(capsys, *command)
    assert read_metadata(weights) == before | {f"transformer on {result['source']}": result}


KNOWN = {
    "--split": {"transformer", "classifier", "grid", "pairs", "doubt"},
    "--data": {"transformer", "classifier", "grid", "pairs", "doubt"},
    "--num-lines": {"transformer", "grid", "pen", "pairs", "doubt"},
    "--lines": {"transformer", "grid", "pen", "pairs", "doubt"},
    "--num-pages": {"pages"},
    "--seed": {"transformer", "grid", "pen", "pages", "pairs", "doubt"},
    "--augmentation": {"transformer"},
    "--ink": {"pen", "pages"},
    "--failures": {"pen", "pages"},
}


@pytest.mark.parametrize(
    ("measure", "option"),
    [(m, option) for m in MEASURES for option, known in KNOWN.items() if m not in known],
)
def test_an_option_that_a_measure_does_not_know_is_refused(measure, option, capsys):
    with pytest.raises(SystemExit) as stopped:
        main(["evaluate", measure, option, "0"])
    assert stopped.value.code == 2
    assert option in capsys.readouterr().err


@pytest.mark.parametrize(
    ("command", "message"),
    [
        ([], "MEASURE"),
        (["encoder"], "invalid choice: 'encoder' (choose from"),
        (["transformer", "--num-lines", "0"], "--lines: must be at least 1, not 0"),
        (["transformer", "--split", "all"], "--split"),
    ],
)
def test_what_cannot_be_measured_is_refused(command, message, capsys):
    with pytest.raises(SystemExit):
        main(["evaluate", *command])
    assert message in capsys.readouterr().err


def test_a_number_without_words_of_its_own_is_told_by_its_name():
    assert Result("pages", {"lost_rows": 3}).as_text() == "pages: lost rows 3"
