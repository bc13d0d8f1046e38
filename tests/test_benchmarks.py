"""The benchmarks measure what they say; how fast anything is, no test asks."""

import asyncio

import pytest
import torch

from benchmarks import growth, load, peers, reading, start, training
from benchmarks.__main__ import main as benchmarks_main
from mnist_transformer import load_transformer, make_lines
from tests import ROOT
from tests.chromium import serve


def test_every_peer_reads_and_is_of_our_size():
    canvases, tokens = torch.rand(2, *peers.SIZE), torch.zeros(2, peers.STEPS, dtype=torch.long)
    for peer in peers.peers().values():
        with torch.inference_mode():
            assert peer.read(canvases).shape == (2, peers.STEPS)
            assert peer(canvases, tokens).shape == (2, peers.STEPS, 13)
        assert sum(p.numel() for p in peer.parameters()) == pytest.approx(296_000, rel=0.01)


def test_a_cache_and_a_batch_change_no_digit(digits):
    model = load_transformer()
    lines = make_lines(
        digits, 16, model.config, generator=torch.Generator().manual_seed(0), augmentation=0
    )
    assert reading.same_digits(model, lines[0])


def test_the_usual_dataset_writes_lines(digits):
    canvas, tokens = training.Lines(digits)[0]
    assert canvas.shape == peers.SIZE and canvas.max() > 0.5
    assert tokens[0] == 11 and (tokens == 10).sum() == 1 and len(tokens) == 10


def test_memory_grows_with_the_batch():
    assert growth.growth_of_memory(growth.BASE, 64, 2) > growth.growth_of_memory(growth.BASE, 1, 2)


def test_no_visitor_sees_anothers_drawing(tmp_path):
    with serve(tmp_path / "log") as address:
        outcomes = asyncio.run(load.crowd(address, people=4, readings=3, pause=0))
    assert [len(outcome.seconds) for outcome in outcomes] == [3] * 4
    assert sum(outcome.foreign for outcome in outcomes) == 0


def test_another_checkout_starts_in_turn_with_this_one(monkeypatch, tmp_path):
    started = []
    monkeypatch.setattr("subprocess.run", lambda command, cwd, **_: started.append(cwd))
    times = start.reading_times(beside=tmp_path, rounds=1)
    assert len(times) == 3 and list(times)[-1].endswith(tmp_path.name)
    assert started == [ROOT, ROOT, tmp_path] * 3  # two rounds are not counted


@pytest.mark.parametrize("arguments", [[], ["nonsense"], ["reading", "--beside", "."]])
def test_what_no_benchmark_takes_is_refused(monkeypatch, capsys, arguments):
    monkeypatch.setattr("sys.argv", ["benchmarks", *arguments])
    assert benchmarks_main() == 2
    assert "usage" in capsys.readouterr().err
