import pytest
import torch

from mnist_transformer.config import END, START
from mnist_transformer.explain.decoding import beam_search, sample_lines


def test_a_beam_as_wide_as_all_lines_finds_the_likeliest(model, reading):
    found = beam_search(model, reading.canvas, num_beams=1000)
    assert len({digits for digits, _ in found}) == len(found) == 1000
    assert [p for _, p in found] == sorted((p for _, p in found), reverse=True)
    digits, probability = found[0]
    tokens = torch.tensor([[START, *map(int, digits)]])
    with torch.no_grad():
        steps = model(reading.canvas[None], tokens)[0].log_softmax(-1)
    chosen = torch.tensor([*map(int, digits), END])
    total = steps[torch.arange(len(chosen)), chosen].sum().exp()
    assert probability == pytest.approx(float(total), rel=1e-4)


def test_a_beam_needs_a_width(model, reading):
    with pytest.raises(ValueError, match="num_beams"):
        beam_search(model, reading.canvas, 0)


def test_cold_samples_are_greedy(model, reading):
    assert sample_lines(model, reading.canvas, temperature=0.001) == [(reading.digits, 1.0)]


def test_samples_follow_the_probabilities(model, reading):
    lines = sample_lines(model, reading.canvas, count=4000, seed=1)
    assert sum(share for _, share in lines) == pytest.approx(1)
    first = [0.0] * 11
    for digits, share in lines:
        first[int(digits[0]) if digits else END] += share
    assert first == pytest.approx(reading.distributions[0].tolist(), abs=0.03)
    assert lines == sample_lines(model, reading.canvas, count=4000, seed=1)


@pytest.mark.parametrize(
    "change", [{"temperature": 0}, {"temperature": float("nan")}, {"count": 0}]
)
def test_samples_out_of_range_are_refused(model, reading, change):
    with pytest.raises(ValueError, match="temperature"):
        sample_lines(model, reading.canvas, **change)
