import threading
from concurrent.futures import ThreadPoolExecutor

import pytest
import torch
from torch.nn import functional as F

from mnist_transformer import load_transformer, record_attention
from mnist_transformer.attention import replace_weights
from mnist_transformer.explain.attribution import attribute
from mnist_transformer.explain.gaze import (
    Gaze,
    all_digits,
    between_digits,
    blank_paper,
    painted,
    read_painted,
    spread,
    where_it_looked,
)
from mnist_transformer.explain.heads import Head
from mnist_transformer.explain.interventions import Intervention, read_changed, teacher_forcing
from tests import ROOT

EXACT = 1e-5


@pytest.fixture(scope="module")
def examples():
    """The shipped model and its readings of the page's examples, with maps."""
    model = load_transformer()
    paths = sorted((ROOT / "demo" / "examples").glob("*.png"))
    return model, [model.read(path, attention=True) for path in paths]


@pytest.fixture
def brush(model):
    """A map of its own for every patch."""
    generator = torch.Generator().manual_seed(3)
    return torch.rand(model.config.num_patches, generator=generator).softmax(0)


def by_hand(model, reading, step, head, given):
    """Logits of all steps, cross-attention spelled out with one row of one head replaced."""
    canvases, tokens, _ = teacher_forcing(model, reading)
    with torch.no_grad():
        memory = model.encoder(canvases)
        x = model.decoder.token(tokens) + model.decoder.position[: tokens.shape[1]]
        mask = torch.ones(tokens.shape[1], tokens.shape[1], dtype=torch.bool).tril()
        for number, layer in enumerate(model.decoder.layers):
            x = x + layer.self_attention(layer.self_attention_norm(x), mask=mask)
            cross, outputs = layer.cross_attention, []
            normed = layer.cross_attention_norm(x)
            for n in range(4):
                own = slice(8 * n, 8 * n + 8)
                query, key, value = (
                    F.linear(source, part.weight[own], part.bias[own])[0]
                    for part, source in (
                        (cross.query, normed),
                        (cross.key, memory),
                        (cross.value, memory),
                    )
                )
                weights = (query @ key.T / 8**0.5).softmax(-1)
                if head in (None, Head("cross", number, n)):
                    weights[step] = given
                outputs.append(weights @ value)
            x = x + cross.output(torch.cat(outputs, -1))[None]
            x = x + layer.mlp(layer.mlp_norm(x))
        return model.decoder.to_logits(model.decoder.norm(x))[0]


@pytest.mark.parametrize("head", [None, Head("cross", 0, 1), Head("cross", 1, 3)])
@pytest.mark.parametrize("step", [0, 2])
def test_a_painted_gaze_is_the_formula_with_these_weights(model, reading, brush, step, head):
    heads = None if head is None else frozenset({head})
    again = read_painted(model, reading.canvas, [Gaze(step, brush, heads)])
    expected = by_hand(model, again, step, head, brush).softmax(-1)
    assert (again.distributions - expected).abs().max() < EXACT
    assert (again.distributions[step] - reading.distributions[step]).abs().max() > 1e-4
    with painted(model, Gaze(step, brush, heads)), torch.no_grad():
        canvases, tokens, _ = teacher_forcing(model, again)
        all_at_once = model(canvases, tokens)[0].softmax(-1)
    assert (all_at_once - expected).abs().max() < EXACT


def test_the_maps_of_a_painted_reading_show_the_paint(model, reading, brush):
    again = read_painted(model, reading.canvas, [Gaze(1, brush, frozenset({Head("cross", 1, 2)}))])
    torch.testing.assert_close(again.maps.cross[1, 2, 1], brush)
    torch.testing.assert_close(again.maps.cross[:, :, 0], reading.maps.cross[:, :, 0])
    assert not torch.allclose(again.maps.cross[1, 1, 1], brush)


def test_without_paint_a_reading_is_the_plain_one_bit_for_bit(model, reading, brush):
    canvas = reading.canvas[None]
    plain = model.read_canvases(canvas)[0]
    with painted(model):
        assert torch.equal(model.read_canvases(canvas)[0].distributions, plain.distributions)
        recorded = model.read_canvases(canvas, attention=True)[0]
    last = Gaze(model.config.max_steps - 1, brush)
    with painted(model, last):
        not_yet = model.read_canvases(canvas, attention=True)[0]
    before = slice(0, model.config.max_steps - 1)
    for again in (recorded, not_yet):
        assert torch.equal(again.distributions[before], reading.distributions[before])
        assert torch.equal(again.maps.cross[:, :, before], reading.maps.cross[:, :, before])
    assert torch.equal(recorded.distributions, reading.distributions)


def test_its_own_map_given_back_changes_nothing(model, reading):
    again = read_painted(model, reading.canvas, [Gaze(1, where_it_looked(reading, 1))])
    torch.testing.assert_close(again.distributions, reading.distributions)


def test_nothing_is_left_behind_even_by_an_error(model, reading, brush):
    before = {name: set(vars(module)) for name, module in model.named_modules()}
    with pytest.raises(RuntimeError, match="inside"), painted(model, Gaze(0, brush)):
        raise RuntimeError("inside")
    read_painted(model, reading.canvas, [Gaze(0, brush)])
    assert {name: set(vars(module)) for name, module in model.named_modules()} == before
    again = model.read_canvases(reading.canvas[None], attention=True)[0]
    assert torch.equal(again.distributions, reading.distributions)


def test_two_threads_with_one_model_do_not_see_each_others_paint(model, reading):
    patches = model.config.num_patches
    paints = [None, *(F.one_hot(torch.tensor(n), patches).float() for n in (3, 17, 40))]

    def read(paint):
        gazes = [] if paint is None else [Gaze(0, paint)]
        return read_painted(model, reading.canvas, gazes)

    # Alone in a thread, too: the main one may compute on another number of cores, and so round
    # in another order.
    with ThreadPoolExecutor(1) as thread:
        alone = list(thread.map(read, paints))
    assert len({reading.distributions[0].max().item() for reading in alone}) == len(paints)
    gate, together = threading.Barrier(len(paints)), [[] for _ in paints]

    def work(index):
        gate.wait()
        for _ in range(15):
            together[index].append(read(paints[index]))

    threads = [threading.Thread(target=work, args=(n,)) for n in range(len(paints))]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    for expected, readings in zip(alone, together, strict=True):
        assert len(readings) == 15
        for again in readings:
            assert torch.equal(again.distributions, expected.distributions)


def test_paint_and_a_head_that_is_off_go_together(model, reading, brush):
    off = Intervention(ablated_heads=frozenset({Head("cross", 0, 1)}))
    both = read_painted(model, reading.canvas, [Gaze(0, brush)], off)
    assert (both.maps.cross[0, 1] == 0).all()
    torch.testing.assert_close(both.maps.cross[0, 2, 0], brush)
    paint_alone = read_painted(model, reading.canvas, [Gaze(0, brush)])
    off_alone = read_changed(model, reading.canvas, off)
    for other in (paint_alone, off_alone):
        assert not torch.allclose(both.distributions[0], other.distributions[0], atol=1e-5)
    # A head that is off is off, whatever it is made to look at.
    only = [Gaze(0, brush, frozenset({Head("cross", 0, 1)}))]
    same = read_painted(model, reading.canvas, only, off)
    torch.testing.assert_close(same.distributions, off_alone.distributions)


def test_a_recorder_and_the_receipt_see_the_paint(model, reading, brush):
    module = model.decoder.layers[1].cross_attention
    gaze = Gaze(0, brush)
    with painted(model, gaze), record_attention(module) as record:
        again = model.read_canvases(reading.canvas[None])[0]
        receipt = attribute(model, again)
    torch.testing.assert_close(record[module][0].weights[0, :, 0], brush.expand(4, -1))
    torch.testing.assert_close(receipt.logits.softmax(-1), again.distributions)
    assert (receipt.amounts.sum(-1) - receipt.logits).abs().max() < EXACT


def test_the_later_gaze_and_the_inner_block_have_the_last_word(model, reading, brush):
    even = torch.full_like(brush, 1 / len(brush))
    one = read_painted(model, reading.canvas, [Gaze(0, brush), Gaze(0, even)])
    torch.testing.assert_close(one.maps.cross[:, :, 0], even.expand(2, 4, -1))
    with painted(model, Gaze(0, brush)):
        inner = read_painted(model, reading.canvas, [Gaze(0, even)])
    assert torch.equal(inner.distributions, one.distributions)


def test_weights_of_any_attention_can_be_replaced(model, lines):
    layer = model.encoder.layers[0]
    uniform = Intervention(heads_uniform=frozenset(Head("encoder", 0, n) for n in range(4)))
    expected = read_changed(model, lines[0][0], uniform)
    with replace_weights({layer.attention: lambda weights, _: torch.full_like(weights, 1 / 48)}):
        actual = model.read_canvases(lines[0][:1])[0]
    torch.testing.assert_close(actual.distributions, expected.distributions)


def test_the_last_layer_reads_what_it_is_pointed_at_and_the_first_does_not(examples):
    model, readings = examples
    reached = {0: 0, 1: 0, None: 0}
    pairs = 0
    for reading in readings:
        for step, digit in enumerate(reading.digits):
            for other, pointed_at in enumerate(reading.digits):
                if digit == pointed_at:
                    continue
                pairs += 1
                for layer in reached:
                    heads = None if layer is None else {Head("cross", layer, n) for n in range(4)}
                    gaze = Gaze(step, where_it_looked(reading, other), heads)
                    with painted(model, gaze):
                        again = model.read_canvases(reading.canvas[None])[0]
                    reached[layer] += again.digits[step : step + 1] == pointed_at
    assert pairs == 92
    assert reached[None] >= 85 and reached[1] >= 85
    assert reached[0] <= 20


def test_a_brush_of_three_columns_points_at_a_digit(examples):
    model, readings = examples
    reading = next(reading for reading in readings if reading.digits == "8675309")
    columns = where_it_looked(reading, 4).mean((0, 1)).unflatten(0, reading.maps.grid).sum(0)
    middle = int((columns * torch.arange(28)).sum().round())
    paint = torch.zeros(32, 224)
    paint[:, 8 * (middle - 1) : 8 * (middle + 2)] = 1
    again = read_painted(model, reading.canvas, [Gaze(0, spread(paint, reading.maps.grid))])
    assert again.digits[0] == "3"


def test_paint_becomes_shares(reading):
    grid = reading.maps.grid
    one = torch.zeros(grid)
    one[2, 5] = 7
    assert spread(one, grid).tolist() == torch.eye(48)[2 * 12 + 5].tolist()
    pixels = torch.zeros(32, 96)
    pixels[:, :12] = 1  # a column and a half
    shares = spread(pixels, grid).unflatten(0, grid)
    torch.testing.assert_close(shares[:, 0], torch.full((4,), 1 / 6))
    torch.testing.assert_close(shares[:, 1], torch.full((4,), 1 / 12))
    assert float(shares.sum()) == pytest.approx(1)


def test_places_to_look_at_are_where_their_names_say(examples):
    _, readings = examples
    reading = next(reading for reading in readings if reading.digits == "8675309")
    ink = reading.canvas.unflatten(0, (4, 8)).unflatten(2, (28, 8)).amax((1, 3)).flatten()
    assert (blank_paper(reading)[ink >= 0.3] == 0).all()
    assert float(blank_paper(reading).sum()) == pytest.approx(1)
    gap = between_digits(reading, 0).unflatten(0, (4, 28))
    assert (gap.sum(0) > 0).sum() == 1
    order = torch.arange(28.0)
    looked = reading.maps.cross.mean((0, 1)).unflatten(1, (4, 28)).sum(1) @ order
    assert looked[0] < gap.sum(0) @ order < looked[1]
    together = all_digits(reading)
    assert together.shape == (2, 4, 112)
    torch.testing.assert_close(together.sum(-1), torch.ones(2, 4))
    torch.testing.assert_close(together, reading.maps.cross[:, :, :7].mean(2))


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"step": 4}, "step must be 0 to 3, not 4"),
        ({"step": -1}, "step must be 0 to 3, not -1"),
        ({"weights": torch.ones(112) / 112}, r"must be \(48,\) or \(2, 4, 48\), not \(112,\)"),
        ({"weights": torch.ones(48)}, "sum to 1"),
        ({"weights": torch.full((48,), torch.nan)}, "sum to 1"),
        ({"weights": torch.eye(48)[0] * 3 - torch.eye(48)[1] * 2}, "at least 0"),
        ({"heads": frozenset({Head("cross", 2, 0)})}, "not of Head"),
        ({"heads": frozenset({Head("encoder", 0, 0)})}, "not of Head"),
    ],
)
def test_a_gaze_that_does_not_fit_is_refused(model, reading, change, message):
    gaze = Gaze(**{"step": 0, "weights": torch.ones(48) / 48, "heads": None} | change)
    with pytest.raises(ValueError, match=message):
        read_painted(model, reading.canvas, [gaze])


def test_a_step_after_the_end_is_refused(examples):
    model, readings = examples
    reading = next(reading for reading in readings if reading.digits == "99")
    with pytest.raises(ValueError, match="ends with step 2, so that step 5"):
        read_painted(model, reading.canvas, [Gaze(5, blank_paper(reading))])


@pytest.mark.parametrize(
    ("paint", "message"),
    [
        (torch.ones(5, 12), "4 x 12 patches, or a multiple of it in pixels, not 5 x 12"),
        (torch.ones(48), "not 48"),
        (torch.ones(0, 12), "not 0 x 12"),
        (-torch.ones(4, 12), "at least 0"),
        (torch.zeros(4, 12), "nothing is painted"),
    ],
)
def test_paint_that_makes_no_sense_is_refused(paint, message):
    with pytest.raises(ValueError, match=message):
        spread(paint, (4, 12))


def test_places_that_are_not_there_are_refused(model, reading):
    plain = model.read_canvases(reading.canvas[None])[0]
    blank = model.read_canvases(torch.zeros(1, 32, 96), attention=True)[0]
    with pytest.raises(ValueError, match="attention=True"):
        where_it_looked(plain, 0)
    with pytest.raises(ValueError, match="step must be"):
        where_it_looked(reading, 9)
    with pytest.raises(ValueError, match="no two digits"):
        between_digits(reading, 9)
    with pytest.raises(ValueError, match="no digit was read"):
        all_digits(blank)
