"""Teach it your hand: digits cut from the sheet, named and kept, and what a lesson says."""

import gc

import numpy as np
import pytest
from streamlit.testing.v1 import AppTest

from demo import teach_view
from demo.jobs import TrainingJob, new_run
from mnist_transformer.hands.own import MOST_DIGITS, digits_from_json, digits_to_json, own_digit
from mnist_transformer.training.teach import Score
from tests import ROOT
from tests.demo.parts import DRAWN_ON_A_DESKTOP


def opened(**state):
    page = AppTest.from_file(str(ROOT / "demo" / "app.py"), default_timeout=120)
    page.query_params["only"] = "stage,train"
    page.query_params["drawing"] = DRAWN_ON_A_DESKTOP
    page.session_state["train-way"] = "Teach it your hand"
    for name, value in state.items():
        page.session_state[name] = value
    page.run()
    assert not page.exception
    return page


def button(page, start):
    return next(each for each in page.button if each.label.startswith(start))


def names(page):
    """Of the digits on the sheet, as they stand under them."""
    return [each.label for each in page.button if (each.key or "").startswith("own-digit-")]


def rename(page, n, name):
    """Say what the nth digit of the sheet is."""
    if not any(each.label == f"Digit {n} is a" for each in page.button_group):
        page.button(key=f"own-digit-{n}").click().run()
    next(each for each in page.button_group if each.label == f"Digit {n} is a").select(name).run()
    assert not page.exception


def labels(page):
    return [digit.label for digit in page.session_state["own_digits"]]


def test_digits_are_kept_as_they_are_named_and_left_out_where_one_says_so():
    page = opened()
    assert names(page) == ["2", "7"]
    assert button(page, "Teach the shipped model").disabled
    rename(page, 1, "3")
    assert names(page) == ["3", "7"]
    button(page, "Keep these 2").click().run()
    assert labels(page) == [3, 7]
    button(page, "Keep these 2").click().run()
    assert labels(page) == [3, 7]  # the same digits are kept once
    kept = list(page.session_state["own_digits"])
    again = digits_from_json(digits_to_json(kept))
    assert all(np.array_equal(a.image, b.image) for a, b in zip(kept, again, strict=True))
    assert (kept[1].image > 128).sum() > 20  # the ink of the 7, not paper
    rename(page, 1, teach_view.LEAVE)
    assert names(page) == ["none", "7"]
    button(page, "Keep these 2").click().run()
    assert labels(page) == [7]
    assert not button(page, "Teach the shipped model this digit").disabled
    button(page, "Forget them").click().run()
    assert labels(page) == []


def test_a_name_that_was_corrected_is_not_carried_over_to_the_next_drawing():
    page = opened()
    rename(page, 1, "3")
    rename(page, 2, "1")
    assert names(page) == ["3", "1"]
    button(page, "2026").click().run()
    assert names(page) == ["2", "0", "2", "6"]
    assert not any("is a" in each.label for each in page.button_group)


def test_more_digits_than_are_taken_are_refused_and_none_is_lost():
    chance = np.random.default_rng(0)
    many = [own_digit(1, chance.random((28, 28), np.float32)) for _ in range(MOST_DIGITS - 1)]
    page = opened(own_digits=many)
    button(page, "Keep these 2").click().run()
    assert "forget some first" in page.error[0].value
    assert len(labels(page)) == MOST_DIGITS - 1


def test_a_blank_sheet_says_what_to_do():
    page = opened()
    button(page, "Clear").click().run()
    assert not page.exception
    assert any("Write digits on the sheet above" in each.value for each in page.info)


@pytest.fixture
def job():
    """A run that came to its end."""
    made = TrainingJob(1, "a test", "transformer", new_run("transformer", 160, 32, 0.002, 20))
    made.start()
    made.wait()
    assert made.error is None
    return made


def test_what_was_learned_and_what_was_forgotten_is_said_digit_by_digit(job):
    before = Score(0.97, 0.99, {digit: 0.99 for digit in range(10)}, 0.2)
    after = Score(0.965, 0.99, {digit: 0.98 for digit in range(10)}, 1.0)
    assert job.finished
    job.scores = before, after
    page = opened(runs=[job], runs_begun=1)
    said = next(each.value for each in page.markdown if "Of your digits" in each.value)
    assert "100%, 20% before" in said and "96.5%, 97.0% before" in said and "stopped" not in said
    table = next(h.proto.body for h in page.get("html") if "data-own" in h.proto.body)
    assert table.count("<td>99.0%</td>") == table.count("<td>98.0%</td>") == 10
    job.finished = False
    page.run()
    assert any("The lesson was stopped before its end." in each.value for each in page.markdown)


def test_a_run_s_files_are_gone_with_its_visitor():
    job = TrainingJob(1, "a test", "transformer", new_run("transformer", 160, 32, 0.002, 20))
    job.start()
    job.wait()
    folders = [job.moments.folder, job.weights.parent]
    assert all(folder.exists() for folder in folders)
    del job
    gc.collect()
    assert not any(folder.exists() for folder in folders)


def test_an_error_names_no_folder_of_the_server(monkeypatch):
    job = TrainingJob(1, "a test", "transformer", new_run("transformer", 160, 32, 0.002, 20))

    def full(*_):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("mnist_transformer.training.moment_files.write_atomically", full)
    job.start()
    job.wait()
    assert (
        "No space left" in job.error
        and "its log says" not in job.error
        and str(job.moments.folder) not in job.error
    )
