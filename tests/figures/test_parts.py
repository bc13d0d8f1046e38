"""The figures of what parts of the model do: receipt, swap, habits, pen time."""

import numpy as np
import pytest
import torch

from mnist_transformer import figures
from mnist_transformer.explain.attribution import attribute


def test_the_receipts_figure_has_every_patch_every_line_and_the_total(model, reading):
    receipt = attribute(model, reading)
    bill = receipt.bill(1, 8, over=3)
    drawing, bars = reading.plot_receipt(receipt, 1, 8, 3).data
    shown = np.array(drawing.z).flatten()
    np.testing.assert_allclose(shown, bill.per_patch.numpy(), atol=1e-6)
    assert drawing.zmin == -drawing.zmax
    largest = int(np.abs(shown).argmax())
    assert drawing.text[largest // 12][largest % 12] == f"{shown[largest]:+.2f}"
    assert list(bars.y) == [*(line.name for line in bill.lines), "total"]
    assert sum(bars.x[:-1]) == pytest.approx(bars.x[-1], abs=1e-5)
    assert bars.x[-1] == pytest.approx(bill.total)
    with pytest.raises(ValueError, match="step must be"):
        reading.plot_receipt(receipt, 9)


def test_the_swaps_figure_has_every_patch_and_every_part(reading):
    patches = torch.linspace(-0.2, 1, 48)
    parts = {"encoder 1": 1.0, "cross 1, head 2": -0.05}
    drawing, bars = figures.swap_figure(reading, patches, parts).data
    np.testing.assert_allclose(np.array(drawing.z).flatten(), patches.numpy(), atol=1e-6)
    assert dict(zip(bars.y, bars.x, strict=True)) == parts
    assert list(bars.text) == ["+100%", "-5%"]


def test_a_row_of_habits_is_a_heads(reading):
    shares = {
        "cross 1, head 1": {"ink": 0.7, "paper": 0.3},
        "cross 1, head 2": {"ink": 0, "paper": 1},
    }
    (table,) = figures.habits_figure(shares).data
    assert list(table.y) == list(shares) and list(table.x) == ["ink", "paper"]
    assert np.array(table.z).tolist() == [[0.7, 0.3], [0, 1]]


def test_a_piece_of_a_stroke_has_the_colour_of_what_was_said_at_its_end():
    strokes = [np.array([[0, 0], [0, 5], [0, 9]]), np.array([[5, 5], [9, 5]])]
    moments, said = [(0, 1), (0, 2), (1, 1)], [1, None, 4]
    distributions = torch.eye(11)[[1, 1, 4]]
    figure = figures.pen_time_figure(strokes, moments, said, distributions)
    first, second, third, one, four = figure.data
    assert (list(first.y), list(second.y), list(third.x)) == ([0, 5], [5, 9], [5, 9])
    assert first.line.color == one.line.color != third.line.color == four.line.color
    assert (one.name, four.name) == ("1", "4")
    assert list(one.y) == [1, 1, 0] and list(four.y) == [0, 0, 1]
