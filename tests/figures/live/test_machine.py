"""The strip's data: the machine in small, with the library's own numbers."""

import json

import numpy as np
import pytest
import torch

from mnist_transformer import load_transformer
from mnist_transformer.config import START
from mnist_transformer.explain.heads import all_heads
from mnist_transformer.explain.lens import lens
from mnist_transformer.explain.trace import trace
from mnist_transformer.figures.live import machine_data, stage_data
from mnist_transformer.figures.live.parts import machine_parts
from tests import ROOT
from tests.figures.live.test_stage import unpack


@pytest.fixture(scope="module")
def model():
    return load_transformer()


@pytest.fixture(scope="module")
def example(model):
    """The longest example, what passed through the model for it, and the lens."""
    reading = model.read(ROOT / "demo" / "examples" / "8675309.png", attention=True)
    passed = trace(model, reading)
    return reading, passed, lens(model, passed).distributions


@pytest.fixture(scope="module")
def strip(example):
    """What the browser is given."""
    return json.loads(json.dumps(machine_data(*example)))


def part(strip, name):
    return next(part for part in strip["parts"] if part["name"] == name)


def test_the_parts_are_the_models_in_the_order_in_which_a_drawing_passes_them(model, strip):
    encoder = [f"encoder {n + 1}" for n in range(model.config.encoder_layers)]
    decoder = [
        f"decoder {n + 1} {kind}"
        for n in range(model.config.decoder_layers)
        for kind in ("self", "cross", "mlp")
    ]
    assert [part["name"] for part in strip["parts"]] == [
        *("drawing", "patches", "stem"),
        *(*encoder, "memory"),
        *("token", *decoder, "answer"),
    ]
    assert all(part["sentence"].endswith(".") for part in strip["parts"])


def test_heads_are_named_as_the_library_names_them(model, example):
    named = [name for part in machine_parts(example[1]) for name in part.heads(4)]
    assert sorted(named) == sorted(head.name for head in all_heads(model.config))


def test_every_map_is_the_librarys(example, strip):
    reading, passed, _ = example
    maps = reading.maps
    for layer in range(len(maps.encoder)):
        shown = unpack(part(strip, f"encoder {layer + 1}")["maps"])
        assert np.allclose(shown, maps.encoder[layer].mean(1), atol=2e-3)
    for layer in range(len(maps.cross)):
        for kind, own in (("cross", maps.cross), ("self", maps.decoder)):
            shown = unpack(part(strip, f"decoder {layer + 1} {kind}")["maps"])
            assert np.allclose(shown, own[layer], atol=2e-3)
        hidden = passed.decoder[layer].mlp.hidden.clamp(min=0)
        shown = unpack(part(strip, f"decoder {layer + 1} mlp")["maps"])
        assert np.allclose(shown, hidden, atol=float(hidden.max()) / 500)


def test_what_a_part_adds_is_said_beside_what_was_there(example, strip):
    _, passed, _ = example
    for number, layer in enumerate(passed.encoder, 1):
        change = (layer.mlp.after - layer.attention.before).norm(dim=1)
        change /= layer.attention.before.norm(dim=1)
        shown = part(strip, f"encoder {number}")
        assert shown["change"] == pytest.approx(change.tolist(), rel=1e-3)
        fires = (layer.mlp.hidden > 0).float().mean(1)
        assert shown["firing"] == pytest.approx(fires.tolist(), rel=1e-3)
    for number, layer in enumerate(passed.decoder, 1):
        parts = {"self": layer.self_attention, "cross": layer.cross_attention, "mlp": layer.mlp}
        for kind, own in parts.items():
            change = own.added.norm(dim=1) / own.before.norm(dim=1)
            shown = part(strip, f"decoder {number} {kind}")
            assert shown["change"] == pytest.approx(change.tolist(), rel=1e-3)
            assert shown["size"] == pytest.approx(own.after.norm(dim=1).tolist(), rel=1e-3)


def test_the_answers_on_the_way_end_with_the_readings_own(example, strip):
    reading, _, answers = example
    assert list(strip["lens"])[0] == "token" and list(strip["lens"])[-1] == "decoder 2 mlp"
    assert np.allclose(list(strip["lens"].values()), answers, atol=1e-4)
    assert np.allclose(strip["lens"]["decoder 2 mlp"], reading.distributions, atol=1e-4)
    assert np.allclose(strip["probabilities"], reading.distributions, atol=1e-4)


def test_the_crop_holds_all_ink_and_a_column_of_paper_on_each_side(example, strip):
    reading = example[0]
    first, end = strip["crop"]
    inked = (reading.canvas.unflatten(1, (28, 8)).amax((0, 2)) > 0.1).nonzero().flatten().tolist()
    assert first == max(inked[0] - 1, 0) and end == min(inked[-1] + 2, 28)


def test_stage_and_strip_together_are_small(example, strip):
    compact = {"separators": (",", ":")}
    size = len(json.dumps(strip, **compact))
    assert size < 120_000
    assert size + len(json.dumps(stage_data(example[0]), **compact)) < 200_000


def test_an_empty_sheet_has_the_parts_and_nothing_in_them(model):
    blank = model.read(np.full((20, 20), 255, np.uint8), attention=True)
    passed = trace(model, blank.canvas, [START])
    data = json.loads(json.dumps(machine_data(blank, passed)))
    assert len(data["parts"]) == len(machine_parts(passed))
    assert data["steps"] == [] and data["lens"] == {}
    assert not any(set(part) & {"maps", "change", "size"} for part in data["parts"])


def test_a_layer_that_is_off_takes_its_heads_and_its_parts_with_it(example):
    off = machine_data(*example, off=["decoder 1", "encoder 3, head 2"])["off"]
    assert {"decoder 1 self", "decoder 1 cross", "decoder 1 mlp"} <= set(off)
    assert {"self 1, head 4", "cross 1, head 1", "encoder 3, head 2"} <= set(off)
    assert not {"encoder 3", "encoder 3, head 1", "cross 2, head 1"} & set(off)


def test_a_model_without_a_stem_of_convolutions_has_a_strip_too(model):
    from mnist_transformer import Transformer
    from mnist_transformer.config import Config

    torch.manual_seed(0)
    small = Transformer(Config(stem_channels=(), encoder_layers=1, decoder_layers=1)).eval()
    reading = small.read(ROOT / "demo" / "examples" / "99.png", attention=True)
    data = machine_data(reading, trace(small, reading))
    assert part(data, "stem")["maps"] == []
    assert part(data, "stem")["sentence"].startswith("The pixels")
