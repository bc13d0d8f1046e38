import pytest
import torch
from scipy import ndimage

from mnist_transformer import Config, Transformer, load_transformer
from mnist_transformer.explain.interventions import Head, all_heads
from mnist_transformer.explain.relevance import (
    inside_head,
    mean_cross_attention,
    relevance,
    rollout,
)
from tests import ROOT


def test_rollout_hands_all_attention_on(reading):
    for weights in (mean_cross_attention(reading), rollout(reading)):
        assert weights.shape == (reading.steps, 48)
        torch.testing.assert_close(weights.sum(-1), torch.ones(reading.steps))


def test_rollout_through_an_encoder_that_mixes_nothing_is_the_attention_itself(reading):
    reading.attention.encoder[:] = torch.eye(48)
    torch.testing.assert_close(rollout(reading), mean_cross_attention(reading))


def test_relevance_follows_the_gradient(model, reading):
    found = relevance(model, reading)
    assert found.shape == (reading.steps, 48)
    assert (found >= 0).all() and (found.sum(-1) > 0).all()
    assert all(parameter.grad is None for parameter in model.parameters())


def test_nothing_is_relevant_to_a_choice_that_never_changes(model, reading):
    with torch.no_grad():
        model.decoder.to_logits.weight.zero_()
    assert relevance(model, reading).max() == 0


@pytest.mark.parametrize("example", ["1704", "2026", "314159", "8675309", "99"])
def test_each_step_points_at_the_digit_that_it_names(example):
    """Of the shipped model: raw attention peaks on the step's digit, relevance there or beside it.

    Rollout, which leaves out what the values are, peaks there for most steps.
    """
    model = load_transformer()
    reading = model.read(ROOT / "demo" / "examples" / f"{example}.png", attention=True)
    assert reading.digits == example
    marks, count = ndimage.label(reading.canvas.numpy() > 0.2, structure=[[1] * 3] * 3)
    assert count == len(example)
    digits = sorted((box[1].start, box[1].stop) for box in ndimage.find_objects(marks))
    patch = model.config.patch_size

    def on_the_digit(weights, beside=0):
        """Whether each digit's step peaks on it, or at most `beside` pixels from it."""
        columns = weights.unflatten(1, reading.maps.grid).sum(1)
        peaks = (patch * columns.argmax(1)).tolist()
        return [  # the last step names no digit
            peak < right + beside and peak + patch > left - beside
            for peak, (left, right) in zip(peaks, digits, strict=False)
        ]

    assert all(on_the_digit(mean_cross_attention(reading)))
    assert all(on_the_digit(relevance(model, reading), beside=patch))
    assert sum(on_the_digit(rollout(reading))) >= len(digits) / 2


@pytest.mark.parametrize("norm_first", [True, False])
def test_every_head_of_any_layer_is_taken_apart_as_it_worked(norm_first):
    torch.manual_seed(0)
    model = Transformer(Config(norm_first=norm_first)).eval()
    reading = model.read_canvases(torch.rand(1, 32, 224), attention=True)[0]
    heads = all_heads(model.config)
    assert len(heads) == 28
    for head in heads:
        weights = getattr(reading.maps, head.attention)[head.layer, head.head]
        query = len(weights) - 1
        inside = inside_head(model, reading, head, query, 0)
        # By the formula, of all keys that the query sees, and at the one that was asked for.
        torch.testing.assert_close(inside.scores.softmax(0), weights[query, : len(inside.scores)])
        assert inside.weight == pytest.approx(float(weights[query, 0]), abs=1e-5)
        assert inside.score == pytest.approx(float(inside.query @ inside.key) / 4, abs=1e-4)


def test_the_numbers_inside_a_head_are_the_models_own(model, reading):
    for head in all_heads(model.config):
        weights = getattr(reading.attention, head.attention)[head.layer, head.head]
        query = min(2, len(weights) - 1)
        for key in (0, query):
            inside = inside_head(model, reading, head, query, key)
            assert inside.weight == pytest.approx(float(weights[query, key]), abs=1e-5)
            assert inside.score == pytest.approx(float(inside.products.sum()) / 8**0.5, abs=1e-4)
            torch.testing.assert_close(inside.products, inside.query * inside.key)
            assert inside.value.shape == (8,)


@pytest.mark.parametrize(
    ("head", "query", "key"),
    [
        (Head("encoder", 4, 0), 0, 0),
        (Head("cross", 0, 9), 0, 0),
        (Head("decoder", 0, 0), 0, 1),
        (Head("cross", 0, 0), 0, 48),
        (Head("cross", 0, 0), 99, 0),
    ],
)
def test_what_is_not_there_is_refused(model, reading, head, query, key):
    with pytest.raises(ValueError, match="has no|does not see"):
        inside_head(model, reading, head, query, key)
