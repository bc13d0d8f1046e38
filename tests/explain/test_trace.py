import io
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
import torch
from torch.nn import functional as F

from mnist_transformer import Config, Transformer, record_attention
from mnist_transformer.config import START
from mnist_transformer.explain.heads import Head
from mnist_transformer.explain.interventions import Intervention, edited, teacher_forcing
from mnist_transformer.explain.trace import trace

CLOSE = {"atol": 1e-6, "rtol": 1e-5}


def test_the_trace_ends_with_the_models_own_logits_bit_for_bit(model, reading):
    canvases, tokens, _ = teacher_forcing(model, reading)
    with torch.no_grad(), record_attention(model):
        spelled_out = model(canvases, tokens)[0]
    with torch.no_grad():
        fused = model(canvases, tokens)[0]
    traced = trace(model, reading)
    assert torch.equal(traced.logits, spelled_out)
    torch.testing.assert_close(traced.logits, fused, **CLOSE)
    torch.testing.assert_close(traced.logits.softmax(-1), reading.distributions, **CLOSE)


def test_every_state_of_the_stream_is_the_models(model, reading):
    canvases, tokens, _ = teacher_forcing(model, reading)
    with torch.no_grad():
        patches = model.encoder.hidden_states(canvases)
        memory = model.encoder(canvases)
        steps = model.decoder.hidden_states(tokens, memory)
    traced = trace(model, reading)
    torch.testing.assert_close(traced.patches + traced.patch_places, patches[0][0], **CLOSE)
    torch.testing.assert_close(traced.memory, memory[0], **CLOSE)
    torch.testing.assert_close(traced.token_vectors + traced.token_places, steps[0][0], **CLOSE)
    for layer, before, after in zip(traced.encoder, patches, patches[1:], strict=False):
        torch.testing.assert_close(layer.attention.before, before[0], **CLOSE)
        assert torch.equal(layer.attention.after, layer.mlp.before)
        torch.testing.assert_close(layer.mlp.after, after[0], **CLOSE)
    for layer, before, after in zip(traced.decoder, steps, steps[1:], strict=False):
        torch.testing.assert_close(layer.self_attention.before, before[0], **CLOSE)
        assert torch.equal(layer.self_attention.after, layer.cross_attention.before)
        assert torch.equal(layer.cross_attention.after, layer.mlp.before)
        torch.testing.assert_close(layer.mlp.after, after[0], **CLOSE)
    torch.testing.assert_close(traced.final, steps[-1][0], **CLOSE)


def test_every_part_adds_what_its_numbers_give(model, reading):
    traced = trace(model, reading)
    layer, own = traced.decoder[1], model.decoder.layers[1]
    for part, module, norm in (
        (layer.self_attention, own.self_attention, own.self_attention_norm),
        (layer.cross_attention, own.cross_attention, own.cross_attention_norm),
        (traced.encoder[0].attention, model.encoder.layers[0].attention, None),
    ):
        heads = part.gathered.transpose(0, 1).flatten(1)  # (queries, model_dim)
        torch.testing.assert_close(part.added, module.output(heads).detach(), **CLOSE)
        torch.testing.assert_close(part.after, part.before + part.added, **CLOSE)
        if norm is not None:
            torch.testing.assert_close(part.read, norm(part.before).detach(), **CLOSE)
    hidden = F.gelu(own.mlp.expand(own.mlp_norm(layer.mlp.before)))
    torch.testing.assert_close(layer.mlp.hidden, hidden.detach(), **CLOSE)
    torch.testing.assert_close(layer.mlp.added, own.mlp.contract(hidden).detach(), **CLOSE)


def test_the_maps_are_the_readings_and_the_scores_their_logarithms(model, reading):
    traced = trace(model, reading)
    for number, layer in enumerate(traced.decoder):
        cross = layer.cross_attention
        torch.testing.assert_close(cross.weights, reading.maps.cross[number], **CLOSE)
        torch.testing.assert_close(cross.scores.softmax(-1), cross.weights, **CLOSE)
        torch.testing.assert_close(
            layer.self_attention.weights, reading.maps.decoder[number], **CLOSE
        )
    torch.testing.assert_close(traced.encoder[0].attention.weights, reading.maps.encoder[0])


def test_the_stages_of_the_stem_lead_to_the_patches(model, reading):
    traced = trace(model, reading)
    assert [tuple(stage.shape) for stage in traced.stages] == [
        (8, 16, 48),
        (8, 8, 24),
        (16, 4, 12),
    ]
    assert all((stage >= 0).all() for stage in traced.stages)
    with torch.no_grad():
        last = model.encoder.patches.stem[-1](traced.stages[-1][None])[0]
    torch.testing.assert_close(traced.patches, last.flatten(1).T, **CLOSE)
    assert traced.grid == (4, 12)


@pytest.mark.parametrize(
    "change",
    [
        {"norm_first": False},
        {"stem_channels": ()},
        {"stem_norm": False, "stem_depth": 1},
        {"row_positions": False, "encoder_layers": 3},
    ],
)
def test_every_shape_of_model_is_traced(change):
    torch.manual_seed(1)
    small = {"canvas_width": 64, "model_dim": 16, "mlp_dim": 16, "max_digits": 2}
    model = Transformer(Config(**small | {"stem_channels": (4, 4, 8)} | change)).eval()
    canvas = torch.rand(32, 64)
    tokens = [START, 7, 3]
    traced = trace(model, canvas, tokens)
    with torch.no_grad(), record_attention(model):
        assert torch.equal(traced.logits, model(canvas[None], torch.tensor([tokens]))[0])
    assert len(traced.stages) == len(model.config.stem_channels)


def test_a_changed_model_is_traced_as_changed(model, reading):
    changed = edited(model, Intervention(frozenset({Head("cross", 0, 1), Head("encoder", 0, 0)})))
    again = changed.read_canvases(reading.canvas[None])[0]
    traced = trace(changed, again)
    torch.testing.assert_close(traced.logits.softmax(-1), again.distributions, **CLOSE)
    assert not torch.allclose(traced.memory, trace(model, reading).memory)


def test_a_canvas_without_tokens_is_read_first(model, reading):
    traced = trace(model, reading.canvas)
    assert torch.equal(traced.tokens, trace(model, reading).tokens)
    assert torch.equal(traced.logits, trace(model, reading).logits)


def test_two_threads_trace_one_model_each_its_own_drawing(model, lines):
    # Alone in a thread, too: the main one may compute on another number of cores, and so round
    # in another order.
    with ThreadPoolExecutor(1) as thread:
        alone = list(thread.map(lambda canvas: trace(model, canvas, [START, 1]), lines[0]))
    with ThreadPoolExecutor(4) as threads:
        together = list(threads.map(lambda canvas: trace(model, canvas, [START, 1]), lines[0]))
    for one, other in zip(alone, together, strict=True):
        for name, array in one.arrays().items():
            assert np.array_equal(array, other.arrays()[name]), name


def test_tracing_leaves_nothing_behind(model, reading):
    before = {name: set(vars(module)) for name, module in model.named_modules()}
    weights = {name: tensor.clone() for name, tensor in model.state_dict().items()}
    trace(model, reading)
    assert {name: set(vars(module)) for name, module in model.named_modules()} == before
    assert all(torch.equal(weights[name], tensor) for name, tensor in model.state_dict().items())


def test_a_saved_trace_holds_every_number_by_name(model, reading):
    traced, file = trace(model, reading), io.BytesIO()
    traced.save_npz(file)
    file.seek(0)
    with np.load(file) as saved:
        assert saved["grid"].tolist() == [4, 12]
        assert saved["decoder.2.cross_attention.query"].shape == (4, reading.steps, 8)
        assert saved["encoder.1.mlp.hidden"].shape == (48, 32)
        assert saved["stages.3"].shape == (16, 4, 12)
        assert np.array_equal(saved["logits"], traced.logits.numpy())
        assert set(saved) == set(traced.arrays()) | {"grid"}


@pytest.mark.parametrize(
    ("tokens", "message"),
    [
        ([], "1 to 4 in a row"),
        ([3, 1], "the first of them 11"),
        ([START, 1, 2, 3, 4], "1 to 4 in a row"),
        ([START, 13], "0 to 12"),
        ([[START]], "in a row"),
    ],
)
def test_tokens_that_make_no_sense_are_refused(model, reading, tokens, message):
    with pytest.raises(ValueError, match=message):
        trace(model, reading, tokens)


def test_a_canvas_of_another_size_and_a_blank_one_are_refused(model):
    with pytest.raises(ValueError, match="32x96, not"):
        trace(model, torch.rand(32, 224), [START])
    with pytest.raises(ValueError, match="nothing is drawn"):
        trace(model, torch.zeros(32, 96))
    with pytest.raises(ValueError, match="eval"):
        trace(model.train(), torch.rand(32, 96), [START])


def test_a_step_beyond_the_end_is_refused(model, reading):
    with pytest.raises(ValueError, match=f"0 to {reading.steps - 1}"):
        trace(model, reading).check_step(reading.steps)
