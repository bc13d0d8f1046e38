"""The page without a browser: what Streamlit's own test harness can see."""

import pytest
from PIL import Image
from streamlit.testing.v1 import AppTest

from demo.jobs import TrainingJob, TrainingQueue
from mnist_transformer import load_transformer
from tests import ROOT

APP = ROOT / "demo" / "app.py"


@pytest.fixture
def page():
    page = AppTest.from_file(str(APP), default_timeout=60).run()
    assert not page.exception
    return page


FEW = 20  # lines: a job of a few steps spends nearly all its time being validated ten times


def button(page, label):
    return next(b for b in page.button if b.label == label)


def tiles(page):
    """The HTML of the reading."""
    return next(h.proto.body for h in page.get("html") if 'class="reading"' in h.proto.body)


def test_the_page_starts_empty(page):
    assert "Write 1 to 8 digits" in tiles(page)
    assert not page.error and not page.warning


def test_the_tour_has_five_stops_and_can_be_left(page):
    for stop in range(1, 5):
        assert any(m.value.startswith(f"{stop} of 5") for m in page.markdown)
        button(page, "Next").click().run()
    button(page, "Done").click().run()
    assert not any(" of 5" in m.value for m in page.markdown)


def test_the_tour_can_be_left_at_once(page):
    button(page, "Leave").click().run()
    assert not any(" of 5" in m.value for m in page.markdown)


@pytest.mark.parametrize("name", ["2026", "314159"])
def test_an_example_is_read_and_looked_into(page, name):
    button(page, name).click().run()
    assert not page.exception
    assert f'data-digits="{name}"' in tiles(page)
    assert page.get("plotly_chart")
    button(page, "Clear").click().run()
    assert "Write 1 to 8 digits" in tiles(page)


def test_every_kind_of_attention_is_shown(page):
    button(page, "2026").click().run()
    for kind in ("Encoder self-attention", "Decoder self-attention", "Cross-attention"):
        page.session_state["kind"] = kind
        page.run()
        assert not page.exception
        assert page.get("plotly_chart")


def test_a_job_trains_stops_and_leaves_a_model_that_reads():
    job = TrainingJob("transformer", 2000, batch_size=16, lr=0.001, abandoned=lambda: True)
    job.start()  # stops after its first step
    job.wait()
    assert job.error is None and not job.running
    assert [p.step for p in job.history] == [1]
    assert not job.result.finished
    example = Image.open(APP.parent / "examples" / "2026.png")
    assert job.result.model.read(example).steps > 0


def test_a_stopped_job_goes_on():
    until_its_first_report = True

    def abandoned():
        return until_its_first_report and bool(job.history)

    job = TrainingJob("transformer", 320, 32, 0.001, abandoned, num_validation=FEW)
    job.start()
    job.wait()
    first = job.history[-1].step
    assert job.can_resume and first < 10
    until_its_first_report = False
    job.start()
    job.wait()
    assert job.error is None and job.result.finished and not job.can_resume
    assert [p.step for p in job.history] == [*range(1, first + 1), *range(first + 1, 11)]
    assert job.glimpse.attention is not None
    assert load_transformer(job.weights).config == job.result.model.config


def test_jobs_wait_in_line_and_a_waiting_one_can_be_stopped():
    line = TrainingQueue(slots=2)
    first, second, third, fourth = jobs = "abcd"
    for job in jobs:
        line.join(job)
    assert [line.place(job) for job in jobs] == [0, 0, 1, 2]
    line.wait(first, stopped=lambda: False)  # at once
    line.wait(fourth, stopped=lambda: True)  # at once: it gave up
    line.leave(fourth)
    line.leave(first)
    assert [line.place(job) for job in (second, third)] == [0, 0]
    line.wait(third, stopped=lambda: False)


def test_a_job_nobody_watches_stops():
    job = TrainingJob("classifier", 2000, 16, 0.001, abandoned=lambda: True)
    job.start()
    job.wait()
    assert job.history[-1].step == 1


def test_a_failed_job_says_why():
    job = TrainingJob("transformer", samples=2000, batch_size=16, lr=-1.0)
    job.start()
    job.wait()
    assert "lr must be a number above 0" in job.error and job.result is None


def test_two_jobs_do_not_disturb_each_other_or_the_shipped_model():
    shipped = load_transformer()
    example = Image.open(APP.parent / "examples" / "2026.png")
    before = shipped.read(example)
    jobs = [
        TrainingJob("transformer", 320, 32, lr, num_validation=FEW) for lr in (0.001, 0.001, 0.002)
    ]
    for job in jobs:
        job.start()
    for job in jobs:
        job.wait()
    assert [job.history[-1].step for job in jobs] == [10, 10, 10]
    losses = [job.history[-1].loss for job in jobs]
    assert losses[0] == losses[1] != losses[2]  # the same run, whatever ran beside it
    after = shipped.read(example)
    assert (before.digits, before.probabilities) == (after.digits, after.probabilities)
