import dataclasses
import inspect
import sys
import types
from contextlib import contextmanager

import pytest
import torch

from mnist_transformer import Classifier, Config
from mnist_transformer.config import CLASSIFIER_CONFIG, END, LOOKS, START, TRANSFORMER_CONFIG
from mnist_transformer.ink import looks
from mnist_transformer.transformer import Transformer


def uncached_reading(model, canvas):
    """Greedy decoding without any cache: everything anew at every step."""
    tokens, distributions = [START], []
    with torch.no_grad():
        for _ in range(model.config.max_steps):
            logits = model(canvas[None], torch.tensor([tokens]))
            distributions.append(logits[0, -1].softmax(-1))
            tokens.append(int(distributions[-1].argmax()))
            if tokens[-1] == END:
                break
    return torch.stack(distributions)


def test_shapes(model, lines):
    canvases, tokens = lines
    assert model.encoder(canvases).shape == (8, 48, 32)
    assert model(canvases, tokens[:, :-1]).shape == (8, 4, 11)
    classifier = Classifier().eval()
    assert classifier(torch.zeros(2, 32, 32)).shape == (2, 10)


def test_only_what_is_not_sure_is_looked_at_again(model, lines, batch_sizes):
    canvases = lines[0]
    alone = model.read_canvases(canvases)
    bound = sorted(reading.certainty for reading in alone)[3]
    unsure = [reading.certainty < bound for reading in alone]
    batch_sizes.clear()
    found = model.read_looks(canvases, sure=bound)
    assert [len(readings) for readings in found] == [LOOKS if n else 1 for n in unsure]
    assert batch_sizes == [len(canvases), (LOOKS - 1) * sum(unsure)]
    for canvas, reading, readings in zip(canvases, alone, found, strict=True):
        assert readings[0].digits == reading.digits
        for look, again in zip(looks(canvas), readings, strict=False):
            torch.testing.assert_close(again.canvas, look)
    batch_sizes.clear()
    assert all(len(readings) == LOOKS for readings in model.read_looks(canvases, sure=2))
    assert max(batch_sizes) == len(canvases)  # however many are not sure


def test_defaults_are_the_documented_ones():
    config = TRANSFORMER_CONFIG
    assert (config.model_dim, config.num_heads, config.dropout) == (64, 4, 0.1)
    assert (CLASSIFIER_CONFIG.model_dim, CLASSIFIER_CONFIG.encoder_layers) == (
        config.model_dim,
        config.encoder_layers,
    )
    assert sum(p.numel() for p in Transformer().parameters()) < 1_000_000


def test_later_tokens_do_not_change_earlier_logits(model, lines):
    canvases, tokens = lines
    changed = tokens[:, :-1].clone()
    changed[:, 2] = (changed[:, 2] + 1) % 10
    with torch.no_grad():
        before, after = model(canvases, tokens[:, :-1]), model(canvases, changed)
    torch.testing.assert_close(before[:, :2], after[:, :2])
    assert not torch.allclose(before[:, 2], after[:, 2])


def test_cached_decoding_equals_uncached(model, lines):
    for canvas in lines[0]:
        expected = uncached_reading(model, canvas)
        reading = model.read_canvases(canvas[None])[0]
        shown = expected[: reading.steps]
        torch.testing.assert_close(reading.distributions, shown, atol=1e-5, rtol=1e-4)


def test_a_batch_reads_as_its_lines_do_alone(model, lines):
    together = model.read_canvases(lines[0], attention=True)
    for canvas, reading in zip(lines[0], together, strict=True):
        alone = model.read_canvases(canvas[None], attention=True)[0]
        assert alone.digits == reading.digits
        torch.testing.assert_close(alone.attention.cross, reading.attention.cross)
        torch.testing.assert_close(alone.attention.decoder, reading.attention.decoder)


def test_a_batch_encoded_in_parts_reads_as_in_one(model, lines):
    canvases = lines[0]
    whole = model.read_canvases(canvases)
    with encoded_at_once(model) as sizes:
        parts = model.read_canvases(canvases, encoded=len(canvases) // 2 + 1)
    assert sizes == [len(canvases) // 2 + 1, (len(canvases) - 1) // 2]
    for expected, reading in zip(whole, parts, strict=True):
        assert reading.digits == expected.digits and reading.unread == expected.unread
        torch.testing.assert_close(reading.distributions, expected.distributions)
    with encoded_at_once(model) as sizes:
        mapped = model.read_canvases(canvases, attention=True, encoded=2)
    assert sizes == [len(canvases)] and mapped[-1].maps.encoder.shape[-1] == 48
    with pytest.raises(ValueError, match="encoded must be at least 1, not 0"):
        model.read_canvases(canvases, encoded=0)


def test_looks_are_encoded_as_many_at_once_as_the_cores_hold(model, lines, monkeypatch):
    monkeypatch.setattr("mnist_transformer.transformer.ENCODED", 3)
    monkeypatch.setattr(torch, "get_num_threads", lambda: 2)
    canvases = torch.cat([lines[0], torch.zeros(1, 32, 96), lines[0]])
    with encoded_at_once(model) as sizes:
        found = model.read_looks(canvases, sure=0.0)
    assert sizes == [6, 6, 4] and [of[0].digits for of in found][8] == ""
    alone = [of[0].digits for of in model.read_looks(lines[0], sure=0.0)]
    assert [of[0].digits for of in found] == [*alone, "", *alone]


@contextmanager
def encoded_at_once(model):
    """How many canvases the encoder is given at a time."""
    sizes = []
    hook = model.encoder.register_forward_pre_hook(lambda _, given: sizes.append(len(given[0])))
    try:
        yield sizes
    finally:
        hook.remove()


def test_a_reading_fits_together(model, lines):
    for reading in model.read_canvases(lines[0], attention=True):
        count, steps = len(reading.digits), reading.steps
        assert steps == count + 1
        assert reading.truncated == (reading.distributions[-1].argmax() != END)
        assert len(reading.probabilities) == count
        chosen = reading.distributions.argmax(-1).tolist()
        assert reading.digits == "".join(map(str, chosen[:count]))
        for step, probability in enumerate(reading.probabilities):
            assert probability == pytest.approx(float(reading.distributions[step].max()))
        assert reading.end_probability == pytest.approx(float(reading.distributions[count, END]))
        torch.testing.assert_close(reading.distributions.sum(-1), torch.ones(steps))
        maps = reading.attention
        assert maps.encoder.shape == (1, 4, 48, 48)
        assert maps.decoder.shape == (2, 4, steps, steps)
        assert maps.cross.shape == (2, 4, steps, 48)
        for weights in (maps.encoder, maps.decoder, maps.cross):
            torch.testing.assert_close(weights.sum(-1), torch.ones(weights.shape[:-1]))
        assert (maps.decoder.triu(1) == 0).all()


def test_a_line_too_long_stops_at_the_longest_the_model_reads(model, lines):
    with torch.no_grad():
        model.decoder.to_logits.bias[:] = torch.eye(11)[7] * 100  # always "7", never the end
    reading = model.read_canvases(lines[0][:1])[0]
    assert reading.digits == "777"
    assert reading.end_probability < 0.01
    assert reading.truncated


def test_reading_in_training_mode_is_refused(model, lines):
    with pytest.raises(ValueError, match="model.eval"):
        model.train().read_canvases(lines[0])


def test_a_canvas_of_another_size_is_refused(model):
    with pytest.raises(ValueError, match="canvases must be"):
        model.read_canvases(torch.zeros(1, 32, 32))


def test_too_many_tokens_are_refused(model, lines):
    with pytest.raises(ValueError, match="takes 4 tokens"):
        model(lines[0], torch.zeros(8, 5, dtype=torch.long))


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"canvas_width": 100}, "cannot be cut"),
        ({"model_dim": 32, "num_heads": 3}, "cannot be shared"),
        ({"model_dim": 3, "num_heads": 1}, "model_dim must be at least 4, not 3"),
        ({"stem_depth": 0}, "stem_depth must be a whole number of at least 1, not 0"),
        ({"stem_channels": (8, 8, 0)}, "stem_channels must be a whole number of at least 1"),
        ({"text_rows": True}, "text_rows must be a whole number of at least 1, not True"),
        ({"norm_first": 1}, "norm_first must be true or false, not 1"),
        ({"position_init": "zeros"}, "position_init must be one of sinusoids, random, not 'zeros'"),
        ({"stem_channels": (8, 8)}, "patch_size is 8"),
        ({"dropout": 1.0}, "dropout"),
    ],
)
def test_a_config_that_does_not_fit_together_is_refused(change, message):
    with pytest.raises(ValueError, match=message):
        Config(**change)


@pytest.mark.parametrize("model_dim", [4, 5, 6, 7, 8, 36, 37])
def test_every_width_that_a_config_takes_can_be_built_and_read_with(model_dim):
    config = Config(canvas_width=32, model_dim=model_dim, mlp_dim=8, num_heads=1, max_digits=1)
    assert len(Transformer(config).eval().read_canvases(torch.rand(2, 32, 32))) == 2


def test_numbers_are_checked_however_annotations_are_kept(monkeypatch):
    module = types.ModuleType("config_with_late_annotations")
    monkeypatch.setitem(sys.modules, module.__name__, module)
    source = inspect.getsource(inspect.getmodule(Config))
    exec("from __future__ import annotations\n" + source, module.__dict__)
    assert module.Config().model_dim == 64
    with pytest.raises(ValueError, match="num_heads must be a whole number"):
        module.Config(num_heads=2.0)


@pytest.mark.parametrize("change", [{"position_init": "random"}, {"row_positions": False}])
def test_another_start_of_positions_is_another_model_of_the_same_names(change, small_config):
    other = Transformer(dataclasses.replace(small_config, **change))
    usual = Transformer(small_config)
    assert list(other.state_dict()) == list(usual.state_dict())
    place = "encoder.patches.row_position"
    assert not torch.equal(other.state_dict()[place], usual.state_dict()[place])
