import dataclasses
import inspect
import os
import subprocess
import sys
import textwrap

import pytest
import torch

from mnist_transformer import load_transformer, train_single_digit_classifier, train_transformer
from mnist_transformer.checkpoint import read_metadata
from mnist_transformer.dataset import embedded_digits
from mnist_transformer.train import SHIPPED_CLASSIFIER, SHIPPED_TRANSFORMER, TrainingError
from tests import ROOT


@pytest.fixture
def settings(digits, small_config):
    """A run of 16 steps in two epochs."""
    return dict(
        epochs=2,
        batch_size=8,
        config=dataclasses.replace(small_config, dropout=0.1),
        ctc_weight=0.5,
        curriculum=0.5,
        warmup_steps=3,
        samples_per_epoch=64,
        digits=digits,
        validation=embedded_digits("validation"),
        interval=4,
        progress_bar=False,
    )


def same_weights(a, b):
    a, b = a.state_dict(), b.state_dict()
    return all(torch.equal(a[name], b[name]) for name in a)


def test_the_public_signatures():
    for train, epochs in ((train_transformer, 30), (train_single_digit_classifier, 10)):
        parameters = inspect.signature(train).parameters
        defaults = {name: parameters[name].default for name in ("epochs", "batch_size", "lr")}
        assert defaults == {"epochs": epochs, "batch_size": 32, "lr": 0.001}


def test_the_shipped_recipes_are_arguments_of_the_public_functions():
    inspect.signature(train_transformer).bind(**SHIPPED_TRANSFORMER)
    inspect.signature(train_single_digit_classifier).bind(**SHIPPED_CLASSIFIER)


def test_a_run_reports_and_validates(settings):
    reports = []
    result = train_transformer(
        **settings, on_progress=lambda progress, model: reports.append(progress)
    )
    assert reports == result.history
    assert [p.step for p in reports] == [4, 8, 12, 16]
    assert [p.validation_accuracy is not None for p in reports] == [False, True, False, True]
    assert all(p.steps == 16 and 0 <= p.accuracy <= 1 for p in reports)
    assert reports[0].lr > 0 and reports[-1].lr < reports[1].lr
    assert result.finished and not result.model.training


def test_a_model_learns(digits, small_config):
    config = dataclasses.replace(small_config, max_digits=1, canvas_width=32)
    result = train_transformer(
        epochs=4,
        batch_size=32,
        lr=0.004,
        config=config,
        label_smoothing=0.0,
        samples_per_epoch=1600,
        digits=digits,
        validation=embedded_digits("validation"),
        progress_bar=False,
    )
    assert result.history[-1].loss < 0.7 * result.history[0].loss
    assert result.history[-1].validation_accuracy > 0.4  # a guess at digit and end would reach 0.1


def test_a_seed_reproduces_a_run(settings):
    first = train_transformer(**settings, seed=5).model
    assert same_weights(first, train_transformer(**settings, seed=5).model)
    assert not same_weights(first, train_transformer(**settings, seed=6).model)


def test_a_stopped_run_keeps_what_it_learned_and_goes_on(settings, tmp_path):
    path = tmp_path / "run.safetensors"
    steps = iter(range(100))
    stopped = train_transformer(**settings, checkpoint=path, stop=lambda: next(steps) == 5)
    assert not stopped.finished
    assert stopped.history[-1].step == 6
    assert same_weights(stopped.model, load_transformer(path))
    resumed = train_transformer(**settings, checkpoint=path)
    assert resumed.finished and resumed.history[-1].step == 16
    assert same_weights(resumed.model, train_transformer(**settings).model)
    assert [file.name for file in tmp_path.iterdir()] == ["run.safetensors"]
    log = read_metadata(path)["log"]
    assert [entry["epoch"] for entry in log] == [1.0, 2.0]


def test_a_killed_run_goes_on_from_its_last_interval(tmp_path):
    script = textwrap.dedent("""
        import os, sys
        from mnist_transformer import Config, train_transformer
        from mnist_transformer.dataset import embedded_digits

        def report(progress, model):
            print(progress.step, flush=True)
            if progress.step == int(sys.argv[2]):
                os.kill(os.getpid(), 9)

        config = Config(canvas_width=32, model_dim=16, mlp_dim=16, encoder_layers=1,
                        decoder_layers=1, max_digits=1)
        train_transformer(
            epochs=1, batch_size=4, config=config, samples_per_epoch=40, interval=3,
            digits=embedded_digits("train"), validation=embedded_digits("validation"),
            checkpoint=sys.argv[1], on_progress=report, progress_bar=False)
    """)

    def run(name, kill_at):
        return subprocess.run(
            [sys.executable, "-c", script, str(tmp_path / name), str(kill_at)],
            cwd=ROOT,
            env=os.environ | {"OMP_NUM_THREADS": "1"},
            capture_output=True,
            text=True,
        )

    killed = run("killed.safetensors", 6)
    assert killed.returncode == -9 and killed.stdout.split() == ["3", "6"]
    load_transformer(tmp_path / "killed.safetensors")  # whole, though the run is not
    resumed = run("killed.safetensors", 0)
    assert resumed.stdout.split() == ["9", "10"], resumed.stderr
    whole = run("whole.safetensors", 0)
    assert whole.returncode == 0, whole.stderr
    assert same_weights(
        load_transformer(tmp_path / "killed.safetensors"),
        load_transformer(tmp_path / "whole.safetensors"),
    )


def test_another_runs_checkpoint_is_not_continued(settings, tmp_path):
    path = tmp_path / "run.safetensors"
    train_transformer(**settings, checkpoint=path, stop=lambda: True)
    with pytest.raises(TrainingError, match="other settings"):
        train_transformer(**settings | {"lr": 0.5}, checkpoint=path)


def test_a_finished_model_is_not_overwritten(settings, tmp_path):
    path = tmp_path / "run.safetensors"
    train_transformer(**settings, checkpoint=path)
    before = path.read_bytes()
    with pytest.raises(TrainingError, match="finished model"):
        train_transformer(**settings, checkpoint=path)
    assert path.read_bytes() == before


def test_a_loss_that_is_no_number_is_reported_and_not_saved(settings, tmp_path):
    path = tmp_path / "run.safetensors"

    def spoil(progress, model):
        if progress.step == 8:
            with torch.no_grad():
                model.decoder.to_logits.weight.fill_(torch.nan)

    with pytest.raises(TrainingError, match="step 9.*lower learning rate"):
        train_transformer(**settings, checkpoint=path, on_progress=spoil)
    assert all(p.isfinite().all() for p in load_transformer(path).parameters())


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"epochs": 0}, "epochs"),
        ({"batch_size": 0}, "batch_size"),
        ({"batch_size": 1.5}, "batch_size"),
        ({"lr": 0.0}, "lr"),
        ({"lr": float("nan")}, "lr"),
        ({"curriculum": 2}, "curriculum"),
        ({"augmentation": -1}, "augmentation"),
        ({"warmup_steps": -1}, "warmup_steps"),
        ({"interval": 0}, "interval"),
    ],
)
def test_settings_out_of_range_are_refused(settings, change, message):
    with pytest.raises(ValueError, match=message):
        train_transformer(**settings | change)


def test_the_classifier_trains(digits, small_config):
    result = train_single_digit_classifier(
        epochs=2,
        batch_size=32,
        lr=0.004,
        config=dataclasses.replace(small_config, max_digits=1, canvas_width=32),
        samples_per_epoch=3200,
        digits=digits,
        validation=embedded_digits("validation"),
        progress_bar=False,
    )
    assert result.history[-1].loss < result.history[0].loss
    assert result.history[-1].validation_accuracy > 0.3
