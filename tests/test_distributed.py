"""Training shared by two processes of one machine."""

import os
import subprocess
import sys
import textwrap
from pathlib import Path

import pytest

from mnist_transformer import distributed, load_transformer, train_transformer
from mnist_transformer.checkpoint import read_facts
from mnist_transformer.dataset import embedded_digits

ROOT = Path(__file__).parent.parent
SCRIPT = textwrap.dedent("""
    import os, sys
    from mnist_transformer import Config, distributed, train_transformer
    from mnist_transformer.dataset import embedded_digits

    path, stop_at, die_at = sys.argv[1], int(sys.argv[2]), int(sys.argv[3])
    # Linear patches: batch norm would tell shares of a batch from the whole.
    config = Config(canvas_width=96, stem_channels=(), model_dim=32, mlp_dim=32,
                    encoder_layers=1, decoder_layers=1, max_digits=3, dropout=0.0)
    steps = 0

    def stop():
        global steps
        steps += 1
        if steps == die_at and not distributed.is_first():
            os.kill(os.getpid(), 9)
        return steps == stop_at

    with distributed.joined("cpu"):
        train_transformer(
            epochs=2, batch_size=16, config=config, lines_per_epoch=160, interval=2,
            label_smoothing=0.0, ctc_weight=0.3, muon=True, averaging=0.9,
            digits=embedded_digits("train"), validation=embedded_digits("validation"),
            checkpoint=path, progress_bar=False, stop=stop)
""")


def run(path, processes, stop_at=0, die_at=0):
    command = [sys.executable, "-m", "torch.distributed.run", f"--nproc-per-node={processes}"]
    script = path.with_suffix(".py")
    script.write_text(SCRIPT)
    return subprocess.run(
        [*command, "--standalone", str(script), str(path), str(stop_at), str(die_at)],
        cwd=ROOT,
        env=os.environ | {"OMP_NUM_THREADS": "1", "PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
    )


def log(path):
    return [(entry["step"], entry["loss"]) for entry in read_facts(path)["log"]]


def test_two_processes_learn_what_one_does_and_take_over_from_each_other(tmp_path):
    one, two, both = (tmp_path / f"{name}.safetensors" for name in ("one", "two", "both"))
    for path, processes in ((one, 1), (two, 2)):
        done = run(path, processes)
        assert done.returncode == 0, done.stderr
    expected = [(step, pytest.approx(loss, rel=0.01)) for step, loss in log(one)]
    assert log(two) == expected
    assert run(both, 2, stop_at=7).returncode == 0  # two processes begin,
    assert both.with_suffix(".resume").exists()
    done = run(both, 1)  # and one goes on
    assert done.returncode == 0, done.stderr
    assert log(both) == expected


def test_a_process_that_dies_ends_the_run_and_leaves_a_checkpoint(tmp_path):
    path = tmp_path / "run.safetensors"
    done = run(path, 2, die_at=7)
    assert done.returncode != 0
    assert "another process of this run is gone" in done.stderr
    load_transformer(path)
    done = run(path, 2)
    assert done.returncode == 0, done.stderr
    assert [step for step, _ in log(path)] == [10, 20]


def test_a_batch_that_cannot_be_shared_is_refused(monkeypatch):
    monkeypatch.setattr(distributed, "processes", lambda: 3)
    with pytest.raises(ValueError, match="a batch of 32 cannot be shared equally by 3 processes"):
        train_transformer(digits=embedded_digits("train"), validation=embedded_digits("test"))
