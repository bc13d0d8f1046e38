"""A run's files belong to one run at a time, and what is wrong with them is said."""

import dataclasses
import signal
import subprocess
import sys

import pytest
import torch

from mnist_transformer import Config, load_classifier
from mnist_transformer.__main__ import main
from mnist_transformer.train import TrainingError, train
from mnist_transformer.training import processes
from mnist_transformer.training.loop import Trainer
from mnist_transformer.training.recipes import Recipe
from mnist_transformer.training.run_files import RunFiles
from tests import ROOT

SMALL = Config(
    canvas_width=32, model_dim=16, mlp_dim=16, encoder_layers=1, decoder_layers=1, max_digits=1
)
RECIPE = Recipe(epochs=1, batch_size=4, config=SMALL, samples_per_epoch=40)


@pytest.fixture
def run(digits):
    """Train a little."""

    def run(path, recipe=RECIPE, **options):
        always = dict(digits=digits, validation=digits, num_validation=4, progress_bar=False)
        return train(recipe, checkpoint=path, **always, **options)

    return run


def test_a_second_run_with_the_same_file_is_refused_while_the_first_goes_on(run, tmp_path):
    path = tmp_path / "run.safetensors"
    refused = []

    def second(progress, model):
        if not refused:
            with pytest.raises(TrainingError, match="another training is writing .*run.safeten"):
                run(path, dataclasses.replace(RECIPE, lr=0.5))
            refused.append(True)

    assert run(path, on_progress=second, report_every=3).finished and refused
    with pytest.raises(TrainingError, match="finished model"):
        run(path)


def test_another_process_is_kept_away_too_and_the_lock_ends_with_its_owner(tmp_path):
    path = tmp_path / "run.safetensors"
    script = (
        "import sys; from mnist_transformer.training.run_files import RunFiles\n"
        "with RunFiles(sys.argv[1], {}).locked(): print('locked', flush=True); sys.stdin.read()"
    )
    other = subprocess.Popen(
        [sys.executable, "-c", script, str(path)],
        cwd=ROOT,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
    )
    assert other.stdout.readline() == b"locked\n"
    with pytest.raises(TrainingError, match="another training"), RunFiles(path, {}).locked():
        pass
    other.kill()
    other.wait()
    with RunFiles(path, {}).locked():
        pass


def test_a_run_that_fails_gives_its_files_back(run, tmp_path):
    path = tmp_path / "run.safetensors"

    def fail(progress, model):
        raise OSError("no space")

    for _ in range(2):
        with pytest.raises(OSError, match="no space"):
            run(path, on_progress=fail, report_every=1)


def test_names_that_differ_in_a_number_are_two_runs(run, tmp_path):
    paths = [tmp_path / f"lr0.00{n}.safetensors" for n in (1, 2)]
    for path, lr in zip(paths, (0.001, 0.002), strict=True):
        run(path, dataclasses.replace(RECIPE, lr=lr), stop=lambda: True)
    assert len(list(tmp_path.glob("*.resume"))) == 2
    with pytest.raises(ValueError, match=r"name it .*lr0\.001\.safetensors"):
        run(tmp_path / "lr0.001")


@pytest.mark.parametrize("keep", [0, 1, 100, 2000, -1])
def test_a_damaged_resume_file_is_named_with_what_to_do(run, tmp_path, keep):
    path = tmp_path / "run.safetensors"
    run(path, stop=lambda: True)
    resume = path.with_suffix(".resume")
    resume.write_bytes(resume.read_bytes()[:keep])
    with pytest.raises(TrainingError, match="run.resume is damaged .*delete it"):
        run(path)


@pytest.mark.parametrize(
    "spoil",
    [
        lambda saved: saved["state"].pop("objective"),
        lambda saved: saved["state"].update(done=None, history=[{"step": 1}]),
        lambda saved: saved["state"]["objective"].popitem(),
        lambda saved: saved.pop("state"),
    ],
)
def test_a_resume_file_that_lacks_something_is_called_damaged(run, tmp_path, spoil):
    path = tmp_path / "run.safetensors"
    run(path, stop=lambda: True)
    resume = path.with_suffix(".resume")
    saved = torch.load(resume, weights_only=True)
    spoil(saved)
    torch.save(saved, resume)
    with pytest.raises(TrainingError, match="run.resume is damaged"):
        run(path)


@pytest.mark.parametrize("device", ["cuda", "mps"])
def test_a_device_that_is_not_there_is_refused_by_name(run, monkeypatch, device):
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    monkeypatch.setattr(torch.backends.mps, "is_available", lambda: False)
    with pytest.raises(ValueError, match=f"no {device} device here: use cpu"):
        run(None, device=device)
    with (
        pytest.raises(ValueError, match=f"no {device} device"),
        processes.process_group(device),
    ):
        pass


COMMAND = ["train", "classifier", "--batch-size", "4", "--out", "one.safetensors"]


@pytest.fixture
def interrupted(monkeypatch, tmp_path, digits):
    """Ctrl-C comes within so many steps of a training in the shell."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr("mnist_transformer.commands.train.load_digits", lambda *_: digits)
    step = Trainer.step

    def interrupt(steps):
        left = iter(range(steps))

        def step_and_signal(self):
            step(self)
            if next(left, None) is not None:
                signal.raise_signal(signal.SIGINT)

        monkeypatch.setattr(Trainer, "step", step_and_signal)

    return interrupt


def test_ctrl_c_saves_what_was_learned_and_says_where_it_goes_on(interrupted, capsys):
    before = signal.getsignal(signal.SIGINT)
    for step in (1, 2):  # long before the first checkpoint would be due, and again after it
        interrupted(1)
        assert main(COMMAND) == 130
        assert f"stopped after step {step} of " in capsys.readouterr().err
        resume = torch.load("one.resume", weights_only=True)
        assert resume["state"]["done"] == step
    load_classifier("one.safetensors")
    assert signal.getsignal(signal.SIGINT) == before


def test_a_second_ctrl_c_ends_at_once_and_promises_nothing(interrupted, monkeypatch, capsys):
    interrupted(9)
    monkeypatch.setattr("mnist_transformer.training.processes.any_of", lambda _: False)
    assert main(COMMAND) == 130
    assert capsys.readouterr().err.splitlines()[-1] == "stopped"
