"""The figures of what parts of the model do: receipt, swap, habits, pen time."""

import numpy as np
import pytest
import torch

from mnist_transformer import figures
from mnist_transformer.explain.attribution import attribute
from mnist_transformer.explain.heads import Head
from mnist_transformer.explain.lens import lens
from mnist_transformer.explain.patching import SwapMap


def test_the_receipts_figure_has_every_patch_every_line_and_the_total(model, reading):
    receipt = attribute(model, reading)
    bill = receipt.bill(1, 8, over=3)
    figure = reading.plot_receipt(receipt, 1, 8, 3)
    drawing, bars = figure.data
    shown = np.array(drawing.z).flatten()
    np.testing.assert_allclose(shown, bill.per_patch.numpy(), atol=1e-6)
    assert drawing.zmin == -drawing.zmax
    # The drawing lies under its own patches, which count from 1 as everywhere.
    (picture,) = figure.layout.images
    across, down = figure.layout.xaxis.range, figure.layout.yaxis.range
    assert (picture.x, picture.x + picture.sizex) == tuple(across) == (0.5, 12.5)
    assert (picture.y + picture.sizey, picture.y) == tuple(down) == (4.5, 0.5)
    assert (drawing.x0, drawing.y0) == (1, 1)
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


def test_a_reading_draws_its_lens_and_what_a_swap_would_carry_over(model, reading):
    found = lens(model, reading)
    (table,) = reading.plot_lens(found).data
    assert list(table.y) == [f"after {name}" for name in found.names]
    np.testing.assert_allclose(table.z, found.distributions.amax(-1).numpy(), atol=1e-6)
    heads = {Head("cross", 0, 1): -0.4, Head("encoder", 1, 0): 0.02}
    patches = torch.linspace(-0.2, 1, 48)
    shares = SwapMap(0, 3, 8, -1.0, 2.0, patches, heads, {("decoder", 1): 1.0}, {})
    drawing, bars = reading.plot_swap(shares).data
    np.testing.assert_allclose(np.array(drawing.z).flatten(), patches.numpy(), atol=1e-6)
    assert list(bars.y) == ["all of decoder 2", "cross 1, head 2", "encoder 2, head 1"]
    assert list(bars.x) == [1.0, -0.4, 0.02]


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
