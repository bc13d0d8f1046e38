import json

import pytest
import torch
from safetensors.torch import load_file, save_file

from mnist_transformer import (
    CheckpointError,
    Classifier,
    load_classifier,
    load_model,
    load_transformer,
)
from mnist_transformer.checkpoint import read_metadata, save_model, write_atomically


@pytest.fixture
def saved(model, tmp_path):
    path = tmp_path / "model.safetensors"
    save_model(model, path, {"exact": 0.5})
    return path


def rewrite(path, change_tensors=None, change_metadata=None):
    """Save the file again with something changed."""
    from safetensors import safe_open

    tensors = load_file(path)
    with safe_open(path, framework="pt") as file:
        metadata = file.metadata()
    for change, thing in ((change_tensors, tensors), (change_metadata, metadata)):
        if change:
            change(thing)
    save_file(tensors, path, metadata)


def test_what_is_saved_is_loaded(model, saved, lines):
    loaded = load_transformer(saved)
    assert not loaded.training
    assert loaded.config == model.config
    with torch.no_grad():
        before, after = (m(lines[0], lines[1][:, :-1]) for m in (model, loaded))
        torch.testing.assert_close(before, after)
    assert read_metadata(saved) == {"exact": 0.5}


def test_a_missing_file_says_how_to_get_one(tmp_path):
    with pytest.raises(FileNotFoundError, match="mnist_transformer train"):
        load_transformer(tmp_path / "none.safetensors")


@pytest.mark.parametrize("keep", [0, 5, 100, 0.5, 0.999])
def test_a_truncated_file_is_called_damaged(saved, keep):
    data = saved.read_bytes()
    saved.write_bytes(data[: keep if isinstance(keep, int) else int(len(data) * keep)])
    with pytest.raises(CheckpointError, match="damaged"):
        load_transformer(saved)


def test_another_kind_of_file_is_called_damaged(tmp_path):
    path = tmp_path / "model.safetensors"
    path.write_text("these are no weights")
    with pytest.raises(CheckpointError, match="damaged or no safetensors"):
        load_transformer(path)


def test_another_programs_weights_are_called_foreign(tmp_path):
    path = tmp_path / "foreign.safetensors"
    save_file({"weight": torch.zeros(3)}, path)
    for load in (load_transformer, load_classifier, load_model):
        with pytest.raises(CheckpointError, match="weights of another program"):
            load(path)


def test_a_classifier_is_no_transformer(tmp_path, saved):
    path = tmp_path / "classifier.safetensors"
    save_model(Classifier(), path)
    with pytest.raises(CheckpointError, match="holds classifier, not a transformer"):
        load_transformer(path)
    with pytest.raises(CheckpointError, match="holds transformer, not a classifier"):
        load_classifier(saved)


def test_either_model_is_loaded_as_what_it_is(tmp_path, saved, model):
    path = tmp_path / "classifier.safetensors"
    save_model(Classifier(), path)
    assert type(load_model(path)) is Classifier
    assert type(load_model(saved)) is type(model)


def test_a_kind_of_model_made_from_another_is_saved_as_that(tmp_path, model):
    class Variant(type(model)):
        pass

    save_model(Variant(model.config), tmp_path / "variant.safetensors")
    assert load_transformer(tmp_path / "variant.safetensors").config == model.config


@pytest.mark.parametrize("change", [{"canvas_width": 8 * 2**50}, {"max_digits": 2**60}])
def test_a_config_that_claims_more_places_than_there_are_weights_is_refused(saved, model, change):
    config = json.dumps(model.config.to_dict() | change)
    rewrite(saved, change_metadata=lambda metadata: metadata.update(config=config))
    with pytest.raises(CheckpointError, match="more positions"):
        load_transformer(saved)


def test_weights_of_another_shape_are_a_mismatch(saved):
    rewrite(saved, lambda tensors: tensors.update({"decoder.to_logits.bias": torch.zeros(3)}))
    with pytest.raises(CheckpointError, match=r"(?s)do not match.*decoder\.to_logits\.bias"):
        load_transformer(saved)


def test_missing_weights_are_a_mismatch(saved):
    rewrite(saved, lambda tensors: tensors.pop("encoder.norm.weight"))
    with pytest.raises(CheckpointError, match=r"(?s)do not match.*encoder\.norm\.weight"):
        load_transformer(saved)


@pytest.mark.parametrize("config", ["{", '{"depth": 3}', json.dumps({"canvas_width": 100}), "[]"])
def test_a_config_that_cannot_be_built_is_said_so(saved, config):
    rewrite(saved, change_metadata=lambda metadata: metadata.update(config=config))
    with pytest.raises(CheckpointError, match="describes no model"):
        load_transformer(saved)


def test_weights_that_are_not_finite_are_refused(saved):
    rewrite(saved, lambda tensors: tensors["encoder.norm.weight"].fill_(torch.nan))
    with pytest.raises(CheckpointError, match=r"NaN or infinite.*encoder\.norm\.weight"):
        load_transformer(saved)


def test_a_failed_write_leaves_the_old_file(tmp_path, monkeypatch):
    path = tmp_path / "file"
    write_atomically(path, b"old")

    def fail(descriptor):
        raise OSError("disk full")

    monkeypatch.setattr("os.fsync", fail)
    with pytest.raises(OSError, match="disk full"):
        write_atomically(path, b"new and longer")
    assert path.read_bytes() == b"old"
    assert list(tmp_path.iterdir()) == [path]
