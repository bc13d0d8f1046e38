"""The page without a browser: what Streamlit's own test harness can see."""

import tomllib
from types import SimpleNamespace

import pytest
from PIL import Image
from streamlit.proto.ForwardMsg_pb2 import ForwardMsg
from streamlit.runtime import forward_msg_cache
from streamlit.runtime.scriptrunner import StopException
from streamlit.testing.v1 import AppTest

from demo.jobs import TrainingJob, new_run
from demo.line import TrainingQueue
from demo.pauses import ARRIVAL
from mnist_transformer import load_transformer
from mnist_transformer.train import RunRefusedError, TrainingError
from tests import ROOT
from tests.demo.parts import DRAWN_ON_A_DESKTOP, part, sent, stage

APP = ROOT / "demo" / "app.py"


@pytest.fixture
def page():
    page = AppTest.from_file(str(APP), default_timeout=60).run()
    assert not page.exception
    return page


FEW = 20  # lines: a job of a few steps spends nearly all its time being validated ten times


def a_job(kind, samples, batch_size, lr=0.001, abandoned=lambda: False):
    return TrainingJob(1, "a test", kind, new_run(kind, samples, batch_size, lr, FEW), abandoned)


def end_the_run(*_):
    raise StopException


def button(page, label):
    return next(b for b in page.button if b.label == label)


def test_an_example_is_there_and_read_before_anyone_does_anything(page):
    assert stage(page)["digits"] == "314159"
    assert not page.error and not page.warning
    button(page, "Write your own").click().run()
    assert stage(page)["steps"] == []
    assert "Write 1 to 8 digits" in stage(page)["hints"][0]


def test_the_stage_is_sent_before_all_that_one_does_not_wait_for(page):
    with sent() as names:
        button(page, "2026").click().run()
    assert names[0] == "stage" and "html" in names  # the page's style is there already


def test_a_first_visitor_is_sent_the_style_then_the_sheet_and_the_stage(monkeypatch):
    waits = []
    monkeypatch.setattr(
        "demo.pauses.time", SimpleNamespace(sleep=lambda _: waits.append(list(names)))
    )
    monkeypatch.setattr("demo.pauses.ARRIVAL", ARRIVAL)
    with sent() as names:
        AppTest.from_file(str(APP), default_timeout=60).run()
    canvas = "streamlit-drawable-canvas.streamlit_drawable_canvas"
    assert waits[0] == waits[-1] == ["html", "paper", canvas, "stage"]
    assert names.count(canvas) == 1 and len(names) > 4


def test_the_rest_waits_for_a_new_stage_alone(page, monkeypatch):
    waits = []
    # Not Python's own, by which the harness waits for the page.
    monkeypatch.setattr("demo.pauses.time", SimpleNamespace(sleep=waits.append))
    button(page, "2026").click().run()
    assert len(waits) == 1 and waits[0] > 0
    page.run()
    assert len(waits) == 1


@pytest.mark.parametrize("name", ["2026", "8675309"])
def test_an_example_is_read_and_looked_into(page, name):
    button(page, name).click().run()
    assert not page.exception
    reading = load_transformer().read_page(Image.open(APP.parent / "examples" / f"{name}.png"))
    assert stage(page)["digits"] == name
    shown = [step["probability"] for step in stage(page)["steps"]][:-1]
    assert shown == pytest.approx(reading.probabilities, abs=1e-6)
    assert part(page, "strip")["digits"] == name
    button(page, "Write your own").click().run()
    assert stage(page)["digits"] == ""


def test_more_paper_makes_the_sheet_taller_until_it_is_cleared(page):
    def height():
        return part(page, "paper")["height"]

    row = before = height()
    for rows in (2, 3, 4):
        button(page, "More paper").click().run()
        assert before < height() < rows * row  # one writes smaller, so that all stays in sight
        before = height()
    assert button(page, "More paper").disabled
    button(page, "Write your own").click().run()
    assert height() == row


def test_a_drawing_in_the_address_is_shown_until_it_is_cleared(page):
    page.query_params["drawing"] = DRAWN_ON_A_DESKTOP
    page.run()
    assert stage(page)["digits"] == "27"
    assert len(page.session_state.laid.initial) == 2
    button(page, "Clear").click().run()
    assert stage(page)["digits"] == "" and "drawing" not in page.query_params
    page.query_params["drawing"] = DRAWN_ON_A_DESKTOP  # as Back does
    page.run()
    assert stage(page)["digits"] == "27"
    button(page, "2026").click().run()
    assert stage(page)["digits"] == "2026" and "drawing" not in page.query_params


def test_what_back_asks_for_is_laid_down_even_if_a_run_ends_while_it_is(page, monkeypatch):
    """As a run does when the next touch comes."""
    page.query_params["drawing"] = DRAWN_ON_A_DESKTOP
    with monkeypatch.context() as patch:
        patch.setattr("demo.link.fit", end_the_run)
        page.run()
    page.run()
    assert stage(page)["digits"] == "27" and button(page, "Clear")


def test_undo_takes_back_the_strokes_of_a_link_one_by_one(page):
    page.query_params["drawing"] = DRAWN_ON_A_DESKTOP
    page.run()
    button(page, "Undo").click().run()
    assert stage(page)["digits"] == "2"
    button(page, "Undo").click().run()
    assert stage(page)["digits"] == "" and button(page, "Undo").disabled


@pytest.mark.parametrize("name", ["encoder 1", "decoder 1 self", "decoder 2 cross"])
def test_every_kind_of_attention_is_shown(page, name):
    button(page, "2026").click().run()
    assert part(page, "detail") == {}
    page.session_state["strip"] = {"opened": name}
    page.run()
    assert not page.exception
    detail = part(page, "detail")
    assert detail["part"]["name"] == name
    assert "attention" in [section["view"] for section in detail["sections"]]


@pytest.mark.parametrize(
    ("way", "view"),
    [("The receipt", "ledger"), ("Paint the gaze", "gaze"), ("Swap a thought", "ledger")],
)
def test_of_a_shorter_line_all_views_show_the_first_step_as_the_stage_does(page, way, view):
    page.session_state["way"], page.session_state["step"] = way, 6
    page.query_params["only"] = "stage,apart"
    button(page, "2026").click().run()
    assert not page.exception
    assert part(page, view)["step"] == 0


def test_a_job_trains_stops_and_leaves_a_model_that_reads():
    job = a_job("transformer", 2000, 16, abandoned=lambda: True)
    job.start()  # stops after its first step
    job.wait()
    assert job.error is None and not job.running
    assert [p.step for p in job.history] == [1]
    assert job.finished is False
    example = Image.open(APP.parent / "examples" / "2026.png")
    assert job.moments.model(1).read(example).steps > 0


def test_a_stopped_job_goes_on():
    until_its_first_report = True

    def abandoned():
        return until_its_first_report and bool(job.history)

    job = a_job("transformer", 160, 32, abandoned=abandoned)
    job.start()
    job.wait()
    first = job.history[-1].step
    assert job.can_resume and first < 5
    until_its_first_report = False
    job.start()
    job.wait()
    assert job.error is None and job.finished and not job.can_resume
    assert [p.step for p in job.history] == [*range(1, first + 1), *range(first + 1, 6)]
    last = job.moments.model(job.moments.steps[-1])
    example = Image.open(APP.parent / "examples" / "2026.png")
    assert last.read(example, attention=True).attention is not None
    assert load_transformer(job.weights).config == last.config


def test_jobs_wait_in_line_and_a_waiting_one_can_be_stopped():
    line = TrainingQueue(slots=2)
    first, second, third, fourth = jobs = "abcd"
    for job in jobs:
        line.join(job)
    assert [line.place(job) for job in jobs] == [0, 0, 1, 2]
    assert line.wait(first, stopped=lambda: False)  # at once
    assert not line.wait(fourth, stopped=lambda: True)  # at once: it gave up
    line.leave(fourth)
    line.leave(first)
    assert [line.place(job) for job in (second, third)] == [0, 0]
    line.wait(third, stopped=lambda: False)


def test_a_job_nobody_watches_stops():
    job = a_job("classifier", 2000, 16, abandoned=lambda: True)
    job.start()
    job.wait()
    assert job.history[-1].step == 1


def test_what_cannot_be_trained_is_refused_before_it_waits_in_line():
    with pytest.raises(ValueError, match="lr must be a number above 0"):
        a_job("transformer", 2000, 16, lr=-1.0)


@pytest.mark.parametrize(
    "failure, said, logged",
    [
        (TrainingError("the loss became nan"), "the loss became nan", False),
        (RunRefusedError("step 8 is the end of the run"), "step 8 is the end of the run", False),
        (ValueError("a tensor of 3 dimensions"), "Something on the server went wrong", True),
    ],
)
def test_a_failed_job_says_why_and_what_nobody_expected_is_logged(failure, said, logged, caplog):
    def work(**hooks):
        raise failure

    job = TrainingJob(1, "a test", "transformer", work)
    job.start()
    job.wait()
    assert job.error.startswith(said) and job.finished is None
    assert not logged or str(failure) not in job.error
    assert [record.exc_info[1] for record in caplog.records] == [failure] * logged


def test_two_jobs_do_not_disturb_each_other_or_the_shipped_model(monkeypatch):
    monkeypatch.setattr("demo.jobs.CORES", 1)  # sums over more threads are rounded otherwise
    shipped = load_transformer()
    example = Image.open(APP.parent / "examples" / "2026.png")
    before = shipped.read(example)
    jobs = [a_job("transformer", 320, 32, lr) for lr in (0.001, 0.001, 0.002)]
    for job in jobs:
        job.start()
    for job in jobs:
        job.wait()
    assert [job.history[-1].step for job in jobs] == [10, 10, 10]
    losses = [job.history[-1].loss for job in jobs]
    assert losses[0] == losses[1] != losses[2]  # the same run, whatever ran beside it
    after = shipped.read(example)
    assert (before.digits, before.probabilities) == (after.digits, after.probabilities)


def test_nothing_is_sent_as_a_reference_to_what_the_browser_may_have_let_go_of(monkeypatch):
    settings = tomllib.loads((ROOT / "demo" / ".streamlit" / "config.toml").read_text())
    named = {f"global.{name}": value for name, value in settings["global"].items()}
    monkeypatch.setattr(forward_msg_cache.config, "get_option", named.__getitem__)
    large = ForwardMsg()
    large.delta.new_element.html.body = "x" * 20_000_000
    forward_msg_cache.populate_hash_if_needed(large)
    assert large.hash and not large.metadata.cacheable
