import pytest
import torch

from mnist_transformer import load_transformer
from mnist_transformer.explain.interventions import (
    Intervention,
    edited,
    teacher_forcing,
)
from mnist_transformer.explain.lens import lens, memory_lens
from mnist_transformer.explain.trace import trace
from tests import ROOT

CLOSE = {"atol": 1e-5, "rtol": 1e-4}


def test_the_lens_after_whole_layers_reads_their_states_and_ends_with_the_reading(model, reading):
    found = lens(model, reading)
    parts = [f"{part} {layer}" for layer in (1, 2) for part in ("self", "cross", "MLP")]
    assert found.names == ["token and place", *parts]
    assert found.logits.shape == (7, reading.steps, 11)
    torch.testing.assert_close(found.distributions.sum(-1), torch.ones(7, reading.steps))
    canvases, tokens, _ = teacher_forcing(model, reading)
    with torch.no_grad():
        states = model.decoder.hidden_states(tokens, model.encoder(canvases))
        whole = [model.decoder.to_logits(model.decoder.norm(x))[0].softmax(-1) for x in states]
    torch.testing.assert_close(found.distributions[[0, 3, 6]], torch.stack(whole), **CLOSE)
    torch.testing.assert_close(found.distributions[-1], reading.distributions, **CLOSE)


def test_between_the_parts_the_lens_reads_the_stream_as_it_then_is(model, reading):
    """What comes after a part that is switched off by hand says what the lens says before it."""
    found = lens(model, trace(model, reading))
    last = model.decoder.layers[1]
    with torch.no_grad():
        last.mlp.contract.weight.zero_()
        last.mlp.contract.bias.zero_()
        canvases, tokens, _ = teacher_forcing(model, reading)
        without_mlp = model(canvases, tokens)[0]
        last.cross_attention.output.weight.zero_()
        last.cross_attention.output.bias.zero_()
        without_both = model(canvases, tokens)[0]
    torch.testing.assert_close(found.logits[found.names.index("cross 2")], without_mlp, **CLOSE)
    torch.testing.assert_close(found.logits[found.names.index("self 2")], without_both, **CLOSE)


def test_the_memory_of_the_last_layer_is_read_as_the_drawing():
    model = load_transformer()
    reading = model.read(ROOT / "demo" / "examples" / "2026.png")
    found = memory_lens(model, reading)
    assert len(found.digits) == model.config.encoder_layers + 1
    assert found.digits[-1] == "2026"
    torch.testing.assert_close(found.distributions[-1], reading.distributions, **CLOSE)
    # An earlier layer's memory is that of a model without the layers after it.
    last = model.config.encoder_layers - 1
    without = edited(model, Intervention(ablated_layers=frozenset({("encoder", last)})))
    again = without.read_canvases(reading.canvas[None])[0]
    assert found.digits[-2] == again.digits


def test_of_a_line_too_long_the_memory_lens_reads_as_much_as_the_model(model, reading):
    digits = memory_lens(model, reading).digits
    assert digits[-1] == reading.digits
    assert all(len(line) <= model.config.max_digits for line in digits)


def test_a_blank_drawing_has_no_lens(model):
    blank = model.read_canvases(torch.zeros(1, 32, 96))[0]
    for look in (lens, memory_lens):
        with pytest.raises(ValueError, match="nothing is drawn"):
            look(model, blank)
