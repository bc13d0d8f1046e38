import threading

import pytest
import torch
from torch.nn import functional as F

from mnist_transformer import record_attention
from mnist_transformer.attention import MultiHeadAttention, attention_weights


def reference(attention, x, memory, mask):
    """The same attention by PyTorch's own multi-head implementation."""
    projections = (attention.query, attention.key, attention.value)
    out, weights = F.multi_head_attention_forward(
        x.transpose(0, 1),
        memory.transpose(0, 1),
        memory.transpose(0, 1),
        embed_dim_to_check=x.shape[2],
        num_heads=attention.num_heads,
        in_proj_weight=torch.cat([p.weight for p in projections]),
        in_proj_bias=torch.cat([p.bias for p in projections]),
        bias_k=None,
        bias_v=None,
        add_zero_attn=False,
        dropout_p=0.0,
        out_proj_weight=attention.output.weight,
        out_proj_bias=attention.output.bias,
        training=False,
        attn_mask=None if mask is None else ~mask,
        average_attn_weights=False,
    )
    return out.transpose(0, 1), weights


@pytest.mark.parametrize("masked", [False, True])
@pytest.mark.parametrize("recorded", [False, True])
def test_equals_pytorchs_attention(masked, recorded):
    torch.manual_seed(0)
    attention = MultiHeadAttention(32, 4).eval()
    x, memory = torch.randn(2, 5, 32), torch.randn(2, 7, 32)
    mask = torch.ones(5, 7, dtype=torch.bool).tril() if masked else None
    expected, expected_weights = reference(attention, x, memory, mask)
    if recorded:
        with record_attention(attention) as record:
            out = attention(x, memory, mask)
        torch.testing.assert_close(record[attention][0].weights, expected_weights)
    else:
        out = attention(x, memory, mask)
    torch.testing.assert_close(out, expected)


def test_masked_weights_are_exactly_zero_and_rows_sum_to_one():
    query, key = torch.randn(2, 4, 6, 8), torch.randn(2, 4, 6, 8)
    mask = torch.ones(6, 6, dtype=torch.bool).tril()
    weights = attention_weights(query, key, mask)
    assert (weights[..., ~mask] == 0).all()
    torch.testing.assert_close(weights.sum(-1), torch.ones(2, 4, 6))


def test_heads_must_share_the_dimension_equally():
    with pytest.raises(ValueError, match="not divisible"):
        MultiHeadAttention(30, 4)


def test_recording_does_not_change_the_logits(model, lines):
    canvases, tokens = lines
    with torch.no_grad():
        plain = model(canvases, tokens[:, :-1])
        with record_attention(model) as record:
            recorded = model(canvases, tokens[:, :-1])
    assert (plain - recorded).abs().max() < 1e-5
    length = tokens.shape[1] - 1
    patches = model.config.num_patches
    encoder, decoder = model.encoder.layers, model.decoder.layers
    assert record[encoder[0].attention][0].weights.shape == (8, 4, patches, patches)
    assert record[decoder[1].self_attention][0].weights.shape == (8, 4, length, length)
    assert record[decoder[1].cross_attention][0].weights.shape == (8, 4, length, patches)
    future = torch.ones(length, length, dtype=torch.bool).triu(1)
    assert (record[decoder[0].self_attention][0].weights[..., future] == 0).all()
    for (call,) in record.values():
        torch.testing.assert_close(call.weights.sum(-1), torch.ones(call.weights.shape[:-1]))


def test_what_is_recorded_is_what_the_weights_come_from(model, lines):
    with torch.no_grad(), record_attention(model) as record:
        model(lines[0], lines[1][:, :-1])
    for module, (call,) in record.items():
        batch, heads, queries, size = call.query.shape
        assert (batch, heads, size) == (8, 4, 8)
        assert call.key.shape == call.value.shape == (8, 4, call.weights.shape[-1], 8)
        is_masked = any(module is layer.self_attention for layer in model.decoder.layers)
        mask = torch.ones(queries, queries, dtype=torch.bool).tril() if is_masked else None
        torch.testing.assert_close(call.weights, attention_weights(call.query, call.key, mask))


def test_a_part_of_a_model_is_recorded_alone(model, lines):
    cross = [layer.cross_attention for layer in model.decoder.layers]
    plain = model.read_canvases(lines[0][:1])[0]
    with record_attention(*cross) as record:
        reading = model.read_canvases(lines[0][:1])[0]
    assert list(record) == cross
    assert [len(calls) for calls in record.values()] == [reading.steps] * 2
    assert record[cross[0]][0].weights.shape == (1, 4, 1, 48)
    torch.testing.assert_close(reading.distributions, plain.distributions)


def test_recording_leaves_nothing_behind(model, lines):
    before = {name: set(vars(module)) for name, module in model.named_modules()}
    with record_attention(model) as record:
        model.read_canvases(lines[0])
    counts = {module: len(calls) for module, calls in record.items()}
    model.read_canvases(lines[0])
    assert {module: len(calls) for module, calls in record.items()} == counts
    assert {name: set(vars(module)) for name, module in model.named_modules()} == before


def test_recording_ends_with_an_error_inside(model, lines):
    with pytest.raises(RuntimeError, match="inside"), record_attention(model) as record:
        raise RuntimeError("inside")
    model.read_canvases(lines[0])
    assert not any(record.values())


def test_nested_recordings_both_record(model, lines):
    with record_attention(model) as outer, record_attention(model) as inner:
        model.read_canvases(lines[0])
    module = model.encoder.layers[0].attention
    assert torch.equal(outer[module][0].weights, inner[module][0].weights)


def test_two_threads_with_one_model_record_only_their_own(model, lines):
    canvases = lines[0]
    alone = [model.read_canvases(canvas[None], attention=True)[0] for canvas in canvases]
    together = [[] for _ in canvases]
    gate = threading.Barrier(len(canvases))

    def read(index):
        gate.wait()
        for _ in range(10):
            together[index] += model.read_canvases(canvases[index][None], attention=True)

    threads = [threading.Thread(target=read, args=(i,)) for i in range(len(canvases))]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    for expected, readings in zip(alone, together, strict=True):
        assert len(readings) == 10
        for reading in readings:
            assert reading.digits == expected.digits
            torch.testing.assert_close(reading.attention.cross, expected.attention.cross)
            torch.testing.assert_close(reading.attention.encoder, expected.attention.encoder)
