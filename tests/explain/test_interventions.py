from concurrent.futures import ThreadPoolExecutor

import pytest
import torch

from mnist_transformer import record_attention
from mnist_transformer.config import START
from mnist_transformer.explain.interventions import (
    Head,
    Intervention,
    all_heads,
    edited,
    head_importance,
    read_changed,
)


def off(*heads):
    return Intervention(ablated_heads=frozenset(heads))


def test_every_head_is_named(model):
    heads = all_heads(model.config)
    assert len(heads) == len(set(heads)) == (1 + 2 + 2) * 4


@pytest.mark.parametrize("attention", ["encoder", "decoder", "cross"])
def test_a_head_that_is_off_adds_nothing(model, reading, attention):
    head = Head(attention, 0, 2)
    changed = read_changed(model, reading.canvas, off(head))
    assert (getattr(changed.attention, attention)[0, 2] == 0).all()
    assert not torch.allclose(changed.distributions[0], reading.distributions[0])
    # The same by hand: the values of that head at 0, wherever it looks.
    module = {
        "encoder": model.encoder.layers[0].attention,
        "decoder": model.decoder.layers[0].self_attention,
        "cross": model.decoder.layers[0].cross_attention,
    }[attention]
    with torch.no_grad():
        module.value.weight[16:24] = 0
        module.value.bias[16:24] = 0
    expected = model.read_canvases(reading.canvas[None])[0]
    torch.testing.assert_close(changed.distributions, expected.distributions)


def test_an_averaged_head_looks_everywhere_alike(model, reading):
    heads = frozenset({Head("encoder", 0, 1), Head("decoder", 1, 3), Head("cross", 0, 0)})
    maps = read_changed(model, reading.canvas, Intervention(heads_uniform=heads)).attention
    torch.testing.assert_close(maps.encoder[0, 1], torch.full((48, 48), 1 / 48))
    torch.testing.assert_close(maps.cross[0, 0], torch.full_like(maps.cross[0, 0], 1 / 48))
    rows = torch.arange(1, len(maps.decoder[1, 3]) + 1)
    torch.testing.assert_close(maps.decoder[1, 3][:, 0], 1 / rows)


def test_a_layer_that_is_off_hands_on_what_it_was_given(model, lines):
    for stack, layer in (("encoder", 0), ("decoder", 1)):
        change = Intervention(ablated_layers=frozenset({(stack, layer)}))
        logits = edited(model, change)(lines[0], lines[1][:, :-1])
        taken_out = getattr(model, stack).layers
        others = torch.nn.ModuleList(kept for n, kept in enumerate(taken_out) if n != layer)
        getattr(model, stack).layers = others
        expected = model(lines[0], lines[1][:, :-1])
        getattr(model, stack).layers = taken_out
        torch.testing.assert_close(logits, expected)


def test_without_positions_patches_are_a_bag(model, lines):
    bag = edited(model, Intervention(ablated_positions=True))
    with record_attention(bag) as record:
        bag.encoder(torch.zeros(1, 32, 96))
    inner = record[bag.encoder.layers[0].attention][0].weights[..., 13, [14, 15, 17]]
    torch.testing.assert_close(inner, inner[..., :1].expand_as(inner))


def test_the_model_itself_is_left_as_it_is(model, reading):
    before = {name: tensor.clone() for name, tensor in model.state_dict().items()}
    change = Intervention(
        frozenset({Head("cross", 0, 0)}),
        frozenset({Head("cross", 0, 1)}),
        frozenset({("decoder", 1)}),
        True,
    )
    read_changed(model, reading.canvas, change)
    head_importance(model, reading)
    assert all(torch.equal(before[name], tensor) for name, tensor in model.state_dict().items())


def test_others_may_read_while_heads_are_ranked(model, lines):
    """One model serves all visitors of the page, each in a thread of his own."""
    alone = model.read_canvases(lines[0], attention=True)
    with ThreadPoolExecutor() as threads:
        ranking = threads.submit(lambda: [head_importance(model, alone[0]) for _ in range(20)])
        while not ranking.done():
            together = model.read_canvases(lines[0])
            for one, other in zip(alone, together, strict=True):
                torch.testing.assert_close(one.distributions, other.distributions)


def test_no_change_changes_nothing(model, reading):
    assert not Intervention()
    same = read_changed(model, reading.canvas, Intervention())
    torch.testing.assert_close(same.distributions, reading.distributions)
    torch.testing.assert_close(same.attention.cross, reading.attention.cross)


@pytest.mark.parametrize(
    "change",
    [
        off(Head("cross", 7, 0)),
        off(Head("cross", 0, 9)),
        off(Head("sideways", 0, 0)),
        Intervention(ablated_layers=frozenset({("encoder", 9)})),
    ],
)
def test_what_the_model_does_not_have_is_refused(model, change):
    with pytest.raises(ValueError, match="this model has no"):
        edited(model, change)


def test_importance_is_the_loss_of_log_probability(model, reading):
    importance = head_importance(model, reading)
    assert set(importance) == set(all_heads(model.config))
    head = Head("cross", 1, 1)
    chosen = reading.distributions.argmax(-1)
    tokens = torch.cat([torch.tensor([START]), chosen[:-1]])[None]
    with torch.no_grad():
        before = model(reading.canvas[None], tokens)[0].log_softmax(-1)
        after = edited(model, off(head))(reading.canvas[None], tokens)[0].log_softmax(-1)
    steps = torch.arange(len(chosen))
    expected = (before[steps, chosen] - after[steps, chosen]).mean()
    assert importance[head] == pytest.approx(float(expected), abs=1e-5)
