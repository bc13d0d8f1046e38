import io
import json
import math

import numpy as np
import pytest
import torch

from mnist_transformer import Config, Transformer, load_transformer, make_lines
from mnist_transformer.config import END, START
from mnist_transformer.dataset import embedded_digits
from mnist_transformer.explain.activations import as_lists
from mnist_transformer.explain.attribution import attribute, follow
from mnist_transformer.explain.heads import Head, all_heads
from mnist_transformer.explain.interventions import Intervention, edited
from mnist_transformer.explain.trace import trace

EXACT = 1e-5


@pytest.fixture(scope="module")
def shipped():
    return load_transformer()


@pytest.fixture
def receipt(model, reading):
    return attribute(model, reading)


def of_heads(receipt, config):
    """Where on the receipt the lines of the cross-attention heads stand, in their order."""
    heads = (head for head in all_heads(config) if head.attention == "cross")
    return [receipt.names.index(head.name) for head in heads]


def test_on_200_lines_every_bill_of_every_step_adds_up(shipped):
    generator = torch.Generator().manual_seed(13)
    lines, _ = make_lines(embedded_digits("test"), 200, shipped.config, generator=generator)
    steps = 0
    for reading in shipped.read_canvases(lines):
        traced = trace(shipped, reading)
        receipt = attribute(shipped, traced)
        steps += reading.steps
        amounts, logits = receipt.amounts, traced.logits
        assert (amounts.sum(-1) - logits).abs().max() < EXACT
        # Of every pair of answers, as a bill has it: the sum of the parts' differences.
        gaps = (amounts.unsqueeze(2) - amounts.unsqueeze(1)).sum(-1)  # (steps, 11, 11)
        assert (gaps - (logits.unsqueeze(2) - logits.unsqueeze(1))).abs().max() < EXACT
        heads = receipt.patches.sum(-1).flatten(2)  # (steps, 11, layers * heads)
        assert (heads - amounts[..., of_heads(receipt, shipped.config)]).abs().max() < EXACT
    assert steps > 700


def test_a_heads_patches_and_tokens_and_an_mlps_neurons_sum_to_their_lines(shipped, reading):
    generator = torch.Generator().manual_seed(13)
    lines, _ = make_lines(embedded_digits("test"), 2, shipped.config, generator=generator)
    receipt = attribute(shipped, shipped.read_canvases(lines)[0])
    amounts = dict(zip(receipt.names, receipt.amounts.unbind(-1), strict=True))
    for layer in range(shipped.config.decoder_layers):
        for head in range(shipped.config.num_heads):
            for kind, split in (("cross", receipt.patches), ("self", receipt.tokens)):
                line = amounts[f"{kind} {layer + 1}, head {head + 1}"]
                assert (split[:, :, layer, head].sum(-1) - line).abs().max() < EXACT
        neurons = receipt.neurons[:, :, layer].sum(-1)
        assert (neurons - amounts[f"MLP {layer + 1}"]).abs().max() < EXACT


def test_every_part_of_the_decoder_is_on_the_bill_once_and_in_order(receipt):
    layer = [
        *(f"self 1, head {n}" for n in (1, 2, 3, 4)),
        "bias of self 1",
        *(f"cross 1, head {n}" for n in (1, 2, 3, 4)),
        "bias of cross 1",
        "MLP 1",
        "bias of MLP 1",
    ]
    assert receipt.names == [
        "token",
        "place",
        *layer,
        *(name.replace(" 1", " 2", 1) for name in layer),
        "bias of the last normalisation",
        "bias of the answer",
    ]


def test_a_line_is_what_its_part_added_seen_through_the_last_normalisation(model, reading):
    """By hand, from the vectors that were added and with the scale that the stream had."""
    traced, receipt = trace(model, reading), attribute(model, reading)
    scale = (traced.final.var(-1, correction=0) + model.decoder.norm.eps).sqrt()[:, None]
    cross = traced.decoder[1].cross_attention
    own = slice(16, 24)  # the third head's of 32 dimensions
    columns = model.decoder.layers[1].cross_attention.output.weight[:, own]
    hidden, contract = traced.decoder[0].mlp.hidden, model.decoder.layers[0].mlp.contract
    vectors = {
        "token": traced.token_vectors,
        "cross 2, head 3": cross.gathered[2] @ columns.T,
        "MLP 1": hidden @ contract.weight.T,
        "bias of MLP 1": contract.bias.expand_as(traced.final),
    }
    for name, vector in vectors.items():
        seen = (vector - vector.mean(-1, keepdim=True)) / scale * model.decoder.norm.weight
        expected = (seen @ model.decoder.to_logits.weight.T).detach()
        actual = receipt.amounts[..., receipt.names.index(name)]
        torch.testing.assert_close(actual, expected, atol=EXACT, rtol=1e-4, msg=name)


@pytest.mark.parametrize("change", [{"norm_first": False}, {"decoder_layers": 3}])
def test_every_shape_of_decoder_closes_its_bill(change):
    torch.manual_seed(1)
    small = {"canvas_width": 64, "model_dim": 16, "mlp_dim": 16, "max_digits": 2}
    model = Transformer(Config(**small | {"stem_channels": (4, 4, 8)} | change)).eval()
    for layer in model.decoder.layers:  # as after training: no norm is the plain one any more
        for norm in (layer.self_attention_norm, layer.cross_attention_norm, layer.mlp_norm):
            torch.nn.init.normal_(norm.weight, 1, 0.3)
            torch.nn.init.normal_(norm.bias)
    traced = trace(model, torch.rand(32, 64), [START, 7, 3])
    receipt = attribute(model, traced)
    assert (receipt.amounts.sum(-1) - traced.logits).abs().max() < EXACT
    assert receipt.amounts.abs().max() > 0.1


def test_a_changed_model_pays_as_changed(model, reading):
    silent = edited(model, Intervention(frozenset({Head("cross", 1, 2)})))
    again = silent.read_canvases(reading.canvas[None])[0]
    receipt = attribute(silent, again)
    assert (receipt.amounts[..., receipt.names.index("cross 2, head 3")] == 0).all()
    assert (receipt.amounts.sum(-1) - trace(silent, again).logits).abs().max() < EXACT


def test_a_bill_is_sorted_by_size_and_has_the_gap_as_its_total(receipt):
    bill = receipt.bill(1, 8, over=3)
    assert bill.total == pytest.approx(float(receipt.logits[1, 8] - receipt.logits[1, 3]))
    assert sum(line.amount for line in bill.lines) == pytest.approx(bill.total, abs=EXACT)
    sizes = [abs(line.amount) for line in bill.lines]
    assert sizes == sorted(sizes, reverse=True)
    assert {line.name for line in bill.lines} == set(receipt.names)
    heads = [line.amount for line in bill.lines if line.name.startswith("cross")]
    assert float(bill.per_patch.sum()) == pytest.approx(sum(heads), abs=EXACT)
    torch.testing.assert_close(bill.patches, receipt.patches[1, 8] - receipt.patches[1, 3])


def test_without_an_answer_the_bill_is_of_the_likeliest(receipt):
    assert receipt.bill(0).total == pytest.approx(float(receipt.logits[0].max()))


@pytest.mark.parametrize("over", [None, 3])
@pytest.mark.parametrize(
    ("head", "key"),
    [(Head("cross", 1, 2), 30), (Head("cross", 0, 0), 5), (Head("decoder", 1, 1), 1)],
)
def test_an_amount_leads_down_to_the_numbers_it_was_made_of(model, reading, head, key, over):
    traced, receipt = trace(model, reading), attribute(model, reading)
    line = follow(model, reading, head, 2, key, 8, over)
    bill = receipt.bill(2, 8, over)
    split = bill.patches if head.attention == "cross" else bill.tokens
    assert line.amount == pytest.approx(float(split[head.layer, head.head, key]), abs=1e-6)
    assert line.amount == pytest.approx(line.weight * float(line.value_products.sum()), abs=1e-6)
    assert line.score == pytest.approx(float(line.score_products.sum()) / math.sqrt(8), abs=1e-6)
    layer = traced.decoder[head.layer]
    part = layer.cross_attention if head.attention == "cross" else layer.self_attention
    seen = part.scores[head.head, 2] if head.attention == "cross" else part.scores[head.head, 2, :3]
    assert float(seen.softmax(-1)[key]) == pytest.approx(line.weight, abs=1e-6)
    assert line.score == pytest.approx(float(seen[key]), abs=1e-6)
    # And on to the vector that key and value come from.
    modules = {(kind, n): module for kind, n, module in model.attentions()}
    module = modules[head.attention, head.layer]
    own = head.dimensions(model.config)
    with torch.no_grad():
        torch.testing.assert_close(module.key(line.source)[own], line.key)
        torch.testing.assert_close(module.value(line.source)[own], line.value)


@pytest.mark.parametrize(
    ("step", "answer", "over", "message"),
    [
        (99, 1, None, "step must be 0 to"),
        (-1, 1, None, "step must be 0 to"),
        (0, 11, None, "0 to 9, or 10 for the end, not 11"),
        (0, 1, -1, "0 to 9, or 10 for the end, not -1"),
        (0, 4, 4, "not 4 against itself"),
    ],
)
def test_a_bill_of_what_is_not_there_is_refused(
    receipt, model, reading, step, answer, over, message
):
    with pytest.raises(ValueError, match=message):
        receipt.bill(step, answer, over)
    with pytest.raises(ValueError, match=message):
        follow(model, reading, Head("cross", 0, 0), step, 0, answer, over)


@pytest.mark.parametrize(
    ("head", "key", "message"),
    [
        (Head("encoder", 0, 0), 0, "the decoder has no"),
        (Head("cross", 2, 0), 0, "the decoder has no"),
        (Head("cross", 0, 4), 0, "the decoder has no"),
        (Head("cross", 0, 0), 48, "does not see a key 48: it has 0 to 47"),
        (Head("decoder", 0, 0), 2, "step 1 does not see a key 2: it has 0 to 1"),
    ],
)
def test_a_head_or_key_that_is_not_there_is_refused(model, reading, head, key, message):
    with pytest.raises(ValueError, match=message):
        follow(model, reading, head, 1, key, END)


def test_a_reading_is_saved_with_all_that_passed_and_all_that_was_paid(model, reading, receipt):
    file = io.BytesIO()
    reading.save_npz(file, trace(model, reading).arrays() | receipt.arrays())
    file.seek(0)
    with np.load(file) as saved:
        assert str(saved["digits"]) == reading.digits
        assert saved["cross"].shape == (2, 4, reading.steps, 48)
        assert saved["decoder.1.cross_attention.value"].shape == (4, 48, 8)
        assert saved["receipt.names"].tolist() == receipt.names
        total = saved["receipt.amounts"].sum(-1)
        assert np.abs(total - saved["logits"]).max() < EXACT
        assert saved["receipt.patches"].shape == (reading.steps, 11, 2, 4, 48)


def test_json_holds_all_that_passed_and_all_that_was_paid_to_the_last_bit(model, reading, receipt):
    arrays = trace(model, reading).arrays() | receipt.arrays()
    saved = json.loads(json.dumps(as_lists(arrays) | reading.to_dict()))
    assert saved["digits"] == reading.digits and "decoder.2.cross_attention.query" in saved
    assert set(saved) == set(arrays) | set(reading.to_dict())
    for name, array in arrays.items():
        assert np.array_equal(np.array(saved[name], array.dtype), array), name


def test_the_bills_go_into_json(receipt):
    (first, *_) = steps = json.loads(json.dumps(receipt.to_dict()))["steps"]
    assert len(steps) == len(receipt.logits)
    assert first["answer"] == int(receipt.logits[0].argmax())
    assert sum(first["lines"].values()) == pytest.approx(first["logit"], abs=EXACT)
    torch.testing.assert_close(torch.tensor(first["patches"]), receipt.bill(0).per_patch)


def test_a_blank_drawing_has_no_receipt(model):
    with pytest.raises(ValueError, match="nothing is drawn"):
        attribute(model, model.read_canvases(torch.zeros(1, 32, 96))[0])
