"""The benchmarks measure what they say; how fast anything is, no test asks."""

import argparse
import asyncio

import numpy as np
import pytest
import torch
from PIL import Image

from benchmarks import (
    bulk,
    explain,
    growth,
    ink,
    load,
    peers,
    readers,
    reading,
    start,
    teach,
    training,
)
from benchmarks.__main__ import main as benchmarks_main
from mnist_transformer import load_transformer, make_lines
from mnist_transformer.hands.forms import DIGIT_FORMS
from mnist_transformer.hands.pages import KINDS, pen_pages
from mnist_transformer.hands.pen import load_pen_digits
from mnist_transformer.ink import marks
from tests import ROOT
from tests.chromium import serve
from tests.pen import write_ink


def test_every_peer_reads_and_is_of_our_size():
    canvases, tokens = torch.rand(2, *peers.SIZE), torch.zeros(2, peers.STEPS, dtype=torch.long)
    for peer in peers.peers().values():
        with torch.inference_mode():
            assert peer.read(canvases).shape == (2, peers.STEPS)
            assert peer(canvases, tokens).shape == (2, peers.STEPS, 13)
        assert sum(p.numel() for p in peer.parameters()) == pytest.approx(296_000, rel=0.01)


@pytest.mark.parametrize("name", teach.ODD_FORMS)
def test_odd_forms_are_new_to_the_shipped_model_and_often_misread(name):
    label, form = teach.ODD_FORMS[name]
    assert form not in DIGIT_FORMS[label]
    pictures = teach.drawings(form, 20, seed=3)
    assert teach.right(load_transformer(), label, pictures) <= 15


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
        training = asyncio.run(load.crowd(address, people=3, readings=3, pause=0, train=True))
        server = load.server_on(address.rsplit(":", 1)[1])
        options = argparse.Namespace(readings=2, pause=0, train=False)
        row = load.one_crowd(address, server, 2, options)
    assert [len(outcome.seconds) for outcome in outcomes] == [3] * 4
    assert [len(outcome.seconds) for outcome in training] == [4] * 3  # one more as the run starts
    assert sum(outcome.foreign for outcome in outcomes + training) == 0
    people, read, *_, memory, threads = row.strip("| ").split(" | ")
    assert (people, read) == ("2", "4") and memory.endswith(" MB") and int(threads) > 1


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


def test_letters_count_as_the_digits_they_look_like():
    assert readers.only_digits("lO Zb,S") == "10265"
    assert readers.only_digits("1-2 \uff13") == "123"  # a digit as wide as a Chinese character
    assert set(readers.AS_DIGITS).isdisjoint("0123456789")


def test_boxes_become_rows_from_top_to_bottom_and_left_to_right():
    def box(left, top):
        return [[left, top], [left + 40, top], [left + 40, top + 50], [left, top + 50]]

    boxes = np.array([box(300, 96), box(200, 15), box(10, 100), box(0, 0), box(100, 200)], float)
    assert readers.boxes_to_rows(boxes, ["4", "2", "3", "1", ""]) == ["12", "34"]


def test_readers_are_scored_on_the_same_pictures():
    pictures = [
        (readers.LINE, Image.new("L", (9, 9)), ["12"]),
        ("rows", Image.new("L", (8, 8)), ["12", "3"]),
        ("rows", Image.new("L", (7, 7)), ["4", "5", "6"]),
    ]
    asked = []

    def stub(picture, one_row):
        asked.append((picture.width, one_row))
        return {9: ["12"], 8: ["1", "23"], 7: ["4", "6"]}[picture.width]

    shown = [readers.Reader("stub", stub, 2_000_000), readers.Reader("Tesseract", None, 0)]
    scores = readers.measure(shown, pictures)
    assert asked == [(9, True), (9, True), (8, False), (7, False)]  # the first does not count
    assert scores[0].right == {readers.LINE: [True], "rows": [True, False]}
    assert (scores[0].rows_right, scores[0].rows) == (2, 5)
    table = readers.table(shown, scores).splitlines()
    assert table[0] == "|  | stub | Tesseract |"
    assert "| pages: rows | 1 of 2 (50%) | not installed |" in table
    assert "| weights on disk | 2.0 MB | not installed |" in table


def test_the_readers_are_shown_lines_and_pages_of_every_kind(tmp_path):
    digits = load_pen_digits(write_ink(tmp_path / "ink.jsonl"))
    shown = list(readers.pictures_of_ink(digits, 2, 1, seed=0))
    assert [kind for kind, _, _ in shown] == [readers.LINE] * 2 + list(KINDS)
    assert all(row.isdigit() for _, _, rows in shown for row in rows)


def test_every_way_to_take_a_reading_apart_is_timed():
    model = load_transformer()
    paths = (ROOT / "demo" / "examples" / f"{name}.png" for name in ("2026", "99"))
    calls = explain.calls(model, *model.read_many(paths, attention=True))
    assert next(iter(calls)) == explain.PLAIN and len(calls) == 11
    for call in calls.values():
        assert call() is not None


def test_many_files_are_scored_by_their_names(tmp_path):
    files = bulk.make_files(tmp_path, 7)
    assert len(set(files)) == 7 and files == sorted(files)
    model = load_transformer()
    assert bulk.one_by_one(model, files) == bulk.in_bulk(model, files)
    names = [name.rpartition("-")[2].removesuffix(".png") for name in files]
    assert bulk.right(files, names) == 7
    assert bulk.right(files, [*names[1:], "0"]) == 0
    # Another checkout reads them as this one does, since it is this one.
    seconds, work, digits = bulk.beside(ROOT, files[:2])
    assert seconds > 0 and work > 0 and digits == names[:2]


def test_a_step_of_the_ink_is_exchanged_for_another_and_put_back(tmp_path):
    digits = load_pen_digits(write_ink(tmp_path / "ink.jsonl"))
    pages = [page for page in pen_pages(digits, 1, 0) if page.kind in ink.RULE_KINDS]
    before = marks.without_rules
    found = ink.compare(load_transformer(), pages, ink.RULES, ink.RULE_WAYS)
    assert marks.without_rules is before
    ours, left_in = (found[name][0] for name in (next(iter(found)), "left in"))
    assert ours > left_in and all(milliseconds >= 0 for _, milliseconds in found.values())
    grey = np.full((90, 200), 200, np.uint8)
    assert all((light(grey) == 200).all() for light in ink.LIGHTS.values())
