"""Training shared by two processes of one machine."""

import itertools
import os
import subprocess
import sys
import time

import pytest

import mnist_transformer.train
from mnist_transformer import Config, load_transformer, train_transformer
from mnist_transformer.checkpoint import read_metadata
from mnist_transformer.dataset import embedded_digits
from mnist_transformer.training import processes
from mnist_transformer.training.recipes import Recipe
from tests import ROOT

# Linear patches: batch norm would tell shares of a batch from the whole.
CONFIG = Config(
    canvas_width=96,
    stem_channels=(),
    model_dim=32,
    mlp_dim=32,
    encoder_layers=1,
    decoder_layers=1,
    max_digits=3,
    dropout=0.0,
)


def train(path, stop_at=0, die_at=0):
    """Two epochs of ten steps; stopped at one step, or all processes but the first killed."""
    steps = itertools.count(1)

    def stop():
        step = next(steps)
        if step == die_at:
            if not processes.is_main():
                os.kill(os.getpid(), 9)
            time.sleep(1)  # so that torchrun asks this one to end before it notices
        return step == stop_at

    recipe = Recipe(
        epochs=2,
        batch_size=16,
        config=CONFIG,
        samples_per_epoch=160,
        label_smoothing=0.0,
        ctc_weight=0.3,
        optimizer="muon",
        ema_decay=0.9,
    )
    mnist_transformer.train.train(
        recipe,
        report_every=2,
        save_every=2,
        digits=embedded_digits("train"),
        validation=embedded_digits("validation"),
        checkpoint=path,
        progress_bar=False,
        stop=stop,
    )


def train_in_two(path, **how):
    """`train` in two processes, started by torchrun, which hear signals as the shell's do."""
    script = path.with_suffix(".py")
    script.write_text(
        "from mnist_transformer.commands.train import _stop_on_signals\n"
        "from mnist_transformer.training.processes import process_group\n"
        "from tests.training.test_distributed import train\n"
        f"with process_group('cpu'), _stop_on_signals(): train({str(path)!r}, **{how})"
    )
    torchrun = [sys.executable, "-m", "torch.distributed.run", "--standalone"]
    return subprocess.run(
        [*torchrun, "--nproc-per-node=2", str(script)],
        cwd=ROOT,
        env=os.environ | {"OMP_NUM_THREADS": "1", "PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
    )


def log(path):
    return [(entry["step"], entry["loss"]) for entry in read_metadata(path)["log"]]


def test_two_processes_learn_what_one_does_and_hand_over_to_one(tmp_path):
    one, two, both = (tmp_path / f"{name}.safetensors" for name in ("one", "two", "both"))
    train(one)
    expected = [(step, pytest.approx(loss, rel=0.01)) for step, loss in log(one)]
    done = train_in_two(two)
    assert done.returncode == 0, done.stderr
    assert log(two) == expected
    done = train_in_two(both, stop_at=7)
    assert done.returncode == 0 and both.with_suffix(".resume").exists(), done.stderr
    train(both)
    assert log(both) == expected


def test_a_process_that_dies_ends_the_run_and_leaves_a_checkpoint(tmp_path):
    path = tmp_path / "run.safetensors"
    done = train_in_two(path, die_at=7)
    assert done.returncode != 0
    assert "another process of this run is gone" in done.stderr
    load_transformer(path)
    train(path)
    assert [step for step, _ in log(path)] == [10, 20]


def test_a_batch_that_cannot_be_shared_is_refused(monkeypatch):
    monkeypatch.setattr(processes, "world_size", lambda: 3)
    with pytest.raises(ValueError, match="a batch of 32 cannot be shared equally by 3 processes"):
        train_transformer(digits=embedded_digits("train"), validation=embedded_digits("test"))
