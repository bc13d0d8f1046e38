"""The source beside what it made: the files' own lines, the model's own shapes."""

import inspect
import sys
import threading

import pytest

from mnist_transformer import load_transformer
from mnist_transformer.attention import MultiHeadAttention, attention_weights
from mnist_transformer.explain.source import part_source
from tests import ROOT


@pytest.fixture(scope="module")
def model():
    return load_transformer()


@pytest.fixture(scope="module")
def reading(model):
    return model.read(ROOT / "demo" / "examples" / "2026.png", attention=True)


def made(functions, name):
    """What the lines of one function made, all in one text."""
    source = next(function for function in functions if function.name == name)
    return "; ".join(line.made for line in source.lines if line.made)


def test_the_lines_are_the_files_own(model, reading):
    functions = part_source(model, reading, "decoder 1 cross")
    attend = next(f for f in functions if f.name == "MultiHeadAttention.attend")
    text, first = inspect.getsourcelines(MultiHeadAttention.attend)
    assert [line.text for line in attend.lines] == [line.rstrip() for line in text]
    assert attend.lines[0].number == first
    assert attend.file == "mnist_transformer/attention.py"
    file = (ROOT / attend.file).read_text().splitlines()
    assert all(file[line.number - 1].rstrip() == line.text for line in attend.lines)


def test_the_shapes_are_those_of_this_drawing_and_of_this_layer(model, reading):
    cross = part_source(model, reading, "decoder 1 cross")
    assert "weights (1, 4, 5, 112)" in made(cross, "MultiHeadAttention.attend")
    own = part_source(model, reading, "decoder 2 self")
    assert "weights (1, 4, 5, 5)" in made(own, "MultiHeadAttention.attend")
    assert made(own, "attention_weights").endswith("→ (1, 4, 5, 5)")
    encoder = part_source(model, reading, "encoder 4")
    assert "weights (1, 4, 112, 112)" in made(encoder, "MultiHeadAttention.attend")
    assert made(encoder, "MLP.hidden").endswith("→ (1, 112, 256)")


def test_what_a_line_made_stands_beside_that_line(model, reading):
    functions = part_source(model, reading, "encoder 1")
    source = next(f for f in functions if f.name == attention_weights.__name__)
    beside = {line.text.strip(): line.made for line in source.lines}
    scores = next(text for text in beside if text.startswith("scores = query"))
    assert beside[scores] == "scores (1, 4, 112, 112)"
    assert beside["return scores.softmax(dim=-1)"] == "→ (1, 4, 112, 112)"


@pytest.mark.parametrize("part", ["drawing", "patches", "stem", "memory", "token", "answer"])
def test_every_part_has_a_source(model, reading, part):
    assert all(function.lines for function in part_source(model, reading, part))


def test_reading_step_by_step_is_watched_as_well(model, reading):
    assert "x (1, 1, 64)" in made(part_source(model, reading, "token"), "Decoder._step")
    assert "memory (1, 112, 64)" in made(
        part_source(model, reading, "answer"), "Transformer._decode"
    )


def test_whoever_traced_before_goes_on_and_other_threads_are_left_alone(model, reading):
    def tracer(frame, event, argument):
        return None

    seen = []
    before = sys.gettrace()
    sys.settrace(tracer)
    try:
        part_source(model, reading, "memory")
        thread = threading.Thread(target=lambda: seen.append(sys.gettrace()))
        thread.start()
        thread.join()
        assert sys.gettrace() is tracer
    finally:
        sys.settrace(before)
    assert seen == [None]


def test_unknown_parts_are_refused(model, reading):
    for part in ("decoder 3 self", "encoder 5", "encoder", "soul 1"):
        with pytest.raises(ValueError, match="no part"):
            part_source(model, reading, part)
