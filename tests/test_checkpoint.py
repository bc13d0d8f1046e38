import dataclasses
import json

import pytest
import torch
from safetensors.torch import load_file, save_file

from mnist_transformer import (
    CheckpointError,
    Classifier,
    Config,
    Transformer,
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


def test_a_model_of_another_architecture_loads_as_what_it_is(small_config, tmp_path, lines):
    torch.manual_seed(0)
    post_norm = Transformer(dataclasses.replace(small_config, norm_first=False)).eval()
    pre_norm = Transformer(small_config).eval()
    pre_norm.load_state_dict(
        post_norm.state_dict()
    )  # the names are the same: only the config tells
    save_model(post_norm, tmp_path / "model.safetensors")
    loaded = load_transformer(tmp_path / "model.safetensors")
    assert not loaded.config.norm_first
    with torch.no_grad():
        expected, other, logits = (
            m(lines[0], lines[1][:, :-1]) for m in (post_norm, pre_norm, loaded)
        )
    torch.testing.assert_close(logits, expected)
    assert not torch.allclose(logits, other, atol=0.01)


def test_a_config_of_the_first_version_means_what_it_meant(saved, model):
    def forget_newer_fields(metadata):
        config = json.loads(metadata["config"])
        for name in ("norm_first", "position_init", "row_positions"):
            del config[name]
        metadata["config"] = json.dumps(config)

    rewrite(saved, change_metadata=forget_newer_fields)
    assert load_transformer(saved).config == model.config
    assert Config().norm_first and Config().position_init == "sinusoids" and Config().row_positions


def test_a_file_of_the_first_version_loads(saved, model):
    old_names = {"mlp.expand": "mlp.layers.0", "mlp.contract": "mlp.layers.3"}
    old_names |= {"decoder.to_logits": "decoder.outcome"}

    def rename(tensors):
        for name in list(tensors):
            for new, old in old_names.items():
                if new in name:
                    tensors[name.replace(new, old)] = tensors.pop(name)

    rewrite(saved, rename, lambda metadata: metadata.update(facts=metadata.pop("metadata")))
    loaded = load_transformer(saved).state_dict()
    assert all(torch.equal(loaded[name], value) for name, value in model.state_dict().items())
    assert read_metadata(saved) == {"exact": 0.5}


def test_a_model_of_a_class_of_ones_own_is_saved_as_what_it_derives_from(small_config, tmp_path):
    class Mine(Transformer):
        pass

    save_model(Mine(small_config), tmp_path / "model.safetensors")
    assert type(load_transformer(tmp_path / "model.safetensors")) is Transformer


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


def test_models_of_one_shape_share_neither_weights_nor_hooks(saved, model):
    first, second = load_model(saved), load_model(saved)
    theirs = dict(second.named_modules())
    for name, module in first.named_modules():
        assert type(module) is type(theirs[name]) and module is not theirs[name]
        for held in (module._parameters, module._modules, module._forward_hooks):
            assert all(held is not other for other in vars(theirs[name]).values())
    with torch.no_grad():
        first.decoder.position.add_(1)
    assert torch.equal(second.decoder.position, model.decoder.position)
    first.register_forward_hook(lambda *_: None)
    assert not second._forward_hooks and not load_model(saved)._forward_hooks


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


@pytest.mark.parametrize("part", ["encoder_layers", "decoder_layers", "stem_depth"])
def test_a_config_that_claims_more_layers_than_there_are_weights_is_refused(saved, model, part):
    change = {part: 2**40, "stem_channels": [4, 8, 8]}
    config = json.dumps(model.config.to_dict() | change)
    rewrite(saved, change_metadata=lambda metadata: metadata.update(config=config))
    with pytest.raises(CheckpointError, match="more layers"):
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
