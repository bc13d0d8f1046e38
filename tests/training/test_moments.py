import dataclasses
import json
import os
import resource
import subprocess
import sys
import textwrap

import pytest
import torch

from mnist_transformer import Transformer, load_transformer
from mnist_transformer.checkpoint import read_metadata, save_model
from mnist_transformer.dataset import DigitSet, embedded_digits
from mnist_transformer.evals import evaluation_lines
from mnist_transformer.explain.heads import Head
from mnist_transformer.train import train
from mnist_transformer.training.forks import fork
from mnist_transformer.training.keeping import exact_steps, moment_steps
from mnist_transformer.training.loop import Trainer
from mnist_transformer.training.moments import MOST_BYTES, MomentError, Moments, Origin, thin_to
from mnist_transformer.training.presets import CLASSIFIER, SHIPPED_TRANSFORMER, SHORT_TRANSFORMER
from mnist_transformer.training.progress import RunRefusedError
from mnist_transformer.training.run_files import RunFiles, run_settings
from mnist_transformer.training.tasks import make_task
from tests import ROOT


@pytest.fixture(scope="module")
def recipe(small_config):
    """24 steps, with all that a state of training has: running mean, CTC, Muon and dropout."""
    return dataclasses.replace(
        SHIPPED_TRANSFORMER,
        epochs=3,
        batch_size=8,
        config=dataclasses.replace(small_config, dropout=0.1),
        curriculum=0.25,
        warmup_steps=3,
        samples_per_epoch=64,
        rerendered=0.0,
        synthetic=0.0,
        non_digits=0.0,
    )


@pytest.fixture(scope="module")
def options():
    return dict(
        digits=embedded_digits("train"),
        validation=embedded_digits("validation"),
        num_validation=10,
        progress_bar=False,
    )


@pytest.fixture(scope="module")
def run(recipe, options, tmp_path_factory):
    """A whole run with its moments, and what each model was when its moment was kept."""
    moments = Moments(tmp_path_factory.mktemp("run"), keep=8, exact=2)
    models = {}
    result = train(
        recipe,
        **options,
        report_every=1,
        moments=moments,
        on_progress=lambda progress, model: models.update({progress.step: clone(model)}),
    )
    return moments, models, result


def clone(model):
    copied = type(model)(model.config)
    copied.load_state_dict(model.state_dict())
    return copied.eval()


def same_weights(a, b):
    a, b = a.state_dict(), b.state_dict()
    return all(torch.equal(a[name], b[name]) for name in a)


@pytest.fixture
def thrown(run, tmp_path):
    """A copy of the run's moments that a test may spoil."""
    for file in run[0].folder.iterdir():
        (tmp_path / file.name).write_bytes(file.read_bytes())
    return Moments(tmp_path, keep=8, exact=2)


def test_moments_are_denser_where_most_is_learned():
    steps = sorted(moment_steps(900))
    gaps = [b - a for a, b in zip(steps, steps[1:], strict=False)]
    assert steps[0] == 0 and steps[-1] == 900 and 40 < len(steps) <= 50
    assert gaps == sorted(gaps) and gaps[-1] < 900 / 20
    assert exact_steps(900) <= set(steps) and max(exact_steps(900)) == 900


def test_a_run_keeps_its_first_moment_its_last_and_those_between(run):
    moments, _, result = run
    assert moments.steps == sorted(moment_steps(24, 8))
    assert [m.step for m in moments.numbers] == moments.steps
    first, last = moments.numbers[0], moments.numbers[-1]
    assert first.drawings == 0 and last.drawings == 24 * 8
    assert last.decoder_loss < first.decoder_loss and last.ctc_loss < first.ctc_loss
    assert all(0 <= m.lines_right <= m.tokens_right <= 1 for m in moments.numbers)
    assert result.finished


def test_moments_leave_the_run_as_it_would_have_been(run, recipe, options):
    assert same_weights(run[2].model, train(recipe, **options).model)


def test_a_moment_reads_the_same_digits_as_the_model_did(run, options):
    moments, models, _ = run
    canvases, _ = next(iter(evaluation_lines(options["validation"], moments.recipe.config, 50)))
    for step in moments.steps[1:]:
        then, now = (m.read_canvases(canvases) for m in (models[step], moments.model(step)))
        assert [r.digits for r in now] == [r.digits for r in then]
        for name, weights in moments.model(step).state_dict().items():
            original = models[step].state_dict()[name]
            torch.testing.assert_close(weights, original, rtol=2**-11, atol=2**-24)


def test_lines_right_are_those_that_greedy_decoding_reads(run, options):
    moments, models, result = run
    batches = evaluation_lines(options["validation"], moments.recipe.config, 64)
    canvases, tokens = next(iter(batches))
    read = [reading.digits for reading in result.model.read_canvases(canvases)]
    true = ["".join(str(int(t)) for t in row if t < 10) for row in tokens]
    right = sum(a == b for a, b in zip(true, read, strict=True)) / len(true)
    assert moments.numbers[-1].lines_right == pytest.approx(right)


def test_a_fork_that_changes_nothing_ends_as_its_run(run, options):
    moments, _, result = run
    assert 0 in moments.exact and 24 in moments.exact
    between = next(step for step in moments.steps if step not in moments.exact)
    for step in (moments.exact[1], between):
        again = fork(moments, step, **options)
        assert again.finished and same_weights(again.model, result.model)


def test_a_fork_of_a_fork_is_exact_and_knows_where_it_began(run, options, tmp_path):
    moments, *_ = run
    other = dataclasses.replace(moments.recipe, lr=0.004)
    digits = options["digits"]
    added = DigitSet.from_arrays(digits.images[:50], digits.labels[:50], "fifty digits")
    step = moments.steps[3]
    own = Moments(tmp_path / "fork", keep=5, exact=1)
    first = fork(moments, step, other, added=added, moments=own, **options)
    assert not same_weights(first.model, run[2].model)
    assert own.parent == Origin(moments.name, step) and own.recipe.lr == 0.004
    assert own.steps[0] == step and own.numbers[0].drawings == step * 8
    assert own.numbers[0].lr == moments.moment(step).lr > 0
    opened = Moments(tmp_path / "fork")
    assert opened.parent == own.parent and opened.numbers == own.numbers
    again = fork(opened, own.steps[2], **options)
    assert same_weights(again.model, first.model)


def test_a_fork_in_larger_batches_goes_on_where_it_was(run, options):
    moments, *_ = run
    step = moments.steps[-3]
    own = Moments(keep=4)
    larger = dataclasses.replace(moments.recipe, batch_size=16)
    result = fork(moments, step, larger, moments=own, **options)
    assert own.numbers[0].drawings == pytest.approx(step * 8, abs=8)
    assert own.numbers[-1].drawings == 24 * 8 and result.history[-1].steps == 12


def test_a_fork_does_without_a_head_and_positions(run, options):
    moments, *_ = run
    head = Head("cross", 0, 1)
    without = dataclasses.replace(moments.recipe, ablated_heads=(head,), ablated_positions=True)
    own = Moments(keep=4)
    trained = fork(moments, 0, without, moments=own, **options).model
    part = head.dimensions(trained.config)
    for model in (trained, own.model(own.steps[0]), own.model(own.steps[-1])):
        weights = model.decoder.layers[0].cross_attention.output.weight
        assert not weights[:, part].any() and weights.any()
        assert not model.decoder.position.any()
        assert not model.encoder.patches.column_position.any()
    assert own.recipe.ablated_heads == (head,)


def test_a_finished_run_goes_on_with_more_epochs(run, options):
    moments, *_ = run
    with pytest.raises(RunRefusedError, match="step 24 is the end of the run: ask for more than 3"):
        fork(moments, 24, **options)
    longer = fork(moments, 24, dataclasses.replace(moments.recipe, epochs=4), **options)
    assert longer.history[-1].step == longer.history[-1].steps == 32


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"seed": 1}, "a fork cannot change seed from 0 to 1"),
        ({"ctc_weight": 0.0}, "cannot switch ctc_weight on or off"),
        ({"ablated_heads": (Head("cross", 7, 0),)}, "has no cross 8, head 1"),
    ],
)
def test_a_fork_says_what_cannot_change(run, options, change, message):
    with pytest.raises(ValueError, match=message):
        fork(run[0], 0, dataclasses.replace(run[0].recipe, **change), **options)


def test_a_fork_is_refused_other_digits(run, options):
    digits = options["digits"]
    fewer = DigitSet.from_arrays(digits.images[:99], digits.labels[:99], "fewer")
    with pytest.raises(ValueError, match="fork it with the same digits, and add others"):
        fork(run[0], 0, **options | {"digits": fewer})


def test_a_fork_can_be_stopped_and_goes_on(run, options, tmp_path):
    moments, _, result = run
    path = tmp_path / "fork.safetensors"
    step = moments.exact[1]
    asked = iter([False, True])
    stopped = fork(moments, step, **options, checkpoint=path, stop=lambda: next(asked))
    assert not stopped.finished and stopped.history[-1].step == step + 2
    assert same_weights(fork(moments, step, **options, checkpoint=path).model, result.model)


def test_a_run_with_a_start_can_be_forked(recipe, options, model):
    config = dataclasses.replace(recipe.config, dropout=0.0)
    recipe = dataclasses.replace(recipe, config=config, ctc_weight=0.0, epochs=1)
    moments = Moments(keep=4, exact=1)
    result = train(recipe, start=model, moments=moments, **options)
    assert moments.exact[0] == 0
    assert same_weights(fork(moments, moments.steps[1], **options).model, result.model)


def test_a_classifier_has_moments(options):
    config = dataclasses.replace(CLASSIFIER.config, encoder_layers=1, stem_channels=(4, 4, 4))
    recipe = dataclasses.replace(CLASSIFIER, epochs=1, samples_per_epoch=128, config=config)
    moments = Moments(keep=3)
    result = train(recipe, moments=moments, **options)
    assert moments.numbers[-1].ctc_loss is None
    assert moments.model(4).config == result.model.config


def test_a_server_thins_its_runs_to_a_budget(run, tmp_path):
    runs = []
    for number in range(3):
        folder = tmp_path / str(number)
        folder.mkdir()
        for file in run[0].folder.iterdir():
            (folder / file.name).write_bytes(file.read_bytes())
        runs.append(Moments(folder))
    whole = runs[0].bytes
    assert thin_to(3 * whole, runs) == 3 * whole
    assert thin_to(2 * whole, runs) == sum(r.bytes for r in runs) <= 2 * whole
    assert max(r.bytes for r in runs) - min(r.bytes for r in runs) < whole / 2
    assert thin_to(0, runs) == sum(r.bytes for r in runs)
    for moments in runs:
        assert moments.steps == [0, 24] and moments.exact == [0, 24]
        moments.model(24)


def test_a_run_stays_within_its_bytes_and_keeps_its_first_moment_and_its_newest(
    run, recipe, options
):
    whole, *_ = run
    moments = Moments(keep=8, exact=2, most_bytes=whole.bytes // 2)
    result = train(recipe, moments=moments, **options)
    assert moments.bytes <= whole.bytes // 2
    assert moments.steps[0] == 0 and moments.steps[-1] == 24 and moments.exact == [0, 24]
    assert same_weights(fork(moments, moments.steps[-2], **options).model, result.model)


def test_fifty_moments_of_the_short_run_fit_with_their_exact_states(options):
    recipe = dataclasses.replace(SHORT_TRANSFORMER, batch_size=4, samples_per_epoch=4000)
    task = make_task(recipe, options["digits"], options["validation"], 10)
    trainer = Trainer(recipe, task, RunFiles(None, {}))
    trainer.step()
    moments = Moments()
    moments.begin(run_settings(recipe, options["digits"]), trainer.steps)
    moments.keep(trainer.moment(), trainer.model, trainer.state())
    exact = (moments.folder / "00000001.state").stat().st_size
    weights = moments.file(1).stat().st_size
    assert 50 * weights < 80_000_000
    assert 50 * weights + len(exact_steps(trainer.steps)) * exact < MOST_BYTES


def test_a_moment_file_is_a_model_of_its_own(run):
    moments, *_ = run
    model = load_transformer(moments.file(24))
    assert same_weights(model, moments.model(24))
    assert next(model.parameters()).dtype == torch.float32
    assert moments.model(24) is moments.model(24)


def test_there_is_no_other_moment(run):
    with pytest.raises(MomentError, match="no moment after step 23: the nearest is after step 24"):
        run[0].model(23)


def test_a_damaged_moment_is_told_and_the_others_stay(thrown, run, options):
    step = thrown.steps[4]
    file = thrown.file(step)
    file.write_bytes(file.read_bytes()[:-100])
    with pytest.raises(MomentError, match=f"after step {step} of .* is damaged"):
        thrown.model(step)
    assert step not in thrown.steps and step in thrown.damaged
    again = Moments(thrown.folder)
    assert again.steps == thrown.steps and step in again.damaged
    thrown.model(24)


def test_a_moment_of_another_model_is_told(thrown):
    step = thrown.steps[4]
    file = thrown.file(step)
    config = dataclasses.replace(thrown.recipe.config, encoder_layers=2)
    metadata = read_metadata(file)
    save_model(Transformer(config), file, metadata)
    with pytest.raises(MomentError, match="is damaged .it is of a model of another shape"):
        Moments(thrown.folder).model(step)


def test_a_moment_that_is_kept_anew_has_no_state_of_the_weights_before(thrown):
    assert 24 in thrown.exact
    thrown.keep(thrown.moment(24), thrown.model(24))
    assert 24 in thrown.steps and 24 not in thrown.exact


def test_a_damaged_state_costs_time_alone(thrown, run, options):
    step = next(step for step in thrown.exact if 0 < step < 24)
    (thrown.folder / f"{step:08d}.state").write_bytes(b"nothing")
    assert same_weights(fork(thrown, step, **options).model, run[2].model)


def test_a_run_that_was_thrown_away_cannot_be_forked(thrown, options):
    thrown.discard()
    for ask in (lambda: thrown.model(0), lambda: fork(thrown, 0, **options)):
        with pytest.raises(MomentError, match="was thrown away, and its moments with it"):
            ask()
    assert not list(thrown.folder.iterdir()) and thrown.bytes == 0


def test_a_folder_of_another_run_is_refused(thrown, recipe, options):
    before = {file.name: file.read_bytes() for file in thrown.folder.iterdir()}
    other = dataclasses.replace(recipe, lr=0.01)
    with pytest.raises(MomentError, match="another run .lr was 0.002 and is now 0.01"):
        train(other, moments=thrown, **options)
    assert before == {file.name: file.read_bytes() for file in thrown.folder.iterdir()}


def test_a_damaged_description_is_told(thrown):
    (thrown.folder / "run.json").write_text(json.dumps({"name": "x"}))
    with pytest.raises(MomentError, match="run.json is damaged"):
        Moments(thrown.folder)


def test_moments_without_a_folder_are_gone_with_their_object():
    moments = Moments()
    folder = moments.folder
    assert folder.is_dir()
    del moments
    assert not folder.exists()


SCRIPT = textwrap.dedent("""
    import dataclasses, sys
    from mnist_transformer import Config
    from mnist_transformer.dataset import embedded_digits
    from mnist_transformer.train import train
    from mnist_transformer.training.moments import Moments
    from mnist_transformer.training.recipes import Recipe

    config = Config(canvas_width=32, model_dim=64, mlp_dim=64, encoder_layers=1,
                    decoder_layers=1, max_digits=1)
    recipe = Recipe(epochs=1, batch_size=1, config=config, samples_per_epoch=20)
    moments = Moments(sys.argv[1], keep=20)
    def said(moment):
        print(moment.step, moments.problem, flush=True)
        input()
    train(recipe, num_validation=20, digits=embedded_digits("train"), moments=moments,
          validation=embedded_digits("validation"), progress_bar=False, on_moment=said)
""")


def test_a_full_disk_is_said_and_a_killed_run_keeps_its_moments(tmp_path):
    run = subprocess.Popen(
        [sys.executable, "-c", SCRIPT, str(tmp_path)],
        cwd=ROOT,
        env=os.environ | {"OMP_NUM_THREADS": "1"},
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )

    def next_moment():
        said = run.stdout.readline()
        run.stdin.write("\n")
        run.stdin.flush()
        return said.partition(" ")

    assert next_moment()[2] == "None\n"
    full = int(run.stdout.readline().split()[0])
    size = (tmp_path / f"{full:08d}.safetensors").stat().st_size
    # From here on no file may grow beyond half of what a moment takes, until there is room again.
    before = resource.prlimit(run.pid, resource.RLIMIT_FSIZE)
    resource.prlimit(run.pid, resource.RLIMIT_FSIZE, (size // 2, before[1]))
    run.stdin.write("\n")
    run.stdin.flush()
    lost, _, problem = run.stdout.readline().partition(" ")
    assert "could not be kept" in problem and "File too large" in problem
    resource.prlimit(run.pid, resource.RLIMIT_FSIZE, before)
    run.stdin.write("\n")
    run.stdin.flush()
    last, _, problem = run.stdout.readline().partition(" ")
    assert problem == "None\n"
    run.kill()
    run.communicate()
    (tmp_path / "00000099.safetensors.1.partial").write_bytes(b"half")
    moments = Moments(tmp_path)
    assert moments.steps == [0, full, int(last)] and int(lost) not in moments.damaged
    assert moments.model(int(last)).config.max_digits == 1
    assert not list(tmp_path.glob("*.partial"))
