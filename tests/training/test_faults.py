"""Training is killed, or the disk is full: what was saved stays, and the run goes on.

`KILLS=50 python -m pytest -s tests/training/test_faults.py` kills more often and
says what happened.
"""

import os
import random
import resource
import signal
import subprocess
import sys
import textwrap
import time

import torch

from mnist_transformer import load_transformer
from tests import ROOT

KILLS = int(os.environ.get("KILLS", 2))
# So small that it does little but save: after every step.
SCRIPT = textwrap.dedent("""
    import sys
    from mnist_transformer import Config
    from mnist_transformer.dataset import embedded_digits
    from mnist_transformer.train import train
    from mnist_transformer.training.recipes import Recipe

    config = Config(canvas_width=32, model_dim=64, mlp_dim=64, encoder_layers=1,
                    decoder_layers=1, max_digits=1)
    recipe = Recipe(epochs=1, batch_size=1, config=config, samples_per_epoch=int(sys.argv[2]),
                    ema_decay=0.9, optimizer="muon")
    train(
        recipe, report_every=1, save_every=1, num_validation=20,
        digits=embedded_digits("train"), validation=embedded_digits("validation"),
        checkpoint=sys.argv[1], progress_bar=False,
        on_progress=lambda progress, model: print(progress.step, flush=True))
""")


def start(path, steps=1_000_000, **options):
    return subprocess.Popen(
        [sys.executable, "-c", SCRIPT, str(path), str(steps)],
        cwd=ROOT,
        env=os.environ | {"OMP_NUM_THREADS": "1"},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        **options,
    )


def test_kills_at_random_moments_lose_at_most_a_step(tmp_path):
    path = tmp_path / "run.safetensors"
    moments = random.Random(0)
    reached, partial = 0, 0
    for _ in range(KILLS):
        run = start(path)
        first = int(run.stdout.readline())
        assert first in (reached + 1, reached + 2), "the run goes on from its last checkpoint"
        assert not list(tmp_path.glob("*.partial"))
        time.sleep(moments.uniform(0, 0.5))
        os.kill(run.pid, signal.SIGKILL)
        reported = [first, *map(int, run.stdout.read().split())][-1]
        run.wait()
        partial += bool(list(tmp_path.glob("*.partial")))
        load_transformer(path)  # whole
        reached = torch.load(path.with_suffix(".resume"), weights_only=True)["state"]["done"]
        assert reached in (reported, reported + 1)
    print(f"\n{KILLS} kills, {partial} of them while a file was written; every run went on")


def test_a_full_disk_leaves_the_old_checkpoint(tmp_path):
    path = tmp_path / "run.safetensors"
    run = start(path, steps=2)
    assert run.wait() == 0, run.stderr.read()
    size = path.stat().st_size
    path.rename(tmp_path / "other.safetensors")
    run = start(path)
    run.stdout.readline()
    before = run.stdout.readline()
    # From here on no file may grow beyond half of what a checkpoint takes.
    resource.prlimit(run.pid, resource.RLIMIT_FSIZE, (size // 2, size // 2))
    assert run.wait() == 1
    last = [before, *run.stdout.read().split()][-1]
    assert "OSError: [Errno 27] File too large" in run.stderr.read()
    load_transformer(path)
    assert torch.load(path.with_suffix(".resume"), weights_only=True)["state"]["done"] == int(last)
    assert sorted(file.name for file in tmp_path.iterdir()) == [
        "other.safetensors",
        "run.resume",
        "run.safetensors",
    ]
