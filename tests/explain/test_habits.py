import pytest
import torch

from mnist_transformer import load_transformer, make_lines
from mnist_transformer.dataset import embedded_digits
from mnist_transformer.explain.habits import PLACES, head_habits
from mnist_transformer.explain.heads import Head, all_heads
from mnist_transformer.explain.interventions import Intervention, edited


@pytest.fixture(scope="module")
def shipped():
    return load_transformer()


def some_lines(model, count, seed):
    generator = torch.Generator().manual_seed(seed)
    return make_lines(
        embedded_digits("test"), count, model.config, generator=generator, lengths=(3, 8)
    )[0]


def test_the_names_of_the_decoders_heads_hold_on_other_lines(shipped):
    first, second = (head_habits(shipped, some_lines(shipped, 24, seed)) for seed in (0, 1))
    assert set(first) == set(all_heads(shipped.config))
    for head, habit in first.items():
        names = {habit.name, second[head].name} - {"no habit"}
        assert len(names) <= 1, head  # two samples of lines never contradict each other
        assert sum(habit.shares.values()) == pytest.approx(1, abs=1e-4)
        assert 0 <= habit.holds <= 1
    assert first[Head("decoder", 0, 0)].name == second[Head("decoder", 0, 0)].name
    assert first[Head("decoder", 0, 0)].name == "the last token"
    reading = [habit for head, habit in first.items() if head.attention == "cross"]
    assert sum(habit.name == "the digit it reads" for habit in reading) >= 6


def test_a_head_that_attends_uniformly_has_no_habit_but_all_of_the_entropy(shipped):
    heads = {Head("cross", 1, 2), Head("encoder", 0, 0)}
    uniform = edited(shipped, Intervention(heads_uniform=frozenset(heads)))
    habits = head_habits(uniform, some_lines(shipped, 6, 2))
    for head in heads:
        habit = habits[head]
        assert habit.entropy == pytest.approx(6.807, abs=1e-3)  # log2 of 112
        # The standard deviation of 28 columns alike.
        assert habit.width == pytest.approx(((28**2 - 1) / 12) ** 0.5, abs=1e-2)
    assert habits[Head("encoder", 0, 0)].shares["itself"] == pytest.approx(1 / 112, abs=1e-4)


def test_a_habits_example_is_where_it_shows_most(shipped):
    lines = some_lines(shipped, 8, 3)
    habit = head_habits(shipped, lines)[Head("decoder", 1, 0)]
    line, step = habit.example
    reading = shipped.read_canvases(lines[line][None], attention=True)[0]
    weights = reading.maps.decoder[1, 0, step]
    key = {"the start": 0, "the last token": step, "the token before that": step - 1}[habit.name]
    assert weights[key] > 0.9


def test_the_shares_of_the_decoders_own_heads_are_those_of_the_maps(shipped):
    lines = some_lines(shipped, 1, 4)
    reading = shipped.read_canvases(lines, attention=True)[0]
    habit = head_habits(shipped, lines)[Head("decoder", 1, 1)]
    maps = reading.maps.decoder[1, 1]
    assert habit.shares["the start"] == pytest.approx(float(maps[1:, 0].mean()), abs=1e-5)
    newest = maps.diagonal()[1:].mean()
    assert habit.shares["the last token"] == pytest.approx(float(newest), abs=1e-5)
    assert list(habit.shares) == PLACES["decoder"]


def test_lines_without_two_digits_are_refused(model):
    with pytest.raises(ValueError, match="at least two digits"):
        head_habits(model, torch.zeros(2, 32, 96))
