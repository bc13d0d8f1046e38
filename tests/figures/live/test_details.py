"""What an opened part shows: the browser is given the library's own numbers."""

import base64
import json

import numpy as np
import pytest
import torch

from mnist_transformer import load_transformer
from mnist_transformer.explain.lens import lens
from mnist_transformer.explain.trace import trace
from mnist_transformer.figures.live import machine_data, part_data
from mnist_transformer.figures.live.packing import pack_numbers
from tests import ROOT
from tests.figures.live.test_stage import unpack


@pytest.fixture(scope="module")
def example():
    model = load_transformer()
    reading = model.read(ROOT / "demo" / "examples" / "314159.png", attention=True)
    passed = trace(model, reading)
    return reading, passed, lens(model, passed).distributions


def unpack_numbers(packed):
    """What paint.js makes of it."""
    kind = {8: np.int8, 16: np.int16}[packed["bits"]]
    numbers = np.frombuffer(base64.b64decode(packed["words"]), dtype=kind).astype(float)
    return (numbers * packed["scale"]).reshape(packed["shape"])


def opened(example, name, **more):
    return json.loads(json.dumps(part_data(name, *example, **more)))


def section(data, view):
    return next(section for section in data["sections"] if section["view"] == view)


def test_packed_numbers_keep_their_signs_and_their_zeros():
    numbers = torch.randn(3, 40, generator=torch.Generator().manual_seed(0)) ** 3
    numbers[1, 5] = 0
    for bits, share in ((16, 60_000), (8, 250)):
        back = unpack_numbers(pack_numbers(numbers, bits))
        assert np.abs(back - numbers.numpy()).max() <= float(numbers.abs().max()) / share
        assert back[1, 5] == 0
    assert (unpack_numbers(pack_numbers(torch.zeros(2, 3))) == 0).all()


def test_every_part_of_the_strip_opens(example):
    for part in machine_data(*example)["parts"]:
        data = opened(example, part["name"])
        assert data["part"]["sentence"] == part["sentence"]
        assert data["sections"]


@pytest.mark.parametrize("name", ["encoder 2", "decoder 1 self", "decoder 2 cross"])
def test_the_weights_follow_from_the_queries_and_keys_that_are_sent(example, name):
    _, passed, _ = example
    own = {
        "encoder 2": passed.encoder[1].attention,
        "decoder 1 self": passed.decoder[0].self_attention,
        "decoder 2 cross": passed.decoder[1].cross_attention,
    }[name]
    shown = section(opened(example, name), "attention")
    query, key, value = (unpack_numbers(shown[n]) for n in ("query", "key", "value"))
    scores = torch.tensor(query @ key.transpose(0, 2, 1) / np.sqrt(query.shape[-1]))
    if shown["over"] == "token":
        scores = scores.masked_fill(~torch.ones_like(scores).tril().bool(), -torch.inf)
    weights = scores.softmax(-1).float()
    torch.testing.assert_close(weights, own.weights, atol=2e-3, rtol=2e-3)
    gathered = weights @ torch.tensor(value).float()
    torch.testing.assert_close(gathered, own.gathered, atol=2e-2, rtol=2e-2)


def test_the_stream_is_what_was_there_what_is_added_and_what_goes_on(example):
    _, passed, _ = example
    layer = passed.encoder[0]
    shown = section(opened(example, "encoder 1"), "stream")
    own = [layer.attention.before, layer.attention.added, layer.attention.after]
    own += [layer.mlp.added, layer.mlp.after]
    assert len(shown["names"]) == len(own)
    for sizes, vectors, stream in zip(shown["sizes"], shown["vectors"], own, strict=True):
        assert sizes == pytest.approx(stream.norm(dim=1).tolist(), abs=1e-3)
        close = float(stream.abs().max()) / 250
        assert np.abs(unpack_numbers(vectors) - stream.numpy()).max() <= close


def test_neurons_logits_and_the_lens_are_the_models(example):
    reading, passed, answers = example
    hidden = section(opened(example, "decoder 2 mlp"), "neurons")["hidden"]
    own = passed.decoder[1].mlp.hidden
    assert np.allclose(unpack_numbers(hidden), own, atol=float(own.abs().max()) / 60_000)
    data = opened(example, "answer")
    assert np.allclose(section(data, "outcomes")["logits"], passed.logits)
    shown = section(data, "lens")
    assert np.allclose(shown["answers"], answers, atol=1e-5)
    assert shown["here"] == "answer" and shown["names"][-1] == "MLP 2"
    assert data["probabilities"] == pytest.approx(reading.distributions.numpy().round(4), abs=1e-4)


def test_the_filters_of_the_stem_are_cut_like_the_drawing(example):
    _, passed, _ = example
    data = opened(example, "stem")
    first, end = data["crop"]
    for stage, shown in zip(passed.stages, section(data, "filters")["stages"], strict=True):
        width = stage.shape[2] // 28
        own = stage[:, :, first * width : end * width]
        assert shown["size"] == list(own.shape[1:])
        close = own.flatten(1).amax(1, keepdim=True).numpy() / 500 + 1e-6
        assert (np.abs(unpack(shown["maps"]) - own.flatten(1).numpy()) <= close).all()


def test_patches_and_their_places_add_up_to_what_the_encoder_is_given(example):
    shown = section(opened(example, "stem"), "vectors")
    patch, place, together = (unpack_numbers(vectors) for vectors in shown["vectors"])
    assert np.abs(patch + place - together).max() < 3 * np.abs(together).max() / 250


def test_what_decided_is_shown_with_the_answer_alone(example):
    used = {"Raw": torch.rand(7, 112), "Other": torch.rand(7, 112)}
    shown = section(opened(example, "answer", used=used), "decided")
    assert shown["names"] == ["Raw", "Other"]
    assert np.allclose(unpack(shown["maps"]), torch.stack(list(used.values())), atol=2e-3)
    views = [s["view"] for s in opened(example, "memory", used=used)["sections"]]
    assert "decided" not in views


def test_no_other_part_and_no_empty_sheet_is_opened(example):
    with pytest.raises(ValueError, match="there is no part 'decoder 9 mlp': choose one of"):
        part_data("decoder 9 mlp", *example)
    blank = load_transformer().read(np.full((20, 20), 255, np.uint8), attention=True)
    with pytest.raises(ValueError, match="nothing is drawn"):
        part_data("answer", blank, example[1])
