"""The course: what its lessons ask for, and when a task counts as done."""

import dataclasses

import pytest

from demo.course import LESSONS, Seen
from mnist_transformer import load_transformer
from mnist_transformer.explain.interventions import read_changed
from mnist_transformer.explain.parts import groups, intervention, parts
from tests import ROOT


@pytest.fixture(scope="module")
def model():
    return load_transformer()


@pytest.fixture(scope="module")
def reading(model):
    return model.read_page(ROOT / "demo" / "examples" / "314159.png").rows[0].parts[0]


def reads(reading, digits):
    return dataclasses.replace(reading, digits=digits, probabilities=[1.0] * len(digits))


def after(model, reading, *off):
    change = intervention(model.config, off)
    return Seen(reading, read_changed(model, reading.canvas, change), off=off)


def done(number, seen):
    return LESSONS[number - 1].done(seen)


def test_there_are_eight_lessons_and_six_more_and_the_page_can_notice_each():
    assert len(LESSONS) == 8 + 6
    for lesson in LESSONS:
        assert bool(lesson.done) != bool(lesson.watch), lesson.title
        assert lesson.text and lesson.task and lesson.praise and lesson.point
        assert len(lesson.text) < 420 and len(lesson.task) < 160  # a card, not a page


def test_an_example_is_not_writing(reading):
    assert not done(1, Seen(reading, reading, strokes=0))
    assert done(1, Seen(reading, reading, strokes=4))
    assert not done(1, Seen(reads(reading, "7"), reading, strokes=1))


def test_the_bar_of_a_7_is_rubbed_out(reading):
    one = reads(reading, "1")
    assert not done(4, Seen(one, one, strokes=1))
    assert done(4, Seen(one, one, strokes=1, read_before=["1", "7"]))
    assert not done(4, Seen(one, one, strokes=1, read_before=["17"]))  # a digit rubbed out
    assert not done(4, Seen(one, one, strokes=0, read_before=["7"]))
    longer = reads(reading, "201")
    assert done(4, Seen(longer, longer, strokes=5, read_before=["207"]))
    assert not done(4, Seen(longer, longer, strokes=5, read_before=["217"]))


def test_there_is_one_layer_of_the_decoder_without_which_it_loses_its_place(model, reading):
    found = [name for name in parts(model.config) if done(6, after(model, reading, name))]
    assert found == ["decoder 1"]
    assert not done(6, after(model, reading, "decoder 1", "encoder 1"))
    assert not done(6, after(model, reading))


def test_heads_off_one_by_one_break_the_reading_in_the_end(model, reading):
    heads = groups(model.config)["cross 1, all heads"]
    broken = [n for n in range(len(heads) + 1) if done(7, after(model, reading, *heads[:n]))]
    assert broken and min(broken) >= 2  # no single one is needed
    assert not done(7, after(model, reading, "decoder 1"))


def test_lesson_8_waits_for_a_model_of_ones_own(reading):
    assert not done(8, Seen(reading, reading))
    assert done(8, Seen(reading, reading, trained=True))
