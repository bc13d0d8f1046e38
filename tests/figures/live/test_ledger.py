"""The ledger's and the second pen's data: plain, and the library's own numbers."""

import json

import pytest
import torch

from mnist_transformer.figures.live.gaze import gaze_data
from mnist_transformer.figures.live.ledger import ledger_data


def test_a_ledger_carries_its_numbers_unrounded_and_goes_into_json(reading):
    numbers = torch.linspace(-1, 2, 48)
    bars = [("cross 1, head 2", 0.123456789), ("total", -1.5)]
    data = ledger_data(reading, numbers, bars, "amounts", step=2, picked=["total", 7])
    assert data == json.loads(json.dumps(data))
    assert torch.equal(torch.tensor(data["numbers"]), numbers)
    assert data["bars"] == [list(bar) for bar in bars]
    assert (data["step"], data["steps"], data["grid"]) == (2, reading.steps, [4, 12])
    assert data["picked"] == ["total", 7]
    assert (data["canvas"]["width"], data["canvas"]["height"]) == (96, 32)


def test_a_ledger_of_no_step_follows_none(reading):
    data = ledger_data(reading, torch.zeros(48), [], "nothing")
    assert data["step"] is data["steps"] is None


def test_a_second_pen_knows_its_weights_and_places(reading):
    weights = torch.eye(48)[3]
    data = gaze_data(reading, 1, weights, {"own": "by itself", "paper": "blank"}, "paper")
    assert data["weights"] == weights.tolist()
    assert data["places"][1] == {"name": "paper", "label": "blank"}
    assert not data["isPainted"] and gaze_data(reading, 1, weights, {}, None)["isPainted"]


def test_without_maps_there_is_no_grid_to_write_on(model, reading):
    plain = model.read_canvases(reading.canvas[None])[0]
    with pytest.raises(ValueError, match="attention=True"):
        ledger_data(plain, torch.zeros(48), [], "nothing")


def test_the_paper_beside_the_ink_lacks_ink_but_for_the_second_pen(reading):
    inked = (reading.canvas > 0.3).any(0).nonzero().flatten() // 8  # columns of patches
    first, end = ledger_data(reading, torch.zeros(48), [], "")["shown"]
    assert first == max(int(inked[0]) - 1, 0) and end == min(int(inked[-1]) + 2, 12)
    assert gaze_data(reading, 0, torch.zeros(48), {}, None)["shown"] == [0, 12]
